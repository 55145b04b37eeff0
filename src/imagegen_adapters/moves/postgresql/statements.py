"""The SQL that is made for each table, from the names of our schema."""

from collections.abc import Sequence

from imagegen_adapters.moves.postgresql.columns import Column
from imagegen_adapters.moves.postgresql.tables import TABLES, Table

_ANY_ROW = " OR ".join(f"EXISTS (SELECT FROM {table.name})" for table in TABLES)

HAS_ROWS = f"SELECT {_ANY_ROW}"
"""Whether there is anything in a database of PostgreSQL."""

_COUNTS = ", ".join(f"(SELECT count(*) FROM {table.name})" for table in TABLES)  # noqa: S608 - names of our schema

CONTENTS = f"""
SELECT {_COUNTS}, (SELECT max(task_id) FROM tasks), (SELECT max(updated_at) FROM attempts),
    (SELECT max(updated_at) FROM provider_configs), (SELECT max(answered_at) FROM idempotency_keys),
    (SELECT value FROM counters WHERE name = 'marks_changed')
"""  # noqa: S608 - as above


def count(table: Table) -> str:
    """Return the query for the number of rows."""
    return f"SELECT count(*) FROM {table.name}"  # noqa: S608 - as above


def highest(table: Table) -> str:
    """Return the query for the highest key of a numbered table."""
    return f"SELECT coalesce(max({table.key[0]}), 0) FROM {table.name}"  # noqa: S608 - as above


def last_key(table: Table) -> str:
    """Return the query for the key of the last row."""
    order = ", ".join(f"{name} DESC" for name in table.key)
    return f"SELECT {', '.join(table.key)} FROM {table.name} ORDER BY {order} LIMIT 1"  # noqa: S608 - as above


def page(table: Table, columns: Sequence[Column], *, after: Sequence[str], limit: int) -> str:
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
