"""What the fields of answers have in common: their description, and types that many of them share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


def doc(description: str, example: Any = UNSET, **schema: Any) -> Meta:
    """Return what the OpenAPI document says of a field; ``schema`` are further words of JSON Schema."""
    examples = None if example is UNSET else [example]
    return Meta(description=description, examples=examples, extra_json_schema=schema or None)


JsonObject = dict[str, Annotated[Any, Meta(description="any JSON value")]]
Scalar = str | int | float | bool

Time = Annotated[str, doc("UTC with milliseconds", "2026-11-24T08:00:00.000Z", format="date-time")]
EXAMPLE_TASK_ID = "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a"
TaskId = Annotated[str, doc("id of the task", EXAMPLE_TASK_ID)]
ImageId = Annotated[int, doc("id of the image", 7)]
ProviderName = Annotated[str, doc("name of the provider", "demo")]
ModelId = Annotated[str, doc("id of the model with its provider", "demo")]
Prompt = Annotated[str, doc("the caller's prompt, empty where the operation took none", "一只可爱的猫")]


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of an answer; what is ``UNSET`` is not in it."""


MAX_SAFE_INTEGER = 2**53 - 1
"""The largest whole number that every client reads exactly from JSON; JavaScript rounds larger ones."""


def with_exact_seed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters or metadata, a seed that clients would round as a text of digits."""
    seed = values.get("seed")
    if isinstance(seed, int) and abs(seed) > MAX_SAFE_INTEGER:
        return {**values, "seed": str(seed)}
    return dict(values)


def timestamp(at: datetime) -> str:
    """Return UTC with milliseconds, such as ``2026-11-24T08:00:00.000Z``."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    text = _encoder.encode(
        utc
    ).decode()  # "2026-11-24T08:00:00.000000Z" in a quarter of the time of isoformat
    return f"{text[1:24]}Z" if utc.microsecond else f"{text[1:20]}.000Z"


def optional_timestamp(at: datetime | None) -> str | None:
    """Return the same, None for None."""
    return None if at is None else timestamp(at)


def if_any(value: T | None) -> T | UnsetType:
    """Return the value for a field that an answer leaves out when there is none."""
    return UNSET if value is None else value
