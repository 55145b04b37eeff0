"""What answers below ``/api/v1`` share, and responses that are no JSON: stored bytes, zip files."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response
from litestar.serialization import default_serializer
from litestar.types import ASGIApp

from imagegen_core.errors import ImagegenError
from imagegen_core.images import MediaType
from imagegen_core.search import Page, encode_cursor
from imagegen_http.guard.asgi import FOREVER, InboundRequest, Receive, Scope, Send, encoded, matches, respond
from imagegen_http.guard.delivery import CONNECTION, OpenConnection, wait_for_disconnect
from imagegen_http.schemas import Answer, doc

T = TypeVar("T")


class Success(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of an answer without an error."""

    code: Annotated[int, doc("0: no error", 0, const=0)]
    message: Annotated[str, doc("always the same", "success", const="success")]
    data: Annotated[T, doc("what was asked for")]


def success(data: T) -> Success[T]:
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


S = TypeVar("S")


def listed(
    page: Page[S], show: Callable[[S], T], *, number: int, size: int, query: object = None
) -> Success[ListPage[T]]:
    """Return a page of a list; its cursor is valid only for the same ``query``."""
    last = page.last if page.has_more and query is not None else None
    shown = ListPage(
        items=list(map(show, page.items)),
        page=number,
        page_size=size,
        total=page.total,
        total_is_exact=page.total_is_exact,
        has_more=page.has_more,
        next_cursor=None if last is None else encode_cursor(last, query),
    )
    return success(shown)


_CONTENT_TYPE = (b"content-type", b"application/json")
_encoder = msgspec.json.Encoder(enc_hook=default_serializer)


class JsonResponse(Response[T]):
    """JSON as Litestar sends it, at half the cost: no headers or cookies of other layers are merged."""

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
        encoded_response = self._encoded(status_code)

        async def response(scope: Scope, receive: Receive, send: Send) -> None:
            await respond(send, *encoded_response)

        return response

    async def send_to(self, send: Send) -> None:
        """Send it from outside the router."""
        await respond(send, *self._encoded(None))

    def _encoded(self, default_status: int | None) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        body = _encoder.encode(self.content)
        headers = [*encoded(self.headers), _CONTENT_TYPE, (b"content-length", b"%d" % len(body))]
        return self.status_code or default_status or 200, headers, body


# ---------------------------------------------------------------- stored bytes

_RANGE = re.compile(r"bytes=(\d{0,99})-(\d{0,99})")
_NOTHING = {"content-length": "0", "cache-control": "no-store"}

_log = structlog.get_logger("imagegen.downloads")
_MAX_WHOLE_BYTES = 64 * 1024
"""The largest body that is sent at once, without watching for a disconnect."""

_SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}
_SVG_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"


def blob_response(
    *,
    size: int,
    etag: str,
    mime_type: str,
    file_name: str,
    read: Callable[[int, int], AsyncIterator[bytes]],
    is_foreign: bool = False,
) -> ASGIApp:
    """Return a response to GET or HEAD with a strong ETag, 304, single ranges and safe headers.

    ``etag`` has no quotes; ``read(start, end)`` excludes end. ``is_foreign`` bytes are not shown or cached,
    an SVG is not shown.
    The first bytes are read before the status is sent: a store that is down gives an error, not a cut body.
    After a disconnect nothing more is read. Several or invalid ranges get the whole blob (RFC 9110, 14.2).
    """
    tag = f'"{etag}"'
    is_svg, caching = mime_type == MediaType.SVG, "no-store" if is_foreign else FOREVER
    kind = "attachment" if is_foreign or is_svg else "inline"

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        request = InboundRequest.from_scope(scope)
        headers = {
            "etag": tag,
            "accept-ranges": "bytes",
            "cache-control": caching,
            "content-disposition": _disposition(kind, file_name),
            **_SAFE_HEADERS,
        }
        if is_svg:
            headers["content-security-policy"] = _SVG_POLICY
        part = _range(request.header(b"range"), size)
        if request.header(b"if-range") not in ("", tag):
            part = None
        if b"if-match" in request.headers and not matches(request.header(b"if-match"), tag):
            await respond(send, 412, encoded({**headers, **_NOTHING}))
        elif matches(request.header(b"if-none-match"), tag):
            await respond(send, 304, encoded(headers))
        elif part is not None and part[0] >= size:
            await respond(send, 416, encoded({**headers, "content-range": f"bytes */{size}", **_NOTHING}))
        else:
            start, end = part or (0, size)
            headers |= {"content-length": str(end - start), "content-type": mime_type}
            if part is not None:
                headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
            head = (206 if part else 200, encoded(headers))
            if scope["method"] == "HEAD":
                await respond(send, *head)
                return
            body = read(start, end)
            first = await anext(body, b"")
            if len(first) == end - start <= _MAX_WHOLE_BYTES:
                await anext(body, None)  # to its end, so that it closes its files
                await respond(send, *head, first)
                return
            await send_pieces(scope, *head, first, body, receive, send)

    return cast("ASGIApp", response)  # plain ASGI, for which Litestar has types of its own


async def send_pieces(
    scope: Scope,
    status: int,
    headers: list[tuple[bytes, bytes]],
    piece: bytes | None,
    rest: AsyncIterator[bytes],
    receive: Receive,
    send: Send,
) -> None:
    """Send pieces until the client disconnects.

    An error while reading one resets the connection: a cut file must not look whole.
    """
    await send({"type": "http.response.start", "status": status, "headers": headers})
    disconnect = asyncio.create_task(wait_for_disconnect(receive))
    try:
        while piece is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if disconnect.done():
                return
            piece = await anext(rest, None)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except ImagegenError as error:
        _log.error("a download broke off", path=scope["path"], reason=str(error))
        connection: OpenConnection | None = scope.get(CONNECTION)
        if connection is None:
            raise
        connection.reset()
        await disconnect
    finally:
        disconnect.cancel()


def _disposition(kind: str, name: str) -> str:
    """Return both forms of the name; clients without ``filename*`` may decode ``%`` in the other."""
    plain = name.replace("%", "_") if name.isascii() else "image." + name.rpartition(".")[2]
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return (start, end) of a single range, end exclusive; None if there is none to honour."""
    match = _RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        return (max(0, size - length), size) if length else (size, size)
    start = int(match[1])
    end = int(match[2]) + 1 if match[2] else max(size, start + 1)
    return None if end <= start else (start, min(end, max(size, start)))


# ---------------------------------------------------------------- zip files

_ZIP = {"content-type": "application/zip", "content-disposition": 'attachment; filename="images.zip"'}


def zip_response(pieces: AsyncGenerator[bytes, None]) -> ASGIApp:
    """Stream pieces; the first is read before the status is sent, so that a refusal yields an error.

    A disconnect stops the reading.
    """

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(pieces):
            first = await anext(pieces)
            await send_pieces(scope, 200, encoded({**_ZIP, **_SAFE_HEADERS}), first, pieces, receive, send)

    return cast("ASGIApp", response)
