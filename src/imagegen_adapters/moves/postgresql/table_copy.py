"""Copies the rows of a table and compares them."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from imagegen_adapters.moves.postgresql.columns import Column
from imagegen_adapters.moves.postgresql.digest import Digest
from imagegen_adapters.moves.postgresql.errors import MoveError
from imagegen_adapters.moves.postgresql.messages import MoveCode
from imagegen_adapters.moves.postgresql.report import TableReport
from imagegen_adapters.moves.postgresql.source import Source
from imagegen_adapters.moves.postgresql.tables import Table
from imagegen_adapters.moves.postgresql.target import Target

_ROWS_PER_BATCH = 500
"""Rows of a transaction: what a kill costs, and what is in memory at once."""

Progress = Callable[[str, int, int], None]
"""Called with what is being copied, how much of it is done, and how much there is."""


@attrs.frozen(kw_only=True)
class TableCopy:
    """Copies rows in the order of their keys, so that what the target has says where to go on."""

    source: Source
    target: Target
    progress: Progress

    async def __call__(self, table: Table) -> TableReport:
        """Copy the rows that are not there yet, and compare all of them.

        Raises:
            MoveError: a row cannot be copied, or the target has other rows.
            StorageError: a database cannot be used now.
        """
        names = await self.source.columns(table) - table.counted
        columns = [column for column in await self.target.columns(table) if column.name in names]
        count = await self._copy(table, columns)
        if table.numbered:
            await self.target.continue_at(table, await self.source.highest(table))
        compared = [column for column in columns if column.name not in table.changing]
        source, target = [await digest(side, table, compared) for side in (self.source, self.target)]
        if source.value != target.value:
            raise MoveError(MoveCode.ROWS_DIFFER(table=table.name))
        return TableReport(name=table.name, rows=count, sha256=source.value)

    async def _copy(self, table: Table, columns: Sequence[Column]) -> int:
        total, done = await self.source.count(table), await self.target.count(table)
        after = await self.target.last_key(table)
        while rows := await self.source.rows(table, columns, after=after, limit=_ROWS_PER_BATCH):
            await self.target.insert(table, columns, rows)
            after = _key(table, columns, rows[-1])
            done += len(rows)
            self.progress(table.name, done, total)
        return done


async def digest(side: Source | Target, table: Table, columns: Sequence[Column]) -> Digest:
    """Return the digest of all rows of a table."""
    total, after = Digest(), None
    while rows := await side.rows(table, columns, after=after, limit=_ROWS_PER_BATCH):
        total.add(rows)
        after = _key(table, columns, rows[-1])
    return total


def _key(table: Table, columns: Sequence[Column], row: Sequence[Any]) -> tuple[Any, ...]:
    values = {column.name: value for column, value in zip(columns, row, strict=True)}
    return tuple(values[name] for name in table.key)
