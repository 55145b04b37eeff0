"""Whether a response has arrived, as far as the operating system knows, and whether its client left."""

import array
import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import attrs

from imagegen_core.errors import Unavailable
from imagegen_http.errors import ServiceCode
from imagegen_http.guard.asgi import Receive, Scope

T = TypeVar("T")

CONNECTION = "imagegen.connection"  # the key of the `OpenConnection` in the scope
CALLER = "imagegen.caller"  # the key of the `Caller` in the scope of a request that we make for somebody else
DELIVERY_TIMEOUT_SECONDS = 60.0  # for a peer to acknowledge the end of a response
_RESET = struct.pack("ii", 1, 0)  # for SO_LINGER
_MIN_POLL_SECONDS = 0.001
_MAX_POLL_SECONDS = 0.25


class OpenConnection:
    """A peer that closes a connection has read what it acknowledged; one that resets it has not read all."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._undelivered_bytes: int | None = None

    def is_open(self) -> bool:
        """Whether the peer may acknowledge more."""
        return self._undelivered_bytes is None and not self._transport.is_closing()

    def unacknowledged_bytes(self) -> int:
        """Return what the peer has not acknowledged, or had not when it disconnected."""
        if self._undelivered_bytes is not None:
            return self._undelivered_bytes
        missing = _unacknowledged_bytes(self._transport)
        # A failed write closes the transport and drops its buffer a moment before `connection_lost` comes.
        return max(1, missing) if self._transport.is_closing() else missing

    def abort(self) -> None:
        self._transport.abort()

    def reset(self) -> None:
        """Abort, and let the peer know that its response is cut off, also where no length says so."""
        connection: Any = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def end(self, *, reset: bool) -> None:
        """Record how the peer disconnected; only the first call counts."""
        if self._undelivered_bytes is None:
            missing = _unacknowledged_bytes(self._transport)
            self._undelivered_bytes = max(1, missing) if reset else missing


@attrs.define(eq=False)
class Caller:
    """Who waits for an answer. Each of ``settle`` is called with whether it has arrived."""

    disconnect: "asyncio.Task[None]"
    settle: list[Callable[[object], Awaitable[None]]] = attrs.field(factory=list, init=False)
    _has_left: bool = attrs.field(default=False, init=False)

    async def on_leave(self, settle: Callable[[object], Awaitable[None]]) -> None:
        """Settle this once the caller leaves; at once if it has, as while the answer was made."""
        self.settle.append(settle)
        if self._has_left:
            await self.leave(arrived=False)

    async def leave(self, *, arrived: bool) -> None:
        self._has_left = True
        while self.settle:
            await self.settle.pop()(arrived)


async def wait_for_delivery(
    scope: Scope, disconnect: "asyncio.Task[None]", seconds: float = DELIVERY_TIMEOUT_SECONDS
) -> bool:
    """Wait until the peer has acknowledged everything that was written; return whether it has.

    Written bytes may still be in our system's buffers, on a slow line a whole image. If the server does not
    report what is missing, it counts as arrived unless there was a ``disconnect``.
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
    """Return the bytes in our buffer and the system's, if that reports any."""
    waiting = array.array("i", [0])
    connection: Any = transport.get_extra_info("socket")
    try:
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, waiting)
    except (OSError, ValueError, AttributeError):
        waiting[0] = 0
    return waiting[0] + transport.get_write_buffer_size()


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless(end: Coroutine[Any, Any, object], work: Coroutine[Any, Any, T]) -> T | None:
    """Return the result of ``work``; None if the ``end`` comes first, which cancels it."""
    working, ending = asyncio.create_task(work), asyncio.create_task(end)
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        ending.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)


async def unless_disconnected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Cancel ``work``, which has a result, if the client disconnects first."""
    if (result := await unless(wait_for_disconnect(receive), work)) is None:
        raise Unavailable(ServiceCode.CALLER_LEFT())
    return result
