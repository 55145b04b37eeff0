"""Whether an answer has arrived, as far as the operating system knows."""

import array
import asyncio
import fcntl
import termios
from typing import Any

from imagegen_http.asgi.types import Scope

CONNECTION = "imagegen.connection"
"""Key of the scope: the `OpenConnection` that the request came over."""

DELIVERY_TIMEOUT_SECONDS = 60.0

_MIN_POLL_SECONDS = 0.001
_MAX_POLL_SECONDS = 0.25


class OpenConnection:
    """How much of what was written to a connection its peer has not confirmed.

    Who closes it in good order has what was confirmed by then; who resets it has not read everything.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._undelivered_bytes: int | None = None

    def is_open(self) -> bool:
        """Return whether the peer may still confirm more."""
        return self._undelivered_bytes is None and not self._transport.is_closing()

    def unacknowledged_bytes(self) -> int:
        """Return how many bytes the peer has not confirmed, or had not when it went."""
        if self._undelivered_bytes is not None:
            return self._undelivered_bytes
        missing = _unacknowledged_bytes(self._transport)
        # A write that failed closes the transport and drops what it held, a moment before we are told.
        return max(1, missing) if self._transport.is_closing() else missing

    def abort(self) -> None:
        """End the connection at once; nothing that waits to be sent is."""
        self._transport.abort()

    def end(self, *, reset: bool) -> None:
        """Note how the peer went; the first time counts."""
        if self._undelivered_bytes is None:
            missing = _unacknowledged_bytes(self._transport)
            self._undelivered_bytes = max(1, missing) if reset else missing


async def wait_for_delivery(
    scope: Scope, disconnect: "asyncio.Task[None]", seconds: float = DELIVERY_TIMEOUT_SECONDS
) -> bool:
    """Return whether the peer's system has all that was written just now.

    What is written lies in buffers of our own system first, a whole image on a slow line: written is not
    arrived. Where the server does not say what is missing, it is arrived unless the client has ``left``.
    """
    connection: OpenConnection | None = scope.get(CONNECTION)
    if connection is None:
        return not disconnect.done()
    if disconnect.done() or not connection.is_open():
        return False
    loop, pause = asyncio.get_running_loop(), _MIN_POLL_SECONDS
    deadline = loop.time() + seconds
    while connection.is_open() and connection.unacknowledged_bytes():
        if loop.time() > deadline:
            return False
        await asyncio.wait({disconnect}, timeout=pause)
        pause = min(2 * pause, _MAX_POLL_SECONDS)
    return not connection.unacknowledged_bytes()


def _unacknowledged_bytes(transport: asyncio.Transport) -> int:
    """Return what is in our buffers and the system's; 0 where the system does not say."""
    waiting = array.array("i", [0])
    connection: Any = transport.get_extra_info("socket")
    try:
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, waiting)
    except (OSError, ValueError, AttributeError):
        waiting[0] = 0
    return waiting[0] + transport.get_write_buffer_size()
