"""Responses with stored bytes: strong ETag, 304, single ranges, HEAD, and headers that make them harmless."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

import attrs

from imagegen_http.asgi.disconnects import wait_for_disconnect
from imagegen_http.asgi.entity_tags import matches
from imagegen_http.asgi.types import Receive, Scope, Send

_RANGE = re.compile(r"bytes=(\d{0,99})-(\d{0,99})")
_NOTHING = {"content-length": "0", "cache-control": "no-store"}
_MAX_WHOLE_BYTES = 64 * 1024
"""Of a body that is sent at once, without watching for a disconnect meanwhile."""


@attrs.frozen(kw_only=True)
class Blob:
    """A blob to serve: ``etag`` without quotes; ``read(start, end)`` yields bytes from start up to end.

    One that ``is_foreign`` is for no browser to show, and for no cache to hold.
    """

    size: int
    etag: str
    mime_type: str
    file_name: str
    read: Callable[[int, int], AsyncIterator[bytes]]
    is_foreign: bool = False


class BlobResponse:
    """An ASGI response to GET or HEAD for one blob.

    The first bytes are read before the status is sent, so a store that is down yields an error instead of
    a truncated body. After a disconnect nothing more is read. For several ranges, or an invalid one, the
    whole blob is sent (RFC 9110, section 14.2).
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        request = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        etag = f'"{self._blob.etag}"'
        if "if-match" in request and not matches(request["if-match"], etag):
            await self._begin(send, 412, _NOTHING)
            await _end(send)
            return
        if matches(request.get("if-none-match"), etag):
            await self._begin(send, 304, {})
            await _end(send)
            return
        size = self._blob.size
        requested_range = _range(request.get("range"), size)
        if request.get("if-range") not in (None, etag):
            requested_range = None
        if requested_range is not None and requested_range[0] >= size:
            await self._begin(send, 416, {"content-range": f"bytes */{size}", **_NOTHING})
            await _end(send)
            return
        start, end = requested_range or (0, size)
        headers = {"content-length": str(end - start), "content-type": self._blob.mime_type}
        if requested_range is not None:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        body = None if scope["method"] == "HEAD" else self._blob.read(start, end)
        first = b"" if body is None else await anext(body, b"")
        await self._begin(send, 206 if requested_range else 200, headers)
        if body is None:
            await _end(send)
        elif len(first) == end - start <= _MAX_WHOLE_BYTES:
            await anext(body, None)  # to its end, where it closes what it has open
            await _end(send, first)
        elif await _send_body(first, body, receive, send):
            await _end(send)

    async def _begin(self, send: Send, status: int, headers: dict[str, str]) -> None:
        full = {**self._headers(), **headers}
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in full.items()],
            }
        )

    def _headers(self) -> dict[str, str]:
        return {
            "etag": f'"{self._blob.etag}"',
            "accept-ranges": "bytes",
            "cache-control": "no-store" if self._blob.is_foreign else "private, max-age=31536000, immutable",
            "content-disposition": _disposition(
                "attachment" if self._blob.is_foreign else "inline", self._blob.file_name
            ),
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cross-origin-resource-policy": "same-origin",
        }


async def _send_body(first: bytes, rest: AsyncIterator[bytes], receive: Receive, send: Send) -> bool:
    """Send the body; return whether the client stayed connected to its end."""
    chunk: bytes | None = first
    disconnect = asyncio.create_task(wait_for_disconnect(receive))
    try:
        while chunk is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if disconnect.done():
                return False
            chunk = await anext(rest, None)
        return True
    finally:
        disconnect.cancel()


async def _end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _disposition(kind: str, name: str) -> str:
    """Return both forms of the name; clients that do not know ``filename*`` may decode ``%`` in the other."""
    plain = name.replace("%", "_") if name.isascii() else "image." + name.rpartition(".")[2]
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return (start, end) of a single range, end exclusive; None if there is none to honour."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        return (max(0, size - length), size) if length else (size, size)
    start = int(match[1])
    end = int(match[2]) + 1 if match[2] else max(size, start + 1)
    return None if end <= start else (start, min(end, max(size, start)))
