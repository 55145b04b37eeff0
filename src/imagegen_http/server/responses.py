"""Responses on their way out: cached until something is written, compressed, bounded."""

import asyncio
import contextlib
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus

import attrs

from imagegen_http.guard.asgi import (
    CACHEABLE,
    PRIVATE_REVALIDATE,
    App,
    AsgiMessage,
    InboundRequest,
    Receive,
    Refuse,
    Scope,
    Send,
    accepts_gzip,
    matches,
    respond,
)
from imagegen_http.guard.bodies import BodyBudget, BodyLease
from imagegen_http.guard.delivery import CONNECTION, OpenConnection, wait_for_disconnect

MAX_RESPONSE_BYTES_IN_FLIGHT = 32 * 1024 * 1024  # of all large responses; a single larger one is sent alone
PIECE_BYTES = 64 * 1024  # a longer response counts against the budget and is written in such pieces
STALL_TIMEOUT_SECONDS = 30.0  # a client that accepts no piece for so long is disconnected
MIN_BYTES_PER_SECOND = 64 * 1024  # so is one that is slower on average: what it has not read takes memory

# Lists that are built at a time: a hundred items are megabytes, and several times as much meanwhile.
_MAX_CONCURRENT_LISTS = {"/api/v1/tasks": 1, "/api/v1/images": 8, "/api/v1/images/search": 8}


def when_whole(
    send: Send,
    is_of_interest: Callable[[AsgiMessage], bool],
    send_whole: Callable[[AsgiMessage, bytes], Awaitable[None]],
) -> Send:
    """Return a ``send`` that passes a response of interest to ``send_whole`` if it comes in one piece."""
    head: AsgiMessage | None = None

    async def send_or_hold(message: AsgiMessage) -> None:
        nonlocal head
        if message["type"] == "http.response.start" and is_of_interest(message):
            head = message
            return
        start, head = head, None
        if start is not None and not message.get("more_body", False):
            await send_whole(start, message.get("body", b""))
            return
        if start is not None:
            await send(start)
        await send(message)

    return send_or_hold


