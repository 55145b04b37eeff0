"""The tables that a move copies: columns that both databases have, their values, and the SQL for each."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from imagegen_adapters.stores.rows import from_timestamp, to_json, to_timestamp
from imagegen_core.errors import ImagegenError
from imagegen_core.messages import MessageCode
from imagegen_core.values import valid_json, valid_text


class MoveError(ImagegenError):
    """A data directory was not moved, or not completely."""


class MoveCode(MessageCode, words="imagegen_adapters"):
    """What is in the way of a move, or what it found at its end."""


@attrs.frozen(kw_only=True)
class Table:
    """A table and its key, in whose order it is copied and compared.

    The keys of a ``numbered`` table are given by the database; ``changing`` are the columns that the move
    itself changes afterwards, and ``counted`` those that triggers fill, which are not copied.
    """

    name: str
    key: tuple[str, ...]
    numbered: bool = False
    changing: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()


IMAGES = Table(name="images", key=("id",), numbered=True, changing=frozenset({"storage"}))

TABLES = (
    Table(name="provider_configs", key=("provider_name",)),
    Table(name="settings", key=("name",)),
    Table(name="tasks", key=("seq",), numbered=True),
    Table(name="idempotency_keys", key=("scope", "key")),
    Table(name="attempts", key=("seq",), numbered=True),
    IMAGES,
    Table(name="tags", key=("id",), numbered=True, counted=frozenset({"images"})),
    Table(name="image_tags", key=("image_id", "tag_id")),
    Table(name="collections", key=("id",), numbered=True, counted=frozenset({"images"})),
    Table(name="collection_images", key=("collection_id", "image_id")),
    Table(name="outbox", key=("id",), numbered=True),
    Table(name="events", key=("id",), numbered=True),
    Table(name="usage_totals", key=("quarter", "provider_name", "model_id", "currency")),
)
"""A table stands behind those that it refers to. What else SQLite holds is derived from these."""

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
        """Return a value of the source as the target is to hold it."""
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


@attrs.define
class Digest:
    """Counts rows and digests their values."""

    rows: int = 0
    _sha256: "hashlib._Hash" = attrs.field(factory=hashlib.sha256, repr=False)

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add the next rows, whose values are of the types that `repr` tells apart."""
        for row in rows:
            self._sha256.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
            self.rows += 1

    @property
    def value(self) -> str:
        """The checksum in hex."""
        return self._sha256.hexdigest()


_ANY_ROW = " OR ".join(f"EXISTS (SELECT FROM {table.name})" for table in TABLES)

HAS_ROWS = f"SELECT {_ANY_ROW}"
"""Whether there is anything in a database of PostgreSQL."""

_COUNTS = ", ".join(f"(SELECT count(*) FROM {table.name})" for table in TABLES)  # noqa: S608 - names of our schema

CONTENTS = f"""
SELECT {_COUNTS}, (SELECT max(task_id) FROM tasks), (SELECT max(updated_at) FROM attempts),
    (SELECT max(updated_at) FROM provider_configs), (SELECT max(answered_at) FROM idempotency_keys),
    (SELECT value FROM counters WHERE name = 'marks_changed')
"""  # noqa: S608 - as above


def count_of(table: Table) -> str:
    """Return the query for the number of rows."""
    return f"SELECT count(*) FROM {table.name}"  # noqa: S608 - as above


def highest_of(table: Table) -> str:
    """Return the query for the highest key of a numbered table."""
    return f"SELECT coalesce(max({table.key[0]}), 0) FROM {table.name}"  # noqa: S608 - as above


def last_key_of(table: Table) -> str:
    """Return the query for the key of the last row."""
    order = ", ".join(f"{name} DESC" for name in table.key)
    return f"SELECT {', '.join(table.key)} FROM {table.name} ORDER BY {order} LIMIT 1"  # noqa: S608 - as above


def page_of(table: Table, columns: Sequence[Column], *, after: Sequence[str], limit: int) -> str:
    """Return the query for rows in the order of their keys; ``after`` are the places of a key's values."""
    names = ", ".join(column.name for column in columns)
    key = ", ".join(table.key)
    condition = f"WHERE ({key}) > ({', '.join(after)})" if after else ""
    return f"SELECT {names} FROM {table.name} {condition} ORDER BY {key} LIMIT {limit:d}"  # noqa: S608 - as above


def insertion(table: Table, columns: Sequence[Column]) -> str:
    """Return the statement that inserts rows into PostgreSQL, given an array for each column."""
    names = ", ".join(column.name for column in columns)
    arrays = ", ".join(f"${n}::{column.transferred_type}[]" for n, column in enumerate(columns, 1))
    values = ", ".join(f"{column.name}::{column.type}" for column in columns)
    rows = f"SELECT {values} FROM unnest({arrays}) AS source ({names})"  # noqa: S608 - as above
    return f"INSERT INTO {table.name} ({names}) OVERRIDING SYSTEM VALUE {rows}"
