"""What requests contain: parameters of paths, queries and headers, and bodies, parsed strictly.

``"60"`` is no number in a body, and an unknown field is refused.
"""

import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Annotated, Any, Literal, cast
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, PathParameter, QueryParameter, SkipValidation
from litestar.types import ASGIApp, Receive, Scope, Send

from imagegen_core import errors, limits
from imagegen_core.config import PROVIDER_NAME_PATTERN
from imagegen_core.errors import InvalidImage, Refusal, ValidationFailed, text_problems
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import Problem, ProblemCode
from imagegen_core.search import Paging, decode_cursor
from imagegen_core.task import ImageReference, InputSource, TaskStatus, check_idempotency_key
from imagegen_http.api.retries import ClientRetries
from imagegen_http.errors import RequestProblem
from imagegen_http.guard.bodies import BufferedBody, Text
from imagegen_http.schemas import EXAMPLE_BATCH_ID, EXAMPLE_TASK_ID, Body
from imagegen_http.service import Service
from imagegen_http.shapes import problems_of

_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):(00|15|30|45)")
_MAX_ZONE_CHARS = 64

_MOMENT_WORDS = {
    "pattern": r"^(?!0000)[0-9]{4}-?((0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])|W[0-5][0-9](-?[1-7])?)"
    r"([T ]([01][0-9]|2[0-3])(:?[0-5][0-9](:?[0-5][0-9]([.,][0-9]+)?)?)?"
    r"(Z|[ +-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$"
}
"""JSON Schema of a date or time."""

_EARLIEST, _LATEST = datetime(MINYEAR, 1, 2, tzinfo=UTC), datetime(MAXYEAR, 12, 31, tzinfo=UTC)


def _parse_moment(field: str, text: str | None, zone: tzinfo) -> datetime | None:
    """Parse to UTC; without an offset a time is in ``zone``. A date in ``to`` includes that day."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_TIME()) from error
    is_date = len(text) <= len("2026-01-01")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        if field == "to" and is_date:
            moment += timedelta(days=1)
        return moment.astimezone(UTC)
    except OverflowError as error:
        if is_date:  # the first or the last day of the calendar
            return _EARLIEST if moment.year == MINYEAR else _LATEST
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_TIME()) from error


def parse_span(
    start: str | None, end: str | None, tz: str
) -> tuple[datetime | None, datetime | None, tzinfo]:
    zone = parse_zone(tz)
    return _parse_moment("from", start, zone), _parse_moment("to", end, zone), zone


def parse_zone(text: str) -> tzinfo:
    offset = _OFFSET.fullmatch(text.replace(" ", "+"))  # a plus sign in a query means a space
    if offset is not None:
        delta = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(delta if offset[1] == "+" else -delta)
    if text.upper() in ("UTC", "Z"):
        return UTC
    try:
        if len(text) <= _MAX_ZONE_CHARS:
            return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        pass
    raise ValidationFailed.for_field("tz", ProblemCode.NOT_A_TIME_ZONE())


def with_clean_query(app: ASGIApp) -> ASGIApp:
    """Drop empty query parameters (``?page=`` is "not set"); refuse repeated ones below ``/api/``."""

    def filtered(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["query_string"]:
            pairs = dict.fromkeys(p for p in scope["query_string"].split(b"&") if p.partition(b"=")[2])
            if scope["path"].startswith("/api/"):
                names = [unquote_plus(pair.partition(b"=")[0].decode("latin-1")) for pair in pairs]
                if len(names) > len(set(names)):
                    repeated = [name for name, count in Counter(names).items() if count > 1]
                    reason = ProblemCode.REPEATED()
                    raise ValidationFailed(*(Problem(field=name, reason=reason) for name in repeated))
            scope["query_string"] = b"&".join(pairs)
        return app(scope, receive, send)

    return filtered


_TASK_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_ROW_ID = "[1-9][0-9]{0,17}"
"""Pattern of ids that the database counts up."""

ServiceDependency = NamedDependency[SkipValidation[Service]]

RETRIES = "retries"
"""In the application's state, since Litestar runs two dependencies of a handler as tasks of a group."""


def client_retries(request: "JsonRequest") -> ClientRetries:
    retries: ClientRetries = request.app.state[RETRIES]
    return retries


def query(description: str, name: str | None = None, **words: Any) -> QueryParameter:
    """Document a query parameter; of its ``words``, ``ge``, ``le`` and ``max_length`` are checked."""
    checked = {word: words.pop(word) for word in ("ge", "le", "max_length") if word in words}
    return QueryParameter(name=name, description=description, schema_extra=words or None, **checked)


def moment(description: str, name: str) -> QueryParameter:
    return query(description, name, **_MOMENT_WORDS)


def path(description: str, example: Any, pattern: str | None = None) -> PathParameter:
    words = {} if pattern is None else {"pattern": f"^{pattern}$"}
    return PathParameter(description=description, schema_extra={"examples": [example], **words})


def header(description: str, name: str, **words: Any) -> HeaderParameter:
    return HeaderParameter(name=name, description=description, schema_extra=words or None)


