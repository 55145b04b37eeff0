"""Converts values to rows and back, for either database, and to the JSON in some columns."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from importlib import import_module
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

import attrs
import cattrs
import msgspec

from imagegen_adapters.stores.sql import NEWEST, Row, Sql
from imagegen_core.attempt import Attempt, Charge, InlineResponse, Phase, Receipt, SentConfig, UpstreamJob
from imagegen_core.costs import Basis, Cost
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.facts import Price
from imagegen_core.limits import MAX_EXACT_TOTAL
from imagegen_core.messages import Language, Message, MessageCode, UpstreamCode, upstream_text, words_of
from imagegen_core.ports.tasks import IdempotencyClaim
from imagegen_core.requests import ImageRequest, InputImage, Operation
from imagegen_core.search import Page, Paging
from imagegen_core.task import BatchPlace, EventKind, Task, TaskEvent, TaskStatus
from imagegen_core.values import quarter_of, valid_json

# ---------------------------------------------------------------- messages and failures

# An upstream text is stored as a string. A message of our own is stored as code and arguments, and with its
# English text for a version that no longer has the code.


def message_to_json(message: Message) -> Any:
    """Return a string, or an object with ``text``, ``code`` and ``args``."""
    text = str(message)
    return text if message.code is UpstreamCode.UPSTREAM_TEXT else {"text": text, **_encoded(message)}


def message_from_json(value: Any) -> Message:
    """Return the message, or its text if the code is no longer known."""
    if not isinstance(value, Mapping):
        return upstream_text(str(value))
    return _decoded(value, str(value.get("text", "")))


def failure_to_json(failure: Failure) -> dict[str, Any]:
    """Return the fields, with ``message`` as text, and its code and arguments as ``reason``."""
    plain = attrs.asdict(failure, recurse=False) | {"code": str(failure.code), "message": failure.message}
    reason = plain.pop("reason")
    return plain if reason.code is UpstreamCode.UPSTREAM_TEXT else {**plain, "reason": _encoded(reason)}


def failure_from_json(value: Mapping[str, Any]) -> Failure:
    names = {field.name for field in attrs.fields(Failure)} - {"code", "reason"}
    return Failure(
        code=FailureCode(value["code"]),  # type: ignore[call-arg] # by value
        reason=_decoded(value.get("reason"), value["message"]),
        **{name: value[name] for name in names if name in value},
    )


def _encoded(value: Any) -> Any:
    match value:
        case Message():
            args = {name: _encoded(item) for name, item in value.args.items()}
            return {"code": str(value.code), "args": args}
        case tuple():
            return [_encoded(item) for item in value]
        case str():
            return str(value)
        case _:
            return value


def _decoded(value: Any, text: str) -> Message:
    try:
        message = _message(value)
        for language in Language:  # arguments that do not fit the sentence fail here, not in an answer
            message.text(language)
    except (AttributeError, LookupError, TypeError, ValueError):
        return upstream_text(text)
    return message


def _message(value: Any) -> Message:
    code = MessageCode.named(value["code"]) or _unused_code(value["code"])
    args = {str(name): _argument(item) for name, item in value["args"].items()}
    if code is None or code.placeholders != args.keys():
        raise LookupError(value["code"])
    return code(**args)


def _unused_code(name: str) -> MessageCode | None:
    """Load all adapters' tables of messages, if one of them has this code."""
    if any(name.upper() in table for table in words_of("imagegen_adapters").values()):
        for module in MESSAGE_TABLES:
            import_module(module)
    return MessageCode.named(name)


