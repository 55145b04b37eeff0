"""The data directory that is moved, read and never changed."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import attrs

from imagegen_adapters.moves.postgresql import statements
from imagegen_adapters.moves.postgresql.columns import Column
from imagegen_adapters.moves.postgresql.errors import MoveError
from imagegen_adapters.moves.postgresql.messages import MoveCode
from imagegen_adapters.moves.postgresql.tables import Table
from imagegen_adapters.stores.rows import to_json
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3

Rows = list[tuple[Any, ...]]

_SEQUENCES = "SELECT name, seq FROM sqlite_sequence"

_COLUMNS = "SELECT name FROM pragma_table_info(?)"


@attrs.frozen
class Source:
    """The tables of a data directory, whose ``database`` is open for reading."""

    database: Database

    async def fingerprint(self) -> str:
        """Return what changes with everything that a service does in the data directory."""
        contents = await self._rows(statements.CONTENTS)
        return hashlib.sha256(to_json([contents, sorted(await self._rows(_SEQUENCES))]).encode()).hexdigest()

    async def columns(self, table: Table) -> frozenset[str]:
        """Return the names of a table's columns."""
        return frozenset(name for (name,) in await self._rows(_COLUMNS, [table.name]))

    async def count(self, table: Table) -> int:
        """Return the number of a table's rows."""
        ((count,),) = await self._rows(statements.count(table))
        return int(count)

    async def highest(self, table: Table) -> int:
        """Return the highest number that a table with a numeric key has given to a row."""
        ((highest,),) = await self._rows(statements.highest(table))
        sequences = [number for name, number in await self._rows(_SEQUENCES) if name == table.name]
        return max(int(highest), *map(int, sequences), 0)

    async def rows(
        self, table: Table, columns: Sequence[Column], *, after: tuple[Any, ...] | None, limit: int
    ) -> Rows:
        """Return the rows behind the key ``after``, as the target is to hold them.

        Raises:
            MoveError: there is a value that the target cannot hold.
        """
        places = () if after is None else ("?",) * len(after)
        statement = statements.page(table, columns, after=places, limit=limit)
        rows = await self._rows(statement, after or ())
        return [_converted(table, columns, row) for row in rows]

    async def _rows(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        return await self.database.read(partial(_fetch, statement=statement, values=values))


def _fetch(connection: sqlite3.Connection, *, statement: str, values: Sequence[Any]) -> Rows:
    return [tuple(row) for row in connection.execute(statement, values).fetchall()]


def _converted(table: Table, columns: Sequence[Column], row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = []
    for column, value in zip(columns, row, strict=True):
        try:
            values.append(column.from_sqlite(value))
        except (ValueError, TypeError) as error:
            key = ", ".join(str(v) for c, v in zip(columns, row, strict=True) if c.name in table.key)
            reason = MoveCode.ROW_UNUSABLE(table=table.name, key=key, column=column.name)
            raise MoveError(reason) from error
    return tuple(values)