_VISIBLE = f"^[!-~]{{1,{limits.MAX_IDEMPOTENCY_KEY_CHARS}}}$"
_ZONE = r"^([A-Za-z0-9_+/-]{1,64}|[+-](0[0-9]|1[0-4]):(00|15|30|45))$"
IdempotencyHeader = Annotated[
    str | None, header("1 to 255 visible ASCII characters", "Idempotency-Key", pattern=_VISIBLE)
]
_WAIT = "`wait=N`: wait up to N seconds for the end of the task"
_WAIT_OR_REPEAT = f"{_WAIT}; `repeat-lost`: an equal request may repeat this one"
PreferHeader = Annotated[str | None, header(_WAIT, "Prefer")]
SubmissionPreferHeader = Annotated[str | None, header(_WAIT_OR_REPEAT, "Prefer")]
LastEventHeader = Annotated[
    str | None, header("id of the last event that was seen", "Last-Event-ID", pattern="^[0-9]*$")
]
BatchPath = Annotated[str, path("id of a batch", EXAMPLE_BATCH_ID, _TASK_ID)]
TaskIdPath = Annotated[str, path("id of a task", EXAMPLE_TASK_ID, _TASK_ID)]
ImageIdPath = Annotated[str, path("id of an image", "1", _ROW_ID)]
CollectionPath = Annotated[str, path("id of a collection", "1", _ROW_ID)]
WebhookPath = Annotated[str, path("id of a webhook endpoint", "1", _ROW_ID)]
DeliveryPath = Annotated[str, path("id of a webhook delivery", "1", _ROW_ID)]
ProviderPath = Annotated[str, path("name of a provider", "my-demo", PROVIDER_NAME_PATTERN)]
PageQuery = Annotated[int, query("page, from 1", ge=1, le=limits.MAX_PAGE)]
PageSizeQuery = Annotated[int, query("items a page", ge=1, le=limits.MAX_PAGE_SIZE)]
_CURSOR, _CURSOR_PATTERN = "next_cursor of the page before; replaces page", "^[A-Za-z0-9_-]+={0,2}$"
CursorQuery = Annotated[
    str | None, query(_CURSOR, max_length=limits.MAX_CURSOR_CHARS, pattern=_CURSOR_PATTERN)
]
ProviderQuery = Annotated[
    str | None, query("only this provider's", max_length=limits.MAX_PROVIDER_NAME_CHARS)
]
Order = Literal["newest", "oldest"]
OrderQuery = Annotated[Order, query("what comes first")]
BatchQuery = Annotated[str | None, query("only those of this batch", pattern=f"^{_TASK_ID}$")]
StatusQuery = Annotated[TaskStatus | None, query("only tasks in this status")]
FromQuery = Annotated[str | None, moment("made at or after this date or time (ISO 8601)", "from")]
ToQuery = Annotated[str | None, moment("made before this time, or up to the end of this date", "to")]
ZoneQuery = Annotated[str, query("whose days and dates these are: Asia/Shanghai, +08:00", pattern=_ZONE)]


def _parse_uuid(text: str, missing: Callable[[str], Refusal]) -> str:
    if not re.fullmatch(_TASK_ID, text):
        raise missing(text[:64])
    return text


parse_task_id = partial(_parse_uuid, missing=errors.TaskNotFound)
parse_batch_id = partial(_parse_uuid, missing=errors.BatchNotFound)


def _parse_row_id(text: str, missing: Callable[[str], Refusal]) -> int:
    if not re.fullmatch(_ROW_ID, text):
        raise missing(text[:64])
    return int(text)


parse_image_id = partial(_parse_row_id, missing=errors.ImageNotFound)
parse_collection_id = partial(_parse_row_id, missing=errors.CollectionNotFound)
parse_webhook_id = partial(_parse_row_id, missing=errors.WebhookNotFound)
parse_delivery_id = partial(_parse_row_id, missing=errors.DeliveryNotFound)


