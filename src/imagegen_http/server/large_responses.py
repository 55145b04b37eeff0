"""Keeps large responses from exhausting memory: few are built at a time, and all count against a budget."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator, Mapping

from imagegen_http.asgi.delivery import CONNECTION, OpenConnection
from imagegen_http.asgi.disconnects import wait_for_disconnect
from imagegen_http.asgi.types import App, Message, Receive, Refuse, Scope, Send
from imagegen_http.guard.body_budget import BodyBudget
from imagegen_http.guard.inbound_request import InboundRequest

MAX_RESPONSE_BYTES_IN_FLIGHT = 32 * 1024 * 1024
"""For all large responses that are being sent; a single larger one is sent alone."""

PIECE_BYTES = 64 * 1024
"""A longer response counts against the budget and is written in pieces of this size."""

STALL_TIMEOUT_SECONDS = 30.0
"""A client that accepts no piece for so long is disconnected."""

MIN_BYTES_PER_SECOND = 64 * 1024
"""A client that is slower on average is disconnected too: what it has not read stays in memory for it."""

_MAX_CONCURRENT_LISTS = {"/api/v1/tasks": 1, "/api/v1/images": 8, "/api/v1/images/search": 8}
"""Lists that are built at a time: a hundred items are megabytes, and several times as much while being built.

More searches are allowed, since equal ones at the same moment share one query of the database.
"""


class LargeResponses:
    """Wraps an ASGI application; ``refuse`` sends the error envelope."""

    def __init__(
        self,
        app: App,
        *,
        refuse: Refuse,
        max_bytes: int = MAX_RESPONSE_BYTES_IN_FLIGHT,
        stall_timeout_seconds: float = STALL_TIMEOUT_SECONDS,
        min_bytes_per_second: int = MIN_BYTES_PER_SECOND,
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._max_bytes = max_bytes
        self._stall_timeout_seconds = stall_timeout_seconds
        self._min_bytes_per_second = min_bytes_per_second
        self._budget = BodyBudget(max_bytes)
        self._slots: Mapping[str, _Slots] = {
            path: _Slots(number) for path, number in _MAX_CONCURRENT_LISTS.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = InboundRequest.from_scope(scope).path if scope["type"] == "http" else ""
        slots = self._slots.get(path) if scope.get("method") == "GET" else None
        if slots is None:
            await self._app(scope, receive, self._bounded(scope, receive, send))
            return
        if not await slots.acquire(receive):
            return
        is_built = False

        async def send_built(message: Message) -> None:
            nonlocal is_built
            if not is_built:
                is_built = True
                slots.release()
            await send(message)

        try:
            await self._app(scope, receive, self._bounded(scope, receive, send_built))
        finally:
            if not is_built:
                slots.release()

    def _bounded(self, scope: Scope, receive: Receive, send: Send) -> Send:
        start: Message | None = None

        async def send_bounded(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _content_length(message) > PIECE_BYTES:
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

        return send_bounded

    async def _send_whole(
        self, start: Message, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        lease = self._budget.lease()
        has_room = lease.grow(min(len(body), self._max_bytes))
        if not has_room and scope["method"] == "GET":  # other methods had an effect: an error would deny it
            await self._refuse(scope, receive, send, "unavailable", {}, {})
            return
        connection: OpenConnection | None = scope.get(CONNECTION)
        seconds = self._stall_timeout_seconds + len(body) / self._min_bytes_per_second
        try:
            with _abort_after(connection, seconds):
                await send(start)
                for begin in range(0, len(body), PIECE_BYTES):
                    piece, more = body[begin : begin + PIECE_BYTES], begin + PIECE_BYTES < len(body)
                    with _abort_after(connection, self._stall_timeout_seconds):
                        await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            lease.release()


@contextlib.contextmanager
def _abort_after(connection: OpenConnection | None, seconds: float) -> Iterator[None]:
    """Abort the connection, dropping what was not sent, if the body of the context takes longer."""
    if connection is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(seconds, connection.abort)
    try:
        yield
    finally:
        timer.cancel()


class _Slots:
    """The rights to build a response, of which there are so many; first come, first served."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: deque[asyncio.Future[bool]] = deque()

    async def acquire(self, receive: Receive) -> bool:
        """Wait for a slot and return True, or False if the client disconnects first."""
        if self._free:
            self._free -= 1
            return True
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)

        def give_up(_: "asyncio.Task[None]") -> None:
            if not turn.done():
                turn.set_result(False)

        disconnect = loop.create_task(wait_for_disconnect(receive))
        disconnect.add_done_callback(give_up)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.release()
            raise
        finally:
            disconnect.cancel()

    def release(self) -> None:
        """Hand a slot to the one that has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._free += 1


def _content_length(start: Message) -> int:
    """Return the Content-Length; 0 if there is none."""
    for name, value in start.get("headers", []):
        if name.lower() == b"content-length":
            return int(value)
    return 0
