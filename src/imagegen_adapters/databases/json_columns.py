"""Values as text columns: JSON for structured values, ISO 8601 in UTC with milliseconds for times."""

import json
import re
from datetime import UTC, datetime
from typing import Any, TypeVar

import cattrs

from imagegen_adapters.databases.message_json import (
    failure_from_json,
    failure_to_json,
    message_from_json,
    message_to_json,
)
from imagegen_core.failures import Failure
from imagegen_core.messages import Message
from imagegen_core.values.valid_text import valid_json

T = TypeVar("T")

_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_NON_FINITE_NUMBERS = ("NaN", "Infinity")


def to_timestamp(moment: datetime) -> str:
    """Return the time as ``2026-11-24T08:00:00.000Z``; these strings sort chronologically."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_timestamp(text: str) -> datetime:
    """Return the timezone-aware time that `to_timestamp` wrote."""
    return datetime.fromisoformat(text)


def optional_timestamp(moment: datetime | None) -> str | None:
    """Return the time as a timestamp, or None."""
    return None if moment is None else to_timestamp(moment)


def optional_moment(text: str | None) -> datetime | None:
    """Return the time that `to_timestamp` wrote, or None."""
    return None if text is None else from_timestamp(text)


def to_json(value: Any) -> str:
    """Return the value as JSON, in ASCII."""
    return json.dumps(_converter.unstructure(value), separators=(",", ":"))


def optional_json(value: Any) -> str | None:
    """Return the value as JSON, or None."""
    return None if value is None else to_json(value)


def from_json(text: str, kind: type[T]) -> T:
    """Return the value of type ``kind`` that `to_json` wrote, with invalid text in it replaced."""
    value = json.loads(text)
    return _converter.structure(valid_json(value) if _may_be_invalid(text) else value, kind)


def optional_value(text: str | None, kind: type[T]) -> T | None:
    """Return the value of type ``kind`` that `to_json` wrote, or None."""
    return None if text is None else from_json(text, kind)


def _may_be_invalid(text: str) -> bool:
    """Return whether it may contain lone surrogates or NaN, which earlier versions stored as received.

    Texts of a megabyte are checked here, so each pattern begins with a character that is rare in them.
    """
    return _SUSPECT_ESCAPE.search(text) is not None or any(word in text for word in _NON_FINITE_NUMBERS)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(datetime, to_timestamp)
    converter.register_structure_hook(datetime, lambda text, _: from_timestamp(text))
    converter.register_unstructure_hook(Message, message_to_json)
    converter.register_structure_hook(Message, lambda value, _: message_from_json(value))
    converter.register_unstructure_hook(Failure, failure_to_json)
    converter.register_structure_hook(Failure, lambda value, _: failure_from_json(value))
    return converter


_converter = _make_converter()
