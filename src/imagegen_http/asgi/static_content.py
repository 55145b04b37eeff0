"""Content that stays the same while the service runs: compressed once, sent again only if it is new."""

import gzip
import hashlib
from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_http.asgi.accepted import accepts_gzip
from imagegen_http.asgi.entity_tags import matches
from imagegen_http.asgi.types import Receive, Scope, Send

REVALIDATE = "no-cache"
"""``Cache-Control`` of what keeps its address when it changes: asked for each time, mostly answered 304."""

FOREVER = "private, max-age=31536000, immutable"
"""``Cache-Control`` of what has a digest in its address."""

_MIN_COMPRESSED_BYTES = 256
"""What is shorter fits into the packet of its head."""


@attrs.frozen(kw_only=True)
class StaticContent:
    """A body with its gzip form, which is None where that saves nothing."""

    media_type: str
    body: bytes = attrs.field(repr=False)
    gzipped: bytes | None = attrs.field(repr=False)
    digest: str

    @classmethod
    def compress(cls, body: bytes, media_type: str) -> "StaticContent":
        """Compress a body, with the most effort: a second for ten megabytes, once."""
        gzipped = gzip.compress(body, 9, mtime=0) if len(body) >= _MIN_COMPRESSED_BYTES else body
        return cls(
            media_type=media_type,
            body=body,
            gzipped=gzipped if len(gzipped) < len(body) else None,
            digest=hashlib.sha256(body).hexdigest()[:32],
        )

    def response(
        self, *, cache_control: str = REVALIDATE, headers: Mapping[str, str] | None = None
    ) -> "StaticResponse":
        """Return the response to a GET or HEAD for it, with more ``headers``, if any."""
        return StaticResponse(content=self, cache_control=cache_control, headers=headers or {})


@attrs.frozen(kw_only=True)
class StaticResponse:
    """An ASGI response: 304 if the client has the content, else the form that it accepts."""

    content: StaticContent
    cache_control: str
    headers: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the server leaves out the body of a response to HEAD."""
        request = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        content, headers = self.content, {"cache-control": self.cache_control, **self.headers}
        body, etag = content.body, f'"{content.digest}"'
        if content.gzipped is not None:
            headers["vary"] = ", ".join(filter(None, (headers.get("vary"), "Accept-Encoding")))
            if accepts_gzip(request.get("accept-encoding", "")):
                body, etag = content.gzipped, f'"{content.digest}-gzip"'
        headers["etag"] = etag
        if matches(request.get("if-none-match"), etag):
            await _send(send, 304, headers, b"")
            return
        if body is content.gzipped:
            headers["content-encoding"] = "gzip"
        headers |= {"content-type": content.media_type, "content-length": str(len(body))}
        await _send(send, 200, headers, body)


async def _send(send: Send, status: int, headers: Mapping[str, Any], body: bytes) -> None:
    head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": False})
