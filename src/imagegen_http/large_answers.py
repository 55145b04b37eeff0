"""Keeps large answers from filling the memory: few are made at a time, and all are counted."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping

from imagegen_core.errors import Unavailable
from imagegen_http.asgi import App, Message, Receive, Refuse, Scope, Send
from imagegen_http.delivery import CONNECTION, OpenConnection
from imagegen_http.departures import unless_left
from imagegen_http.guard.body_budget import BodyBudget
from imagegen_http.guard.inbound_request import InboundRequest

ANSWER_BYTES = 32 * 1024 * 1024
"""What all large answers on their way hold at once; one that is larger is sent alone."""

PIECE_BYTES = 64 * 1024
"""A longer answer is counted, and goes to its connection in pieces of this size."""

STALLED_SECONDS = 30.0
"""Who takes no piece for so long is not waited for."""

SLOWEST_BYTES = 64 * 1024
"""Who takes less a second, all in all, is not waited for either: what he has not taken is held for him."""

_AT_ONCE = {"/api/v1/tasks": 1, "/api/v1/images": 8, "/api/v1/images/search": 8}
"""Lists that are put together at a time: a hundred items are megabytes, and several times as much until then.

Equal searches at the same moment share one look into the database; so there are more of them.
"""


class LargeAnswers:
    """Wraps an ASGI application; ``refuse`` sends the error envelope."""

    def __init__(
        self,
        app: App,
        *,
        refuse: Refuse,
        max_bytes: int = ANSWER_BYTES,
        stalled_seconds: float = STALLED_SECONDS,
        slowest_bytes: int = SLOWEST_BYTES,
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._max_bytes = max_bytes
        self._stalled_seconds = stalled_seconds
        self._slowest_bytes = slowest_bytes
        self._budget = BodyBudget(max_bytes)
        self._turns: Mapping[str, asyncio.Semaphore] = {
            path: asyncio.Semaphore(number) for path, number in _AT_ONCE.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = InboundRequest.of(scope).path if scope["type"] == "http" else ""
        turns = self._turns.get(path) if scope.get("method") == "GET" else None
        turn = _Turn()
        start: Message | None = None

        async def send_bounded(message: Message) -> None:
            nonlocal start
            turn.end()
            if message["type"] == "http.response.start" and _length_of(message) > PIECE_BYTES:
                start = message
                return
            begun, start = start, None
            if begun is None:
                await send(message)
            elif message.get("more_body", False) or len(message.get("body", b"")) <= PIECE_BYTES:
                await send(begun)
                await send(message)
            else:
                await self._send_whole(begun, message["body"], scope, receive, send)

        try:
            if turns is None or await turn.begin(turns, receive):
                await self._app(scope, receive, send_bounded)
        finally:
            turn.end()

    async def _send_whole(
        self, start: Message, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        lease = self._budget.lease()
        has_room = lease.grow(min(len(body), self._max_bytes))
        if not has_room and scope["method"] == "GET":  # else something was done, which must not look undone
            await self._refuse(scope, receive, send, "unavailable", {}, {})
            return
        connection: OpenConnection | None = scope.get(CONNECTION)
        seconds = self._stalled_seconds + len(body) / self._slowest_bytes
        try:
            with _or_abort(connection, seconds):
                await send(start)
                for begin in range(0, len(body), PIECE_BYTES):
                    piece, more = body[begin : begin + PIECE_BYTES], begin + PIECE_BYTES < len(body)
                    with _or_abort(connection, self._stalled_seconds):
                        await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            lease.release()


@contextlib.contextmanager
def _or_abort(connection: OpenConnection | None, seconds: float) -> Iterator[None]:
    """End a connection, dropping what was not sent, on which the body takes longer."""
    if connection is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(seconds, connection.abort)
    try:
        yield
    finally:
        timer.cancel()


class _Turn:
    """The right to put an answer together."""

    def __init__(self) -> None:
        self._turns: asyncio.Semaphore | None = None

    async def begin(self, turns: asyncio.Semaphore, receive: Receive) -> bool:
        """Wait for it, and return True; False when the client has left meanwhile."""

        async def acquire() -> None:
            await turns.acquire()
            self._turns = turns

        try:
            await unless_left(receive, acquire())
        except Unavailable:
            return False
        return True

    def end(self) -> None:
        """Let the next one begin; ending twice changes nothing."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()


def _length_of(start: Message) -> int:
    """Return the Content-Length, 0 without one."""
    for name, value in start.get("headers", []):
        if name.lower() == b"content-length":
            return int(value)
    return 0
