"""Whether an answer has arrived, as far as the operating system knows."""

import array
import asyncio
import fcntl
import termios
from typing import Any

from imagegen_http.asgi import Scope

UNACKNOWLEDGED = "imagegen.unacknowledged"
"""Key of the scope: a function that says how many bytes of this connection the peer has not confirmed."""

PATIENCE_SECONDS = 60.0

_FIRST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.25


async def delivered(scope: Scope, left: "asyncio.Task[None]", seconds: float = PATIENCE_SECONDS) -> bool:
    """Return whether the peer's system has all that was written; False when the client leaves before.

    What is written lies in buffers of our own system first, a whole image on a slow line: written is not
    arrived. Where the server does not say what is missing, nothing is.
    """
    unacknowledged = scope.get(UNACKNOWLEDGED)
    if unacknowledged is None:
        return not left.done()
    loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE_SECONDS
    deadline = loop.time() + seconds
    while not left.done() and unacknowledged():
        if loop.time() > deadline:
            return False
        await asyncio.wait({left}, timeout=pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return not left.done()


def unacknowledged_bytes(transport: asyncio.Transport) -> int:
    """Return how much was written to a connection and not confirmed by its peer; 0 where nobody knows."""
    waiting = array.array("i", [0])
    connection: Any = transport.get_extra_info("socket")
    try:
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, waiting)
    except (OSError, ValueError, AttributeError):
        waiting[0] = 0
    return waiting[0] + transport.get_write_buffer_size()
