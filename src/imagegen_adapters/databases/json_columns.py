"""Values as text columns: JSON for structured values, ISO 8601 in UTC with milliseconds for times."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import attrs
import cattrs
import msgspec

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
_NUL = "\\u0000"
_NON_FINITE_NUMBERS = ("NaN", "Infinity")


def to_timestamp(moment: datetime) -> str:
    """Return the time as ``2026-11-24T08:00:00.000Z``; these strings sort chronologically."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text = msgspec.json.encode(utc).decode()  # in quotes, with microseconds if there are any
    return f"{text[1:24]}Z" if utc.microsecond else f"{text[1:20]}.000Z"


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
    return _encoder.encode(value)


def object_to_json(value: Mapping[str, Any]) -> str:
    """Return a mapping of what JSON has, in UTF-8, at a fifth of the cost of `to_json`."""
    try:
        return msgspec.json.encode(dict(value)).decode()
    except (TypeError, ValueError):  # mappings of other types in it, or lone surrogates
        return to_json(value)


def optional_json(value: Any) -> str | None:
    """Return the value as JSON, or None."""
    return None if value is None else to_json(value)


def from_json(text: str, kind: type[T]) -> T:
    """Return the value of type ``kind`` that `to_json` wrote, with invalid text in it replaced."""
    return _converter.structure(_plain_value(text), kind)


def object_from_json(text: str) -> dict[str, Any]:
    """Return the JSON object that `object_to_json` wrote, with invalid text in it replaced.

    Raises:
        TypeError: it is no object.
    """
    value = {} if text == "{}" else _plain_value(text)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value


def optional_value(text: str | None, kind: type[T]) -> T | None:
    """Return the value of type ``kind`` that `to_json` wrote, or None."""
    return None if text is None else from_json(text, kind)


def _plain_value(text: str) -> Any:
    """Return what JSON holds; msgspec takes a fifth of the time, and refuses what may be invalid but NUL."""
    if _NUL not in text:
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            pass
    value = json.loads(text)
    return valid_json(value) if _may_be_invalid(text) else value


def _may_be_invalid(text: str) -> bool:
    """Return whether it may contain lone surrogates or NaN, which earlier versions stored as received.

    Texts of a megabyte are checked here, so each pattern begins with a character that is rare in them.
    """
    return _SUSPECT_ESCAPE.search(text) is not None or any(word in text for word in _NON_FINITE_NUMBERS)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(datetime, lambda text, _: from_timestamp(text))
    converter.register_structure_hook(Message, lambda value, _: message_from_json(value))
    converter.register_structure_hook(Failure, lambda value, _: failure_from_json(value))
    return converter


def _plain(value: Any) -> Any:
    """Return what JSON has of a value that the encoder does not know."""
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


_converter = _make_converter()
_encoder = json.JSONEncoder(separators=(",", ":"), default=_plain)