@attrs.frozen(eq=False)
class LargeResponses:
    """Wraps an ASGI application: few lists are built at a time, and all large responses share a budget."""

    _app: App
    _refuse: Refuse
    _max_bytes: int = MAX_RESPONSE_BYTES_IN_FLIGHT
    _stall_timeout_seconds: float = STALL_TIMEOUT_SECONDS
    _min_bytes_per_second: int = MIN_BYTES_PER_SECOND
    _budget: BodyBudget = attrs.Factory(lambda self: BodyBudget(self._max_bytes), takes_self=True)
    _slots: Mapping[str, asyncio.Semaphore] = attrs.field(
        factory=lambda: {path: asyncio.Semaphore(number) for path, number in _MAX_CONCURRENT_LISTS.items()}
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_pieces(start: AsgiMessage, body: bytes) -> None:
            await self._send_pieces(start, body, scope, receive, send)

        def is_large(start: AsgiMessage) -> bool:
            return int(dict(start.get("headers", [])).get(b"content-length", 0)) > PIECE_BYTES

        bounded = when_whole(send, is_large, send_pieces)
        path = InboundRequest.from_scope(scope).path if scope["type"] == "http" else ""
        slots = self._slots.get(path) if scope.get("method") == "GET" else None
        if slots is None:
            await self._app(scope, receive, bounded)
            return
        if not await _acquire(slots, receive):
            return
        is_built = False

        async def send_built(message: AsgiMessage) -> None:
            nonlocal is_built
            if not is_built:
                is_built = True
                slots.release()
            await bounded(message)

        try:
            await self._app(scope, receive, send_built)
        finally:
            if not is_built:
                slots.release()

    async def _send_pieces(
        self, start: AsgiMessage, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        lease = BodyLease(self._budget)
        has_room = lease.grow(min(len(body), self._max_bytes))
        if not has_room and scope["method"] == "GET":  # other methods had an effect: an error would deny it
            await self._refuse(scope, receive, send, "unavailable", {}, {})
            return
        connection: OpenConnection | None = scope.get(CONNECTION)
        seconds = self._stall_timeout_seconds + len(body) / self._min_bytes_per_second
        try:
            with _abort_after(connection, seconds):
                await send(start)
                for begin in range(0, max(1, len(body)), PIECE_BYTES):
                    piece, more = body[begin : begin + PIECE_BYTES], begin + PIECE_BYTES < len(body)
                    with _abort_after(connection, self._stall_timeout_seconds):
                        await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            lease.release()


@contextlib.contextmanager
def _abort_after(connection: OpenConnection | None, seconds: float) -> Iterator[None]:
    """Abort the connection, dropping what was not sent, if the block takes longer."""
    if connection is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(seconds, connection.abort)
    try:
        yield
    finally:
        timer.cancel()


async def _acquire(slots: asyncio.Semaphore, receive: Receive) -> bool:
    """Wait for a slot; return False if the client disconnects first."""
    if not slots.locked():
        return await slots.acquire()
    waiting = asyncio.timeout(None)

    def give_up(disconnect: "asyncio.Task[None]") -> None:
        if not disconnect.cancelled():
            with contextlib.suppress(RuntimeError):  # the slot came first
                waiting.reschedule(0)

    disconnect = asyncio.create_task(wait_for_disconnect(receive))
    disconnect.add_done_callback(give_up)
    try:
        async with waiting:
            return await slots.acquire()
    except TimeoutError:
        return False
    finally:
        disconnect.cancel()


MIN_COMPRESSED_BYTES = 4 * 1024  # a shorter response arrives in the same round trip either way
_MAX_INLINE_BYTES = 64 * 1024  # compressed on the event loop, in half a millisecond; more in a thread
_LEVEL = 1  # half the time of the usual level, for a fifth more bytes
_JSON = b"application/json"


@attrs.frozen(eq=False)
class CompressedJson:
    """Wraps an ASGI application; compresses the JSON of successful reads of the API and nothing else.

    BREACH needs a page of another site that reads the API, which the guard refuses. A `PRIVATE_REVALIDATE`
    response gets an ETag of its content, weak since it is that of both forms, and a 304 to who has it.
    """

    _app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = InboundRequest.from_scope(scope) if scope.get("method") in {"GET", "HEAD"} else None
        if request is None or not request.is_under("/api"):
            await self._app(scope, receive, send)
            return
        gzips = accepts_gzip(request.header(b"accept-encoding"))

        def is_compressed(length: int) -> bool:
            return gzips and length >= MIN_COMPRESSED_BYTES  # one of unknown length comes in pieces

        def is_changed(start: AsgiMessage) -> bool:
            headers = dict(start["headers"])
            return (
                start["status"] == HTTPStatus.OK
                and headers.get(b"content-type") == _JSON
                and not {b"content-encoding", b"etag"} & headers.keys()
                and (_is_kept(start) or is_compressed(int(headers.get(b"content-length", b"0"))))
            )

        async def send_changed(start: AsgiMessage, body: bytes) -> None:
            headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            headers.append((b"vary", b"Accept-Encoding"))
            if _is_kept(start):
                tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
                headers.append((b"etag", f"W/{tag}".encode()))
                if matches(request.header(b"if-none-match"), tag):
                    headers = [(name, value) for name, value in headers if name != b"content-type"]
                    await respond(send, HTTPStatus.NOT_MODIFIED, headers)
                    return
            if is_compressed(len(body)):
                compress = partial(gzip.compress, body, _LEVEL, mtime=0)
                body = compress() if len(body) <= _MAX_INLINE_BYTES else await asyncio.to_thread(compress)
                headers.append((b"content-encoding", b"gzip"))
            headers.append((b"content-length", b"%d" % len(body)))
            await respond(send, start["status"], headers, body)

        await self._app(scope, receive, when_whole(send, is_changed, send_changed))


def _is_kept(start: AsgiMessage) -> bool:
    return (b"cache-control", PRIVATE_REVALIDATE.encode()) in start["headers"]


MAX_CACHED_BYTES = 4 * 1024 * 1024
_OVERHEAD_BYTES = 1024  # of a cached response, beside its target and its body

_Target = tuple[str, bytes]  # path and query
_Response = tuple[tuple[tuple[bytes, bytes], ...], bytes]  # headers and body


class ResponseCache:
    """An LRU cache of successful responses to GET of `CACHEABLE` handlers: 0.1 ms a list instead of 1.1.

    All are dropped when ``writes``, the number of committed transactions, changes. It counts a transaction
    before its caller knows of it, so nobody gets a response older than a write that they know of.
    """

    def __init__(self, app: App, *, writes: Callable[[], int], max_bytes: int = MAX_CACHED_BYTES) -> None:
        self._app = app
        self._writes = writes
        self._max_bytes = max_bytes
        self._responses: OrderedDict[_Target, _Response] = OrderedDict()  # least recently sent first
        self._bytes = 0
        self._seen_writes = writes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "GET":
            await self._app(scope, receive, send)
            return
        if self._seen_writes != (writes := self._writes()):
            self._seen_writes = writes
            self._responses.clear()
            self._bytes = 0
        target = (scope["path"], scope["query_string"])
        if (response := self._responses.get(target)) is not None:
            self._responses.move_to_end(target)
            headers, body = response
            await respond(send, HTTPStatus.OK, [*headers], body)
            return

        def is_cacheable(start: AsgiMessage) -> bool:
            return start["status"] == HTTPStatus.OK and CACHEABLE in scope["route_handler"].opt

        async def keep(start: AsgiMessage, body: bytes) -> None:
            if writes == self._writes():  # else something was written meanwhile
                self._put(target, (tuple(start["headers"]), body))
            await respond(send, HTTPStatus.OK, start["headers"], body)

        await self._app(scope, receive, when_whole(send, is_cacheable, keep))

    def _put(self, target: _Target, response: _Response) -> None:
        if (earlier := self._responses.pop(target, None)) is not None:
            self._bytes -= _size(target, earlier)
        self._responses[target] = response
        self._bytes += _size(target, response)
        while self._bytes > self._max_bytes:
            self._bytes -= _size(*self._responses.popitem(last=False))


def _size(target: _Target, response: _Response) -> int:
    return _OVERHEAD_BYTES + sum(map(len, target)) + len(response[1])
