"""Lists and descriptions of the API in a tenth of their bytes, for clients that accept gzip."""

import asyncio
import gzip
import hashlib
from http import HTTPStatus

import attrs

from imagegen_http.asgi.accepted import accepts_gzip
from imagegen_http.asgi.entity_tags import PRIVATE_REVALIDATE, matches
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

    What a client may keep if it asks each time (`PRIVATE_REVALIDATE`) gets a tag of its content, a weak one
    since it is that of both forms; a client that has it is answered 304.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope.get("method") in {"GET", "HEAD"}:
            request = InboundRequest.from_scope(scope)
            if request.is_under("/api"):
                send = _Sending(
                    send,
                    gzip=accepts_gzip(request.header(b"accept-encoding")),
                    if_none_match=request.header(b"if-none-match"),
                )
        await self._app(scope, receive, send)


@attrs.define
class _Sending:
    """Sends one response, compressed and with a tag where it should be."""

    send: Send
    gzip: bool = attrs.field(kw_only=True)
    if_none_match: str = attrs.field(kw_only=True)
    start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._is_changed(message):
            self.start = message
            return
        start, self.start = self.start, None
        if start is not None:
            if not message.get("more_body", False):
                start, body = await self._changed(start, message["body"])
                message = {**message, "body": body}
            await self.send(start)
        await self.send(message)

    def _is_changed(self, start: Message) -> bool:
        headers = dict(start["headers"])
        return (
            start["status"] == HTTPStatus.OK
            and headers.get(b"content-type") == _JSON
            and not {b"content-encoding", b"etag"} & headers.keys()
            and (_is_kept(start) or self._is_compressed(int(headers.get(b"content-length", b"0"))))
        )

    def _is_compressed(self, length: int) -> bool:
        return self.gzip and length >= MIN_COMPRESSED_BYTES  # one of unknown length comes in pieces

    async def _changed(self, start: Message, body: bytes) -> tuple[Message, bytes]:
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        headers.append((b"vary", b"Accept-Encoding"))
        if _is_kept(start):
            tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
            headers.append((b"etag", f"W/{tag}".encode()))
            if matches(self.if_none_match, tag):
                headers = [(name, value) for name, value in headers if name != b"content-type"]
                return {**start, "status": HTTPStatus.NOT_MODIFIED, "headers": headers}, b""
        if self._is_compressed(len(body)):
            body = await _gzip(body)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", b"%d" % len(body)))
        return {**start, "headers": headers}, body


def _is_kept(start: Message) -> bool:
    return (b"cache-control", PRIVATE_REVALIDATE.encode()) in start["headers"]


async def _gzip(body: bytes) -> bytes:
    if len(body) <= _MAX_INLINE_BYTES:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
