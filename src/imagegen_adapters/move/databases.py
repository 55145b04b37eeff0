"""Both ends of a move, and the copy of a table from one to the other."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import attrs

from imagegen_adapters.move import tables
from imagegen_adapters.move.tables import IMAGES, Column, Digest, MoveCode, MoveError, Table
from imagegen_adapters.stores.gallery import row_to_image
from imagegen_adapters.stores.postgresql.database import Connection, Database
from imagegen_adapters.stores.rows import to_json, to_timestamp
from imagegen_adapters.stores.search import folding_version
from imagegen_adapters.stores.sqlite.database import Database as SqliteDatabase
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.images import StorageState
from imagegen_core.search import Simplify, fold

Rows = list[tuple[Any, ...]]

_SEQUENCES = "SELECT name, seq FROM sqlite_sequence"

_COLUMNS = "SELECT name FROM pragma_table_info(?)"


@attrs.frozen
class Source:
    """The tables of a data directory, whose ``database`` is open for reading."""

    database: SqliteDatabase

    async def fingerprint(self) -> str:
        """Return what changes with everything that a service does in the data directory."""
        contents = await self._rows(tables.CONTENTS)
        return hashlib.sha256(to_json([contents, sorted(await self._rows(_SEQUENCES))]).encode()).hexdigest()

    async def columns(self, table: Table) -> frozenset[str]:
        """Return the names of a table's columns."""
        return frozenset(name for (name,) in await self._rows(_COLUMNS, [table.name]))

    async def count(self, table: Table) -> int:
        """Return the number of a table's rows."""
        ((count,),) = await self._rows(tables.count_of(table))
        return int(count)

    async def highest(self, table: Table) -> int:
        """Return the highest number that a table with a numeric key has given to a row."""
        ((highest,),) = await self._rows(tables.highest_of(table))
        sequences = [number for name, number in await self._rows(_SEQUENCES) if name == table.name]
        return max(int(highest), *map(int, sequences), 0)

    async def rows(
        self, table: Table, columns: Sequence[Column], *, after: tuple[Any, ...] | None, limit: int
    ) -> Rows:
        """Return the rows behind the key ``after``, as the target is to hold them."""
        places = () if after is None else ("?",) * len(after)
        statement = tables.page_of(table, columns, after=places, limit=limit)
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


_STATE = "SELECT source, images_through, finished_at FROM moves"

_HAS_NODES = "SELECT EXISTS (SELECT FROM nodes)"

_BEGIN = "INSERT INTO moves (source) VALUES ($1)"

_DROP_INDEX = "DROP INDEX image_texts_tokens"

_CREATE_INDEX = """
CREATE INDEX IF NOT EXISTS image_texts_tokens ON image_texts
USING gin (image_tokens(id, folded, provider_name, model_id, operation))
WITH (gin_pending_list_limit = 256)
"""
"""As in the schema. To build it once takes a fraction of the time that it takes to add image after image."""

_COLUMNS_OF_TABLE = """
SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position
"""

_MORE_MEMORY = "SET maintenance_work_mem = '256MB'"
"""The index is written in fewer parts than with the 64 MB that are the default."""

_INSERT_TEXTS = """
INSERT INTO image_texts (id, created_at, provider_name, model_id, operation, folded, folding)
SELECT id, created_at::timestamptz, provider_name, model_id, operation, folded, $7
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS entries (id, created_at, provider_name, model_id, operation, folded)
"""

_CONTINUE_AT = "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, 1), $3::bigint > 0)"

_SET_STORAGE = "UPDATE images SET storage = $2 WHERE id = ANY ($1::bigint[])"

_REACHED = "UPDATE moves SET images_through = $1"

_REMOVALS = "SELECT blob_key FROM outbox WHERE kind = 'remove' AND blob_key = ANY ($1::text[])"

_TASK_IDS = "SELECT task_id FROM tasks WHERE task_id = ANY ($1::text[])"

_FINISH = "UPDATE moves SET finished_at = now() RETURNING finished_at"


@attrs.frozen(kw_only=True)
class MoveState:
    """How far an earlier run of the move came; ``images_through`` is the last image whose files were seen."""

    images_through: int = 0
    finished_at: str | None = None


