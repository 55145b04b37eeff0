"""What is around the data of every answer below ``/api/v1``."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote

import attrs
import msgspec
import structlog
from litestar import Response
from litestar.enums import MediaType
from litestar.serialization import default_serializer

from imagegen_core.errors import ImagegenError
from imagegen_core.search import Page
from imagegen_http.guard.asgi import Receive, Scope, Send, matches
from imagegen_http.guard.delivery import CONNECTION, OpenConnection, wait_for_disconnect
from imagegen_http.schemas import Answer, doc

T = TypeVar("T")


class Success(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of an answer without an error."""

    code: Annotated[int, doc("0: no error", 0, const=0)]
    message: Annotated[str, doc("always the same", "success", const="success")]
    data: Annotated[T, doc("what was asked for")]


def success(data: T) -> Success[T]:
    """Return the answer without an error."""
    return Success(code=0, message="success", data=data)


class Deleted(Success[None], frozen=True, kw_only=True):
    """The answer to a deletion."""

    data: Annotated[None, doc("nothing", None)]


DELETED = Deleted(code=0, message="success", data=None)


class ListPage(Answer, Generic[T], frozen=True, kw_only=True):
    """The shape of all lists: a page, and how to get at the next."""

    items: Annotated[list[T], doc("the items of this page")]
    page: Annotated[int, doc("number of this page, from 1", 1)]
    page_size: Annotated[int, doc("how many items a page has at most", 20)]
    total: Annotated[int, doc("how many items all pages have together", 1)]
    total_is_exact: Annotated[
        bool, doc("false where there are more than `total`, which counts to 10,000", example=True)
    ]
    has_more: Annotated[bool, doc("whether a page follows", example=False)]
    next_cursor: Annotated[str | None, doc("`cursor` of the next page; null on the last", None)]

    @classmethod
    def from_page(
        cls, page: Page[Any], items: list[T], *, number: int, size: int, cursor: str | None
    ) -> "ListPage[T]":
        """Return the page with its items as answers have them; ``cursor`` leads behind the last of them."""
        return cls(
            items=items,
            page=number,
            page_size=size,
            total=page.total,
            total_is_exact=page.total_is_exact,
            has_more=page.has_more,
            next_cursor=cursor if page.has_more else None,
        )


_CONTENT_TYPE = (b"content-type", MediaType.JSON.value.encode())
_encoder = msgspec.json.Encoder(enc_hook=default_serializer)


class JsonResponse(Response[T]):
    """A value as JSON, in the same bytes as Litestar's own response, at half of its cost.

    Litestar merges encoders, headers and cookies of all layers for each response; no layer of ours has any.
    """

    def __init__(
        self,
        content: T,
        *,
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> None:
        self.content = content
        self.status_code = status_code
        self.headers = {} if headers is None else dict(headers)

    def to_asgi_response(self, app: Any, request: Any, *, status_code: int | None = None, **_: Any) -> Any:
        """Return the encoded response."""
        body = _encoder.encode(self.content)
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()
        ]
        headers += (_CONTENT_TYPE, (b"content-length", b"%d" % len(body)))
        return EncodedResponse(status=self.status_code or status_code or 200, headers=headers, body=body)


@attrs.frozen(kw_only=True)
class EncodedResponse:
    """A response that only has to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the server leaves out the body of a response to HEAD."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


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


MEDIA_TYPE = "application/zip"
_HEADERS = (
    (b"content-type", MEDIA_TYPE.encode()),
    (b"content-disposition", b'attachment; filename="images.zip"'),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_log = structlog.get_logger("imagegen.zip")


class ZipResponse:
    """An ASGI response of pieces, whose number nobody knows before.

    The first one is there before the status is sent, so what is refused yields an error. If a later one
    cannot be had, the connection is reset: a client must not take for whole what ends early. After a
    disconnect nothing more is read.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        async with aclosing(self._pieces) as pieces:
            first = await anext(pieces)
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
            disconnect = asyncio.create_task(wait_for_disconnect(receive))
            try:
                await _zip_response_send_body(first, pieces, disconnect, send)
            except ImagegenError as error:
                _log.error("a zip file broke off", reason=str(error))
                connection: OpenConnection | None = scope.get(CONNECTION)
                if connection is None:
                    raise
                connection.reset()
                await disconnect
            finally:
                disconnect.cancel()


async def _zip_response_send_body(
    piece: bytes | None, rest: AsyncGenerator[bytes, None], disconnect: "asyncio.Task[None]", send: Send
) -> None:
    """Send the pieces, as long as the client is there."""
    while piece is not None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if disconnect.done():
            return
        piece = await anext(rest, None)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
