"""Lists and descriptions of the API in a tenth of their bytes, for clients that accept gzip."""

import asyncio
import gzip

from imagegen_http.asgi.accepted import accepts_gzip
from imagegen_http.asgi.types import App, Message, Receive, Scope, Send
from imagegen_http.guard.inbound_request import InboundRequest

MIN_COMPRESSED_BYTES = 4 * 1024
"""A shorter response arrives in the same round trip either way."""

_MAX_INLINE_BYTES = 64 * 1024
"""What is compressed on the event loop, in half a millisecond; more is compressed in a thread."""

_LEVEL = 1  # half the time of the usual level, for a fifth more bytes
_JSON = b"application/json"


class CompressedJson:
    """Wraps an ASGI application; compresses the JSON of successful reads of the API.

    Nothing else: images are compressed already, and so is what has images in it. Events must not wait for
    more of them. What a page of another site could make the service say beside a secret (BREACH), it cannot
    ask for: the guard refuses its reads.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope.get("method") == "GET":
            request = InboundRequest.from_scope(scope)
            if request.is_under("/api") and accepts_gzip(request.header(b"accept-encoding")):
                send = _compressing(send)
        await self._app(scope, receive, send)


def _compressing(send: Send) -> Send:
    start: Message | None = None

    async def send_compressed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and _is_worth_it(message):
            start = message
            return
        begun, start = start, None
        if begun is not None:
            if not message.get("more_body", False):
                message = {**message, "body": await _gzip(message["body"])}
                begun = _compressed(begun, len(message["body"]))
            await send(begun)
        await send(message)

    return send_compressed


def _is_worth_it(start: Message) -> bool:
    headers = dict(start["headers"])
    length = int(headers.get(b"content-length", b"0"))  # a response of unknown length comes in pieces
    return (
        start["status"] == 200  # noqa: PLR2004 - HTTP's own number
        and headers.get(b"content-type") == _JSON
        and not {b"content-encoding", b"etag"} & headers.keys()
        and length >= MIN_COMPRESSED_BYTES
    )


def _compressed(start: Message, length: int) -> Message:
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    headers += [
        (b"content-length", b"%d" % length),
        (b"content-encoding", b"gzip"),
        (b"vary", b"Accept-Encoding"),
    ]
    return {**start, "headers": headers}


async def _gzip(body: bytes) -> bytes:
    if len(body) <= _MAX_INLINE_BYTES:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
