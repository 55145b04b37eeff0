"""Parameters of paths, queries and headers: how they are documented and parsed."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Annotated, Any
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import HeaderParameter, PathParameter, QueryParameter, SkipValidation
from litestar.types import ASGIApp, Receive, Scope, Send

from imagegen_core.config import PROVIDER_NAME_PATTERN
from imagegen_core.errors import CollectionNotFound, ImageNotFound, Refusal, TaskNotFound, ValidationFailed
from imagegen_core.limits import (
    MAX_CURSOR_CHARS,
    MAX_IDEMPOTENCY_KEY_CHARS,
    MAX_PAGE,
    MAX_PAGE_SIZE,
    MAX_PROVIDER_NAME_CHARS,
)
from imagegen_core.messages import Problem, ProblemCode
from imagegen_core.search import Paging, decode_cursor
from imagegen_core.task import TaskStatus, check_idempotency_key
from imagegen_http.errors import RequestProblem
from imagegen_http.schemas import EXAMPLE_TASK_ID
from imagegen_http.service import Service

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


def query(description: str, name: str | None = None, **words: Any) -> QueryParameter:
    """Document a query parameter; of its ``words``, ``ge``, ``le`` and ``max_length`` are checked."""
    limits = {word: words.pop(word) for word in ("ge", "le", "max_length") if word in words}
    return QueryParameter(name=name, description=description, schema_extra=words or None, **limits)


def moment(description: str, name: str) -> QueryParameter:
    return query(description, name, **_MOMENT_WORDS)


def path(description: str, example: Any, pattern: str | None = None) -> PathParameter:
    words = {} if pattern is None else {"pattern": f"^{pattern}$"}
    return PathParameter(description=description, schema_extra={"examples": [example], **words})


def header(description: str, name: str, **words: Any) -> HeaderParameter:
    return HeaderParameter(name=name, description=description, schema_extra=words or None)


_VISIBLE = f"^[!-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARS}}}$"
_ZONE = r"^([A-Za-z0-9_+/-]{1,64}|[+-](0[0-9]|1[0-4]):(00|15|30|45))$"
IdempotencyHeader = Annotated[
    str | None, header("1 to 255 visible ASCII characters", "Idempotency-Key", pattern=_VISIBLE)
]
PreferHeader = Annotated[
    str | None, header("`wait=N`: wait up to N seconds for the end of the task", "Prefer")
]
LastEventHeader = Annotated[
    str | None, header("id of the last event that was seen", "Last-Event-ID", pattern="^[0-9]*$")
]
TaskIdPath = Annotated[str, path("id of a task", EXAMPLE_TASK_ID, _TASK_ID)]
ImageIdPath = Annotated[str, path("id of an image", "1", _ROW_ID)]
CollectionPath = Annotated[str, path("id of a collection", "1", _ROW_ID)]
ProviderPath = Annotated[str, path("name of a provider", "my-demo", PROVIDER_NAME_PATTERN)]
PageQuery = Annotated[int, query("page, from 1", ge=1, le=MAX_PAGE)]
PageSizeQuery = Annotated[int, query("items a page", ge=1, le=MAX_PAGE_SIZE)]
_CURSOR, _CURSOR_PATTERN = "next_cursor of the page before; replaces page", "^[A-Za-z0-9_-]+={0,2}$"
CursorQuery = Annotated[str | None, query(_CURSOR, max_length=MAX_CURSOR_CHARS, pattern=_CURSOR_PATTERN)]
ProviderQuery = Annotated[str | None, query("only this provider's", max_length=MAX_PROVIDER_NAME_CHARS)]
StatusQuery = Annotated[TaskStatus | None, query("only tasks in this status")]
ZoneQuery = Annotated[str, query("whose days and dates these are: Asia/Shanghai, +08:00", pattern=_ZONE)]


def parse_task_id(text: str) -> str:
    if not re.fullmatch(_TASK_ID, text):
        raise TaskNotFound(text[:64])
    return text


def _parse_row_id(text: str, missing: Callable[[str], Refusal]) -> int:
    if not re.fullmatch(_ROW_ID, text):
        raise missing(text[:64])
    return int(text)


parse_image_id = partial(_parse_row_id, missing=ImageNotFound)
parse_collection_id = partial(_parse_row_id, missing=CollectionNotFound)


def parse_event_id(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValidationFailed.for_field("Last-Event-ID", RequestProblem.NOT_AN_EVENT_ID())
    return min(int(text[:19]), 2**63 - 1)


def parse_idempotency_key(text: str | None) -> str | None:
    check_idempotency_key(text, "Idempotency-Key")
    return text


def parse_paging(page: int, page_size: int, cursor: str | None, query: object) -> Paging:
    """Return the requested page; a cursor replaces the page number."""
    after = None if cursor is None else decode_cursor(cursor, query)
    return Paging(page=1 if after is not None else page, page_size=page_size, after=after)
