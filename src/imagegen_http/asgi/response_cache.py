"""Responses that are sent again while nothing is written."""

from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

import attrs

from imagegen_http.asgi.types import App, Message, Receive, Scope, Send

CACHEABLE = "cacheable"
"""The word in a handler's ``opt`` that says that its responses depend on the target and the database only."""

MAX_CACHED_BYTES = 4 * 1024 * 1024
"""For all cached responses with their targets."""

_OVERHEAD_BYTES = 1024
"""What a cached response takes beside its target and its body."""

_Target = tuple[str, bytes]


@attrs.frozen(kw_only=True)
class _CachedResponse:
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class ResponseCache:
    """Wraps an ASGI application; keeps the responses to GET of `CACHEABLE` handlers that have status 200.

    A response is sent again until ``writes`` changes: the number of transactions that were committed. It is
    read before the application begins, and counts a transaction before its caller knows of it. So no response
    is older than a write that anybody knew of when they asked. Those not sent for longest make room.
    """

    def __init__(self, app: App, *, writes: Callable[[], int], max_bytes: int = MAX_CACHED_BYTES) -> None:
        self._app = app
        self._writes = writes
        self._max_bytes = max_bytes
        self._responses: OrderedDict[_Target, _CachedResponse] = OrderedDict()  # least recently sent first
        self._bytes = 0
        self._seen_writes = writes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope.get("method") != "GET":
            await self._app(scope, receive, send)
            return
        self._drop_outdated()
        target = (scope["path"], scope["query_string"])
        response = self._responses.get(target)
        if response is None:
            await self._app(scope, receive, self._keeping(target, scope, send))
            return
        self._responses.move_to_end(target)
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": [*response.headers]})
        await send({"type": "http.response.body", "body": response.body, "more_body": False})

    def _keeping(self, target: _Target, scope: Scope, send: Send) -> Send:
        """Return a ``send`` that also keeps the response, unless something was written meanwhile."""
        writes = self._seen_writes
        headers: tuple[tuple[bytes, bytes], ...] | None = None

        async def send_and_keep(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start":
                if message["status"] == HTTPStatus.OK and CACHEABLE in scope["route_handler"].opt:
                    headers = tuple(message["headers"])
            elif headers is not None and not message["more_body"] and writes == self._writes():
                self._put(target, _CachedResponse(headers=headers, body=message["body"]))
            await send(message)

        return send_and_keep

    def _drop_outdated(self) -> None:
        """Drop all responses if something was written since they began."""
        if self._seen_writes != (writes := self._writes()):
            self._seen_writes = writes
            self._responses.clear()
            self._bytes = 0

    def _put(self, target: _Target, response: _CachedResponse) -> None:
        """Keep the response as the one sent last, and drop what there is no room for."""
        if (earlier := self._responses.pop(target, None)) is not None:
            self._bytes -= _size(target, earlier)
        self._responses[target] = response
        self._bytes += _size(target, response)
        while self._bytes > self._max_bytes:
            self._bytes -= _size(*self._responses.popitem(last=False))


def _size(target: _Target, response: _CachedResponse) -> int:
    return _OVERHEAD_BYTES + sum(map(len, target)) + len(response.body)