MESSAGE_TABLES = (
    "imagegen_adapters.archives.prefix",
    "imagegen_adapters.archives.oss",
    "imagegen_adapters.archives.s3",
    "imagegen_adapters.backup",
    "imagegen_adapters.images.inspector",
    "imagegen_adapters.outbound.addresses",
    "imagegen_adapters.outbound.errors",
    "imagegen_adapters.plugins",
    "imagegen_adapters.providers.a1111",
    "imagegen_adapters.providers.comfyui_workflow",
    "imagegen_adapters.providers.common.calls",
    "imagegen_adapters.providers.demo.provider",
    "imagegen_adapters.providers.document.expressions",
    "imagegen_adapters.providers.gemini.requests",
    "imagegen_adapters.secrets",
    "imagegen_adapters.stores",
    "imagegen_adapters.stores.transfer",
)
"""All modules of adapters with a table of messages."""


def _argument(value: Any) -> Any:
    match value:
        case Mapping():
            return _message(value)
        case list():
            return tuple(map(_argument, value))
        case _:
            return value


# ---------------------------------------------------------------- times and JSON

T = TypeVar("T")
_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_NUL = "\\u0000"


def to_timestamp(moment: datetime) -> str:
    """Return the time as ``2026-11-24T08:00:00.000Z``; these strings sort chronologically."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text = msgspec.json.encode(utc).decode()  # in quotes, with microseconds if there are any
    return f"{text[1:24]}Z" if utc.microsecond else f"{text[1:20]}.000Z"


def from_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def optional_timestamp(moment: datetime | None) -> str | None:
    return None if moment is None else to_timestamp(moment)


def optional_moment(text: str | None) -> datetime | None:
    return None if text is None else from_timestamp(text)


def to_json(value: Any) -> str:
    """Return the value as JSON, in ASCII."""
    return _encoder.encode(value)


def object_to_json(value: Mapping[str, Any]) -> str:
    """Return a plain mapping as JSON, in UTF-8, at a fifth of the cost of `to_json`."""
    try:
        return msgspec.json.encode(dict(value)).decode()
    except (TypeError, ValueError):  # mappings of other types in it, or lone surrogates
        return to_json(value)


def optional_json(value: Any) -> str | None:
    return None if value is None else to_json(value)


def from_json(text: str, kind: type[T]) -> T:
    """Return the value that `to_json` wrote, with invalid text in it replaced."""
    return _converter.structure(_plain_value(text), kind)


def object_from_json(text: str) -> dict[str, Any]:
    """Return the object that `object_to_json` wrote, with invalid text in it replaced."""
    value = {} if text == "{}" else _plain_value(text)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value


def optional_value(text: str | None, kind: type[T]) -> T | None:
    return None if text is None else from_json(text, kind)


def _plain_value(text: str) -> Any:
    """Parse with msgspec, in a fifth of the time, unless the text may be invalid."""
    if _NUL not in text:
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            pass
    value = json.loads(text)
    # Earlier versions stored lone surrogates and NaN. Texts may have a megabyte, so each pattern begins with
    # a character that is rare in them.
    may_be_invalid = _SUSPECT_ESCAPE.search(text) or "NaN" in text or "Infinity" in text
    return valid_json(value) if may_be_invalid else value


def _plain(value: Any) -> Any:
    """Return a value that the encoder does not know as plain JSON values."""
    match value:
        case Mapping():
            return dict(value)
        case Message():
            return message_to_json(value)
        case Failure():
            return failure_to_json(value)
        case datetime():
            return to_timestamp(value)
        case Enum():
            return value.value
    return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}


_converter = cattrs.Converter()
_converter.register_structure_hook(datetime, lambda text, _: from_timestamp(text))
_converter.register_structure_hook(Decimal, lambda text, _: Decimal(text))
_converter.register_structure_hook(Message, lambda value, _: message_from_json(value))
_converter.register_structure_hook(Failure, lambda value, _: failure_from_json(value))
_encoder = json.JSONEncoder(separators=(",", ":"), default=_plain)
_BASES = {basis.value: basis for basis in Basis}


def cost_to_columns(cost: Cost | None) -> dict[str, Any]:
    return {
        "cost_basis": None if cost is None else cost.basis.value,
        "cost_currency": None if cost is None else cost.currency,
        "cost_ticks": None if cost is None else cost.ticks,
    }


def cost_from_columns(basis: str | None, currency: str | None, ticks: int | None) -> Cost | None:
    if basis is None:
        return None
    if currency is None or ticks is None:
        return Cost(basis=_BASES[basis])
    return Cost.from_ticks(ticks, currency, _BASES[basis])


def price_to_json(price: Price | None) -> str | None:
    """Return a price without its source."""
    if price is None:
        return None
    rates = [attrs.asdict(rate) | {"amount": str(rate.amount)} for rate in price.rates]
    return to_json({"currency": price.currency, "rates": rates, "forecast": price.forecast})


# ---------------------------------------------------------------- tasks

MAX_INLINE_CHARACTERS = 16 * 1024
"""Up to here, tasks are parsed on the event loop, in 0.1 ms; longer ones in a thread."""

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class _Inputs:
    references: tuple[InputImage, ...] = ()
    image: InputImage | None = None
    mask: InputImage | None = None


_TASK_FIELDS = ("model_id", "override", "max_retries", "progress", "attempts", "retries", "owner", "epoch")
_TASK_TIMES = ("not_before", "started_at", "completed_at")
_task_fields, _task_times = attrgetter(*_TASK_FIELDS), attrgetter(*_TASK_TIMES)
_SAME_FIELDS = ("task_id", "provider_name", "retry_of", *_TASK_FIELDS)
_same_fields, _stored_times = itemgetter(*_SAME_FIELDS), itemgetter(*_TASK_TIMES)
TASK_STATE = (
    *("status", "config_snapshot", "rescues", "warnings", "failure", "locked"),
    *(*_TASK_FIELDS, *_TASK_TIMES),
)
"""The mutable columns of a task, without ``cancel_requested``."""
TASK_COLUMNS = (
    *("task_id", "operation", "prompt", "params", "inputs", "provider_name", "retry_of", "created_at"),
    *("cancel_requested", *TASK_STATE),
)
BATCH_COLUMNS = ("batch_id", "batch_item", "quote_ticks", "claim_order")
"""Those of a task of a batch; in the row of another they would cost an eighth of its insertion."""
_NO_INPUTS = '{"references":[],"image":null,"mask":null}'


def task_to_row(task: Task) -> dict[str, Any]:
    request, inputs, batch = task.request, _NO_INPUTS, task.batch
    if request.references or request.image:
        inputs = to_json(_Inputs(references=request.references, image=request.image, mask=request.mask))
    row = {
        **task_state(task),
        "operation": request.operation.value,
        "prompt": request.prompt,
        "params": object_to_json(request.params),
        "inputs": inputs,
        "retry_of": task.retry_of,
        "created_at": to_timestamp(task.created_at),
    }
    if batch is None:
        return row
    return row | dict(zip(BATCH_COLUMNS, (batch.batch_id, batch.item, batch.quote_ticks, 1), strict=True))


def task_state(task: Task) -> dict[str, Any]:
    """Return the id and the mutable columns, without the request, which may be a megabyte."""
    return {
        **dict(zip(_TASK_FIELDS, _task_fields(task), strict=True)),
        **dict(zip(_TASK_TIMES, map(optional_timestamp, _task_times(task)), strict=True)),
        "task_id": task.task_id,
        "provider_name": task.provider_name,
        "status": task.status.value,
        "config_snapshot": object_to_json(task.config_snapshot),
        "rescues": task.recoveries,
        "warnings": to_json(task.warnings) if task.warnings else "[]",
        "failure": optional_json(task.failure),
        "cancel_requested": int(task.cancel_requested),
        "locked": int(task.locked),
    }


def usage_key(task: Task) -> dict[str, Any]:
    """Return the id of an ended task and the quarter of an hour to which its usage belongs."""
    return {"task_id": task.task_id, "quarter": quarter_of(task.completed_at or task.created_at)}


def row_to_task(row: Row) -> Task:
    times: dict[str, Any] = dict(zip(_TASK_TIMES, map(optional_moment, _stored_times(row)), strict=True))
    batch_id, item, quote_ticks = row["batch_id"], row["batch_item"], row["quote_ticks"]
    return Task(
        **dict(zip(_SAME_FIELDS, _same_fields(row), strict=True)),
        **times,
        request=_request(row),
        status=TaskStatus(row["status"]),
        config_snapshot=object_from_json(row["config_snapshot"]),
        recoveries=row["rescues"],
        warnings=() if row["warnings"] == "[]" else from_json(row["warnings"], tuple[Message, ...]),
        failure=optional_value(row["failure"], Failure),
        cancel_requested=bool(row["cancel_requested"]),
        locked=bool(row["locked"]),
        batch=batch_id and BatchPlace(batch_id=batch_id, item=item, quote_ticks=quote_ticks or 0),
        created_at=from_timestamp(row["created_at"]),
    )


def readable_tasks(rows: Iterable[Row]) -> tuple[Task, ...]:
    """Skip rows that cannot be read, so that a damaged one does not block the others."""
    tasks = []
    for row in rows:
        try:
            tasks.append(row_to_task(row))
        except Exception:  # noqa: BLE001 - logged, whatever is wrong with it
            _log.exception("a stored task cannot be read", extra={"task_id": row["task_id"]})
    return tuple(tasks)


async def claimed_tasks(rows: Sequence[Row]) -> tuple[Task, ...]:
    """Return the readable tasks, oldest first."""
    return await parsed(sorted(rows, key=lambda row: row["seq"]), readable_tasks)


async def parsed(rows: Sequence[Row], convert: Callable[[Sequence[Row]], T]) -> T:
    """Convert rows of tasks; long ones in a thread, since each may be a megabyte."""
    characters = sum(len(row[name]) for row in rows for name in ("prompt", "params", "inputs"))
    return convert(rows) if characters <= MAX_INLINE_CHARACTERS else await asyncio.to_thread(convert, rows)


def _request(row: Row) -> ImageRequest:
    inputs = _Inputs() if row["inputs"] == _NO_INPUTS else from_json(row["inputs"], _Inputs)
    return ImageRequest(
        operation=Operation(row["operation"]),
        prompt=row["prompt"],
        params=object_from_json(row["params"]),
        references=inputs.references,
        image=inputs.image,
        mask=inputs.mask,
    )


def claim_to_row(claim: IdempotencyClaim, task: Task) -> dict[str, Any]:
    return attrs.asdict(claim) | {"task_id": task.task_id, "expires_at": to_timestamp(claim.expires_at)}


# ---------------------------------------------------------------- attempts and events

_ATTEMPT_FIELDS = ("attempt_id", "task_id", "number", "part")


def attempt_to_row(attempt: Attempt) -> dict[str, Any]:
    config, response = attempt.config, attempt.response
    return {
        **{name: getattr(attempt, name) for name in _ATTEMPT_FIELDS},
        "phase": attempt.phase.value,
        "charge": attempt.charge.value,
        **{name: optional_json(getattr(attempt, name)) for name in ("job", "receipt", "failure")},
        "config": config.text if config is not None and not config.sealed else None,
        "sealed_config": config.text if config is not None and config.sealed else None,
        "created_at": to_timestamp(attempt.created_at),
        "updated_at": to_timestamp(attempt.updated_at),
        "response_name": None if response is None else response.name,
        "response": None if response is None else response.content,
        "price": price_to_json(attempt.price),
        **cost_to_columns(attempt.cost),
    }


def _config(row: Row) -> SentConfig | None:
    text = row["sealed_config"] if row["sealed_config"] is not None else row["config"]
    return None if text is None else SentConfig(text=text, sealed=row["sealed_config"] is not None)


def row_to_attempt(row: Row) -> Attempt:
    name, content = row["response_name"], row["response"]
    return Attempt(
        **{name: row[name] for name in _ATTEMPT_FIELDS},
        phase=Phase(row["phase"]),
        charge=Charge(row["charge"]),
        job=optional_value(row["job"], UpstreamJob),
        receipt=optional_value(row["receipt"], Receipt),
        response=None if content is None else InlineResponse(name=name, content=content),
        failure=optional_value(row["failure"], Failure),
        config=_config(row),
        price=optional_value(row["price"], Price),
        cost=cost_from_columns(row["cost_basis"], row["cost_currency"], row["cost_ticks"]),
        created_at=from_timestamp(row["created_at"]),
        updated_at=from_timestamp(row["updated_at"]),
    )


def event_to_row(event: TaskEvent) -> dict[str, Any]:
    """Return the columns of an event, without its id."""
    at, data = to_timestamp(event.at), object_to_json(event.data)
    return {"task_id": event.task_id, "kind": event.kind.value, "at": at, "data": data}


def row_to_event(row: Row) -> TaskEvent:
    at, data = from_timestamp(row["at"]), object_from_json(row["data"])
    return TaskEvent(id=row["id"], task_id=row["task_id"], kind=EventKind(row["kind"]), at=at, data=data)


# ---------------------------------------------------------------- pages


_NEWEST_FIRST = f"""
SELECT total.found, page.* FROM (
    SELECT count(*) AS found
    FROM (SELECT 1 FROM {{table}} WHERE {{condition}} LIMIT {MAX_EXACT_TOTAL + 1}) AS counted
) AS total LEFT JOIN (
    {{shown}} WHERE {{condition}} AND {{table}}.{{column}} < :after
    ORDER BY {{table}}.{{column}} DESC LIMIT :limit OFFSET :offset
) AS page ON true ORDER BY {{column}} DESC
"""  # noqa: S608 - a number of our own


async def newest_rows(
    sql: Sql, shown: str, chosen: Mapping[str, Any], paging: Paging, *, column: str = "seq", span: str = ""
) -> tuple[list[Row], int]:
    """Return the rows of a page, and one more if more pages follow; and how many match.

    ``shown`` selects from a table, whose ``column`` numbers its rows. ``chosen`` are values of columns; None
    means any. ``span`` is a further condition, on values of ``chosen`` that it names.
    """
    table = shown.partition("FROM ")[2].split()[0]
    criteria = ((name, value) for name, value in chosen.items() if value is not None)
    values = {name: value if isinstance(value, int) else str(value) for name, value in criteria}
    equal = [f"{name} = :{name}" for name in values if f":{name}" not in span]
    condition = " AND ".join([*equal, *filter(None, [span])]) or "true"
    statement = _NEWEST_FIRST.format(table=table, shown=shown, condition=condition, column=column)
    statement, bounds = paged(statement, paging)
    rows = await sql.rows(statement, **values, **bounds)
    return [row for row in rows if row[column] is not None], rows[0]["found"] if rows else 0


def paged(statement: str, paging: Paging) -> tuple[str, dict[str, int]]:
    """Return a statement, written for the newest first, in the order of a page, and the page's bounds."""
    bounds = {"limit": paging.page_size + 1, "offset": paging.offset}
    if paging.oldest_first:
        return statement.replace("< :after", "> :after").replace(" DESC", ""), {
            "after": paging.after or 0,
            **bounds,
        }
    return statement, {"after": NEWEST if paging.after is None else paging.after, **bounds}


def make_page(
    pairs: list[tuple[int, T]], paging: Paging, *, count: int, max_total: int = MAX_EXACT_TOTAL
) -> Page[T]:
    """Return the page of ``(number, item)`` pairs; one more than ``page_size`` means more pages.

    ``count`` is the number of all matches, which the page's total says up to ``max_total``.
    """
    shown = pairs[: paging.page_size]
    return Page(
        items=tuple(item for _, item in shown),
        total=min(count, max_total),
        total_is_exact=count <= max_total,
        has_more=len(pairs) > len(shown),
        last=shown[-1][0] if shown else None,
    )