@attrs.frozen
class Target:
    """The tables of an open database; ``simplify`` folds the prompts for its search index."""

    database: Database
    simplify: Simplify

    async def begin(self, source: str) -> MoveState:
        """Mark the database as that of an unfinished move, or find the mark of an earlier run."""
        async with self.database.transaction() as connection:
            state = await earlier_state(connection, source)
            if state is None:
                await connection.execute(_BEGIN, source)
                await connection.execute(_DROP_INDEX)
        return state or MoveState()

    async def columns(self, table: Table) -> list[Column]:
        """Return the columns of a table, in their order."""
        async with self.database.connection() as connection:
            return await columns_of(connection, table)

    async def count(self, table: Table) -> int:
        """Return the number of a table's rows."""
        ((count,),) = await self.database.rows(tables.count_of(table))
        return int(count)

    async def last_key(self, table: Table) -> tuple[Any, ...] | None:
        """Return the highest key of a table, up to which its rows have been copied."""
        row = await self.database.row(tables.last_key_of(table))
        return None if row is None else tuple(row)

    async def insert(self, table: Table, columns: Sequence[Column], rows: Rows) -> None:
        """Insert rows, all or none; images with their entries of the search index."""
        async with self.database.transaction() as connection:
            await connection.execute(tables.insertion(table, columns), *zip(*rows, strict=True))
            if table is IMAGES:
                await self._add_texts(connection, rows)

    async def _add_texts(self, connection: Connection, rows: Rows) -> None:
        entries = []
        for image in map(row_to_image, rows):
            moment, folded = to_timestamp(image.created_at), fold(image.prompt, self.simplify)
            values = (image.provider_name, image.model_id, image.operation.value)
            entries.append((image.id, moment, *values, folded))
        columns = zip(*entries, strict=True)
        await connection.execute(_INSERT_TEXTS, *columns, folding_version(self.simplify))

    async def rows(
        self, table: Table, columns: Sequence[Column], *, after: tuple[Any, ...] | None, limit: int
    ) -> Rows:
        """Return the rows behind the key ``after``, in the form in which they were inserted."""
        places = [f"${number}" for number, _ in enumerate(after or (), 1)]
        statement = tables.page_of(table, columns, after=places, limit=limit)
        return [
            tuple(column.from_postgresql(value) for column, value in zip(columns, row, strict=True))
            for row in await self.database.rows(statement, *(after or ()))
        ]

    async def continue_at(self, table: Table, number: int) -> None:
        """Let the next row of a table get a higher number than this."""
        await self.database.rows(_CONTINUE_AT, table.name, table.key[0], number)

    async def index_images(self) -> None:
        """Build the search index over the entries of all images, unless an earlier run has.

        What the planner has to know of tables that were filled at once, it learns now.
        """
        async with self.database.connection() as connection:
            await connection.execute(_MORE_MEMORY)
            await connection.execute(_CREATE_INDEX)
            await connection.execute("RESET maintenance_work_mem; ANALYZE")

    async def set_storage(
        self, image_ids: Iterable[int], state: StorageState, *, through: int | None = None
    ) -> None:
        """Record where images are, and through which id the files of all images have been seen."""
        async with self.database.transaction() as connection:
            await connection.execute(_SET_STORAGE, list(image_ids), state.value)
            if through is not None:
                await connection.execute(_REACHED, through)

    async def removals(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of the keys whose blobs wait to be removed."""
        return frozenset(row["blob_key"] for row in await self.database.rows(_REMOVALS, list(keys)))

    async def task_ids(self, candidates: Iterable[str]) -> frozenset[str]:
        """Return those that are ids of tasks."""
        rows = await self.database.rows(_TASK_IDS, list(candidates))
        return frozenset(row["task_id"] for row in rows)

    async def finish(self) -> str:
        """Let nodes start on the database, and return when that was."""
        ((finished_at,),) = await self.database.rows(_FINISH)
        return str(finished_at)


async def earlier_state(connection: Connection, source: str) -> MoveState | None:
    """Return how far an earlier run came; None if the database is empty."""
    row = await connection.fetchrow(_STATE)
    if row is None:
        if await connection.fetchval(tables.HAS_ROWS):
            raise MoveError(MoveCode.TARGET_NOT_EMPTY())
        if await connection.fetchval(_HAS_NODES):
            raise MoveError(MoveCode.NODES_ON_TARGET())
        return None
    if row["source"] != source:
        raise MoveError(MoveCode.TARGET_OF_ANOTHER())
    return MoveState(images_through=row["images_through"], finished_at=row["finished_at"])


async def columns_of(connection: Connection, table: Table) -> list[Column]:
    """Do `Target.columns` with the caller's connection."""
    return [Column(row["name"], row["type"]) for row in await connection.fetch(_COLUMNS_OF_TABLE, table.name)]


@attrs.frozen(kw_only=True)
class TableReport:
    """A table that both databases hold equally; ``sha256`` is the checksum of its rows."""

    name: str
    rows: int
    sha256: str


@attrs.define
class FilesReport:
    """The files that were looked at; ``missing`` are the keys by the ids of images that neither store has.

    ``spooled`` counts responses and inputs, also those that are kept.
    """

    images: int = 0
    unrecorded: int = 0
    spooled: int = 0
    sent_bytes: int = 0
    missing: dict[int, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class MoveReport:
    """``finished_at`` is None while nodes may not start; without tables, an earlier run has finished it."""

    finished_at: str | None
    tables: tuple[TableReport, ...] = ()
    files: FilesReport = attrs.field(factory=FilesReport)


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
        """Copy the rows that are not there yet, and compare all of them."""
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