def parse_event_id(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValidationFailed.for_field("Last-Event-ID", RequestProblem.NOT_AN_EVENT_ID())
    return min(int(text[:19]), 2**63 - 1)


def parse_idempotency_key(text: str | None) -> str | None:
    check_idempotency_key(text, "Idempotency-Key")
    return text


def parse_paging(
    page: int, page_size: int, cursor: str | None, query: object, order: Order = "newest"
) -> Paging:
    """Return the requested page; a cursor replaces the page number."""
    after = None if cursor is None else decode_cursor(cursor, query)
    number = 1 if after is not None else page
    return Paging(page=number, page_size=page_size, after=after, oldest_first=order == "oldest")


# ---------------------------------------------------------------- bodies

_MAX_DIGITS = 300
"""Longer integers are read as infinity, which is out of range."""


class JsonRequest(Request[Any, Any, Any]):
    """Parses bodies strictly; Litestar's lenient parsing remains for query parameters."""

    @property
    def buffered_body(self) -> BufferedBody:
        """The body that the guard buffered; `json` returns placeholders for its large images."""
        scope: Any = self.scope  # plain ASGI, for which Litestar has its own type
        return BufferedBody.from_scope(scope)

    async def body(self) -> bytes:
        """Return the body without its large images: Litestar keeps a copy until the response."""
        text = self.buffered_body.outline.text or await super().body()
        return cast("bytes", text)  # or a bytearray that nobody modifies

    async def json(self) -> Any:
        declared = self.route_handler.parsed_data_field
        return decoded(await self.body(), declared.annotation if declared else Any)


def decoded(body: Text, declared: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=declared)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # not JSON, or of another type
        wrong_type = isinstance(error, msgspec.ValidationError)
        raise ValidationFailed(*_problems(body, declared if wrong_type else None)) from error


def converted(fields: Any, declared: Any) -> Any:
    """Convert the texts of a form."""
    try:
        return msgspec.convert(fields, declared, strict=False)
    except msgspec.ValidationError as error:
        problems = tuple(problems_of(fields, declared, from_text=True))
        raise ValidationFailed(*problems or (_BODY_INVALID,)) from error


_BODY_INVALID = Problem(field="body", reason=ProblemCode.INVALID())


def _problems(body: Text, declared: Any) -> tuple[Problem, ...]:
    """List the problems of a body of at most 2 MB. JSON allows lone surrogates, so their field is named."""
    not_json = (Problem(field="body", reason=ProblemCode.NOT_JSON()),)
    try:
        value = json.loads(
            body, parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else math.inf
        )
    except (ValueError, RecursionError):
        return not_json
    if declared is not None:
        return tuple(problems_of(value, declared)) or (_BODY_INVALID,)
    texts = tuple(Problem(field=field or "body", reason=reason) for field, reason in text_problems(value))
    return texts or not_json


class EmptyBody(Body, frozen=True):
    """A body that may as well be missing."""


async def without_fields(request: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse a body that has fields; none, or an empty object, is fine."""
    body = await request.body() if isinstance(request, JsonRequest) else b""
    if body:
        decoded(body, EmptyBody)


# ---------------------------------------------------------------- their images

_DATA_URL = re.compile(rb"data:image\\?/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80})*;base64,", re.IGNORECASE)
_STORED_IMAGE = re.compile(rb"image:([1-9][0-9]{0,17})")
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|/)")
_MAX_PREFIX_BYTES = 200
_PIECE_BYTES = 256 * 1024
_MAX_ESCAPE_BYTES = 6


def read_images(body: BufferedBody, texts: Mapping[str, str]) -> dict[str, InputSource]:
    """Decode the images that ``texts`` name by field; any other image in the body is refused. Blocks."""
    spans = body.outline.images
    images = {
        field: _decode(body.text, *spans[text], field) if text in spans else read_image(text, field)
        for field, text in texts.items()
    }
    if spans.keys() - texts.values():
        raise ValidationFailed.for_field("body", RequestProblem.STRAY_IMAGE())
    return images


def read_image(text: str | bytes, field: str) -> InputSource:
    text = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if reference := _STORED_IMAGE.fullmatch(text):
        return ImageReference(id=int(reference[1]))
    return _decode(text, 0, len(text), field)


def _decode(text: Text, start: int, end: int, field: str) -> bytes:
    prefix = _DATA_URL.match(text[start : min(end, start + _MAX_PREFIX_BYTES)])
    if prefix is None:
        raise InvalidImage(field, RequestProblem.NOT_A_DATA_URL())
    start += prefix.end()
    if (end - start) * 3 // 4 > MAX_IMAGE_BYTES + 2 and b"\\" not in text[start : start + _PIECE_BYTES]:
        raise InvalidImage(field, ProblemCode.TOO_MANY_BYTES(maximum=MAX_IMAGE_BYTES))
    try:
        data = b"".join(_decode_pieces(text, start, end))
    except binascii.Error as error:
        raise InvalidImage(field, RequestProblem.NOT_BASE64()) from error
    if not data:
        raise InvalidImage(field, ProblemCode.EMPTY())
    return data


def _decode_pieces(text: Text, start: int, end: int) -> Iterator[bytes]:
    """Decode in pieces, since each call of the decoder blocks the interpreter."""
    carry = b""
    while start < end:
        stop = min(start + _PIECE_BYTES, end)
        if stop < end and (escape := text.rfind(b"\\", stop - _MAX_ESCAPE_BYTES, stop)) > start:
            stop = escape
        piece = carry + _ESCAPE.sub(_unescaped, bytes(text[start:stop]))
        start = stop
        whole = len(piece) // 4 * 4 if start < end else len(piece)
        carry, piece = piece[whole:], piece[:whole]
        if start < end and piece.endswith(b"="):
            raise binascii.Error("there is more after the padding")
        yield binascii.a2b_base64(piece + b"=" * (-len(piece) % 4), strict_mode=True)


def _unescaped(match: "re.Match[bytes]") -> bytes:
    return b"/" if match[1] is None else bytes((int(match[1], 16),))
