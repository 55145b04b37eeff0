"""The values of columns, as both databases hold them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec

from imagegen_adapters.stores.rows import from_timestamp, to_json, to_timestamp
from imagegen_core.values import valid_json, valid_text

_MAX_INTEGER = 2**31 - 1


@attrs.frozen
class Column:
    """A column of a table in PostgreSQL; ``type`` is its name in ``information_schema``."""

    name: str
    type: str

    @property
    def transferred_type(self) -> str:
        """The type in which its values are sent, to be cast to its own."""
        return "text" if self.type in _SENT_AS_TEXT else self.type

    def from_sqlite(self, value: Any) -> Any:
        """Return a value of the source as the target is to hold it.

        Raises:
            ValueError: the column cannot hold it.
        """
        convert = _FROM_SQLITE.get(self.type)
        return value if value is None or convert is None else convert(value)

    def from_postgresql(self, value: Any) -> Any:
        """Return a value of the target in the form that `from_sqlite` returns."""
        return _moment(value) if value is not None and self.type == _MOMENT else value


_MOMENT = "timestamp with time zone"
_SENT_AS_TEXT = frozenset({_MOMENT, "json"})


def _moment(text: str) -> str:
    return to_timestamp(from_timestamp(text))


def _integer(value: int) -> int:
    if abs(value) > _MAX_INTEGER:
        raise ValueError(value)
    return value


def _json(text: str) -> str:
    """Return valid JSON unchanged, character by character.

    Earlier versions stored NaN, which becomes null as it does when it is read, and errors as mere text, which
    become JSON strings.
    """
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeEncodeError):  # it refuses half of a surrogate pair, too
        return text if _is_json(text) else _mended_json(text)
    return text


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _mended_json(text: str) -> str:
    try:
        return to_json(valid_json(json.loads(text)))
    except ValueError:
        return to_json(text)


_FROM_SQLITE: Mapping[str, Callable[[Any], Any]] = {
    "text": valid_text,
    "json": _json,
    "boolean": bool,
    "integer": _integer,
    _MOMENT: _moment,
}
