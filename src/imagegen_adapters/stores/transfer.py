"""Copies the tables of a data directory to PostgreSQL; it can be resumed, and both ends are compared."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from imagegen_adapters.stores.gallery import SqlGallery, row_to_image
from imagegen_adapters.stores.rows import from_timestamp, to_json, to_timestamp
from imagegen_adapters.stores.search import folding_version
from imagegen_adapters.stores.sql import PostgresqlSql, Sql
from imagegen_adapters.system import simplify
from imagegen_core.errors import ImagegenError
from imagegen_core.images import StorageState
from imagegen_core.messages import MessageCode
from imagegen_core.search import fold
from imagegen_core.values import valid_json, valid_text

if TYPE_CHECKING:  # the table of messages is also loaded where asyncpg is not installed
    from imagegen_adapters.stores.postgresql.database import Connection, Database

Rows = list[tuple[Any, ...]]

Progress = Callable[[str, int, int], None]
"""Called with what is being copied, how much of it is done, and how much there is."""


class MoveError(ImagegenError):
    """A data directory was not moved, or not completely."""


class MoveCode(MessageCode, words="imagegen_adapters"):
    """What prevents a move, or what it found at its end."""


@attrs.frozen(kw_only=True)
class Table:
    """A table and its key, in whose order it is copied and compared.

    The database numbers the rows of a ``numbered`` table. ``changing`` columns are changed by the move later,
    so they are not compared; triggers fill the ``counted`` ones, so they are not copied.
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
    Table(name="batches", key=("seq",), numbered=True),
    Table(name="batch_plans", key=("batch_id",)),
    Table(name="batch_costs", key=("batch_id", "basis", "currency")),
    Table(name="batch_jobs", key=("seq",), numbered=True),
    Table(name="tasks", key=("seq",), numbered=True),
    Table(name="idempotency_keys", key=("scope", "key")),
    Table(name="attempts", key=("seq",), numbered=True),
    IMAGES,
    Table(name="tags", key=("id",), numbered=True, counted=frozenset({"images"})),
    Table(name="image_tags", key=("image_id", "tag_id")),
    Table(name="collections", key=("id",), numbered=True, counted=frozenset({"images"})),
    Table(name="collection_images", key=("collection_id", "image_id")),
    Table(name="trash", key=("seq",), numbered=True, changing=frozenset({"storage"})),
    Table(name="trash_lineage", key=("parent_id", "child_id")),
    Table(name="outbox", key=("id",), numbered=True),
    Table(name="events", key=("id",), numbered=True),
    Table(name="webhooks", key=("id",), numbered=True),
    Table(name="webhook_deliveries", key=("id",), numbered=True),
    Table(name="usage_totals", key=("quarter", "provider_name", "model_id", "currency")),
)
"""Referenced tables come first. All other tables of SQLite are derived from these."""

_MAX_INTEGER = 2**31 - 1


@attrs.frozen
class Column:
    """A column of a table in PostgreSQL; ``type`` is its name in ``information_schema``."""

    name: str
    type: str

    def from_sqlite(self, value: Any) -> Any:
        convert = _FROM_SQLITE.get(self.type)
        return value if value is None or convert is None else convert(value)

    def from_postgresql(self, value: Any) -> Any:
        return _moment(value) if value is not None and self.type == _MOMENT else value


_MOMENT = "timestamp with time zone"


def _moment(text: str) -> str:
    return to_timestamp(from_timestamp(text))


def _integer(value: int) -> int:
    if abs(value) > _MAX_INTEGER:
        raise ValueError(value)
    return value


def _json(text: str) -> str:
    """Return valid JSON unchanged; NaN and plain text, which earlier versions stored, become valid."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeEncodeError):  # it refuses half of a surrogate pair, too
        constants: list[str] = []
        try:
            value = json.loads(text, parse_constant=constants.append)
        except ValueError:
            return to_json(text)
        return to_json(valid_json(value)) if constants else text
    return text


_FROM_SQLITE: Mapping[str, Callable[[Any], Any]] = {
    "text": valid_text,
    "json": _json,
    "boolean": bool,
    "integer": _integer,
    _MOMENT: _moment,
}

# ---------------------------------------------------------------- both ends

_ROWS_PER_BATCH = 500
"""Rows per transaction: what a kill costs, and what is in memory at once."""


@attrs.frozen(kw_only=True)
class TableReport:
    """A table that both databases hold equally; ``sha256`` is the checksum of its rows."""

    name: str
    rows: int
    sha256: str


class Side:
    """One end of a move; ``convert`` returns a value in the form in which it is inserted."""

    def __init__(self, sql: Sql, convert: Callable[[Column, Any], Any]) -> None:
        self.sql = sql
        self.convert = convert

    async def count(self, table: Table) -> int:
        ((count,),) = await self.sql.rows(f"SELECT count(*) FROM {table.name}")  # noqa: S608 - a name of our schema
        return int(count)

    async def rows(self, table: Table, columns: Sequence[Column], after: Sequence[Any] | None) -> Rows:
        """Return the next rows after the key ``after``, as the target is to hold them."""
        names, key = ", ".join(column.name for column in columns), ", ".join(table.key)
        condition = f"WHERE ({key}) > ({', '.join(f':{name}' for name in table.key)})" if after else ""
        page = f"SELECT {names} FROM {table.name} {condition} ORDER BY {key} LIMIT {_ROWS_PER_BATCH}"  # noqa: S608 - as above
        rows = await self.sql.rows(page, **dict(zip(table.key, after or (), strict=False)))
        return [self._converted(table, columns, row) for row in rows]

    async def digest(self, table: Table, columns: Sequence[Column]) -> TableReport:
        """Return the checksum of all rows; `repr` tells values of different types apart."""
        sha256, count, after = hashlib.sha256(), 0, None
        while rows := await self.rows(table, columns, after):
            for row in rows:
                sha256.update(repr(row).encode("utf-8", "surrogatepass"))
            count, after = count + len(rows), key_of(table, columns, rows[-1])
        return TableReport(name=table.name, rows=count, sha256=sha256.hexdigest())

    def _converted(self, table: Table, columns: Sequence[Column], row: Sequence[Any]) -> tuple[Any, ...]:
        values = []
        for column, value in zip(columns, row, strict=True):
            try:
                values.append(self.convert(column, value))
            except (ValueError, TypeError) as error:
                key = ", ".join(str(v) for c, v in zip(columns, row, strict=True) if c.name in table.key)
                reason = MoveCode.ROW_UNUSABLE(table=table.name, key=key, column=column.name)
                raise MoveError(reason) from error
        return tuple(values)


def key_of(table: Table, columns: Sequence[Column], row: Sequence[Any]) -> tuple[Any, ...]:
    values = {column.name: value for column, value in zip(columns, row, strict=True)}
    return tuple(values[name] for name in table.key)


# ---------------------------------------------------------------- the source

_COUNTS = ", ".join(f"(SELECT count(*) FROM {table.name})" for table in TABLES)  # noqa: S608 - names of our schema

_CONTENTS = f"""
SELECT {_COUNTS}, (SELECT max(task_id) FROM tasks), (SELECT max(updated_at) FROM attempts),
    (SELECT max(updated_at) FROM provider_configs), (SELECT max(answered_at) FROM idempotency_keys),
    (SELECT value FROM counters WHERE name = 'marks_changed')
"""  # noqa: S608 - as above


class Source(Side):
    """The tables of a data directory, which are only read."""

    def __init__(self, sql: Sql) -> None:
        super().__init__(sql, Column.from_sqlite)

    async def fingerprint(self) -> str:
        """Return a hash that changes whenever a service changes the data directory."""
        contents, sequences = [
            [tuple(row) for row in await self.sql.rows(statement)]
            for statement in (_CONTENTS, "SELECT name, seq FROM sqlite_sequence ORDER BY name")
        ]
        return hashlib.sha256(to_json([contents, sequences]).encode()).hexdigest()

    async def columns(self, table: Table) -> frozenset[str]:
        rows = await self.sql.rows("SELECT name FROM pragma_table_info(:name)", name=table.name)
        return frozenset(row["name"] for row in rows)

    async def highest(self, table: Table) -> int:
        """Return the highest number that the table has ever assigned."""
        highest = f"""
        SELECT max(coalesce((SELECT max({table.key[0]}) FROM {table.name}), 0),
            coalesce((SELECT seq FROM sqlite_sequence WHERE name = :name), 0), 0)
        """  # noqa: S608 - as above
        ((number,),) = await self.sql.rows(highest, name=table.name)
        return int(number)


# ---------------------------------------------------------------- the target

_HAS_ROWS = f"SELECT {' OR '.join(f'EXISTS (SELECT FROM {table.name})' for table in TABLES)}"  # noqa: S608 - as above

_CREATE_INDEX = """
CREATE INDEX IF NOT EXISTS image_texts_tokens ON image_texts
USING gin (image_tokens(id, folded, provider_name, model_id, operation))
WITH (gin_pending_list_limit = 256)
"""
"""As in the schema. Building it once is several times as fast as adding image after image."""

_COLUMNS = """
SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position
"""

_INSERT_TEXTS = """
INSERT INTO image_texts (id, created_at, provider_name, model_id, operation, folded, folding)
SELECT id, created_at::timestamptz, provider_name, model_id, operation, folded, $7
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS entries (id, created_at, provider_name, model_id, operation, folded)
"""

_CONTINUE_AT = "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, 1), $3::bigint > 0)"


@attrs.frozen(kw_only=True)
class MoveState:
    """How far an earlier run came; ``images_through`` is the last image whose files were checked."""

    images_through: int = 0
    finished_at: str | None = None


class Target(Side):
    """The tables of an open database, and its images."""

    def __init__(self, database: "Database", inventory: SqlGallery) -> None:
        super().__init__(PostgresqlSql(database), Column.from_postgresql)
        self.database = database
        self.inventory = inventory

    async def begin(self, source: str) -> MoveState:
        """Mark the database as that of an unfinished move, or return the state of an earlier run."""
        async with self.database.transaction() as connection:
            state = await earlier_state(connection, source)
            if state is None:
                await connection.execute("INSERT INTO moves (source) VALUES ($1)", source)
                await connection.execute("DROP INDEX image_texts_tokens")
        return state or MoveState()

    async def last_key(self, table: Table) -> tuple[Any, ...] | None:
        """Return the highest key of a table, up to which its rows have been copied."""
        order = ", ".join(f"{name} DESC" for name in table.key)
        last = f"SELECT {', '.join(table.key)} FROM {table.name} ORDER BY {order} LIMIT 1"  # noqa: S608 - as above
        row = await self.database.row(last)
        return None if row is None else tuple(row)

    async def insert(self, table: Table, columns: Sequence[Column], rows: Rows) -> None:
        """Insert rows, all or none; images together with their entries in the search index."""
        names = ", ".join(column.name for column in columns)
        as_text = {_MOMENT, "json"}
        arrays = ", ".join(
            f"${n}::{'text' if column.type in as_text else column.type}[]"
            for n, column in enumerate(columns, 1)
        )
        values = ", ".join(f"{column.name}::{column.type}" for column in columns)
        source = f"SELECT {values} FROM unnest({arrays}) AS source ({names})"  # noqa: S608 - as above
        statement = f"INSERT INTO {table.name} ({names}) OVERRIDING SYSTEM VALUE {source}"
        async with self.database.transaction() as connection:
            await connection.execute(statement, *zip(*rows, strict=True))
            if table is IMAGES:
                entries = zip(*map(_index_entry, rows), strict=True)
                await connection.execute(_INSERT_TEXTS, *entries, folding_version(simplify))

    async def continue_at(self, table: Table, number: int) -> None:
        """Let the next row of a table get a higher number than this."""
        await self.database.rows(_CONTINUE_AT, table.name, table.key[0], number)

    async def index_images(self) -> None:
        """Build the search index, unless an earlier run has, and the statistics of all tables."""
        async with self.database.connection() as connection:
            # With the default of 64 MB it would be written in more parts.
            await connection.execute("SET maintenance_work_mem = '256MB'")
            await connection.execute(_CREATE_INDEX)
            await connection.execute("RESET maintenance_work_mem; ANALYZE")

    async def set_storage(
        self, image_ids: Iterable[int], state: StorageState, *, through: int | None = None
    ) -> None:
        """Record where images are, and through which id the files of all images were checked."""
        setting = "UPDATE images SET storage = $2 WHERE id = ANY ($1::bigint[])"
        async with self.database.transaction() as connection:
            await connection.execute(setting, list(image_ids), state.value)
            if through is not None:
                await connection.execute("UPDATE moves SET images_through = $1", through)

    async def removals(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of the keys whose blobs are about to be removed."""
        selecting = "SELECT blob_key FROM outbox WHERE kind = 'remove' AND blob_key = ANY (:keys::text[])"
        return frozenset(row["blob_key"] for row in await self.sql.rows(selecting, keys=list(keys)))

    async def trashed(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of the keys whose images are in the trash."""
        selecting = "SELECT blob_key FROM trash WHERE blob_key = ANY (:keys::text[])"
        return frozenset(row["blob_key"] for row in await self.sql.rows(selecting, keys=list(keys)))

    async def task_ids(self, candidates: Iterable[str]) -> frozenset[str]:
        selecting = "SELECT task_id FROM tasks WHERE task_id = ANY (:ids::text[])"
        return frozenset(row["task_id"] for row in await self.sql.rows(selecting, ids=list(candidates)))

    async def finish(self) -> str:
        """Let nodes start on the database; return the time of that. Files of the trash have been copied."""
        await self.database.rows("UPDATE trash SET storage = $1", StorageState.ARCHIVE.value)
        finishing = "UPDATE moves SET finished_at = now() RETURNING finished_at"
        ((finished_at,),) = await self.database.rows(finishing)
        return str(finished_at)


def _index_entry(row: Sequence[Any]) -> tuple[Any, ...]:
    image = row_to_image(row)
    values = (image.provider_name, image.model_id, image.operation.value)
    return image.id, to_timestamp(image.created_at), *values, fold(image.prompt, simplify)


async def earlier_state(connection: "Connection", source: str) -> MoveState | None:
    """Return the state of an earlier run, None if the database is empty; refuse any other database."""
    row = await connection.fetchrow("SELECT source, images_through, finished_at FROM moves")
    if row is None:
        if await connection.fetchval(_HAS_ROWS):
            raise MoveError(MoveCode.TARGET_NOT_EMPTY())
        if await connection.fetchval("SELECT EXISTS (SELECT FROM nodes)"):
            raise MoveError(MoveCode.NODES_ON_TARGET())
        return None
    if row["source"] != source:
        raise MoveError(MoveCode.TARGET_OF_ANOTHER())
    return MoveState(images_through=row["images_through"], finished_at=row["finished_at"])


async def columns_of(connection: "Connection", table: Table) -> list[Column]:
    return [Column(row["name"], row["type"]) for row in await connection.fetch(_COLUMNS, table.name)]


async def copy_table(source: Source, target: Target, table: Table, progress: Progress) -> TableReport:
    """Copy the rows that the target lacks, in the order of their keys, then compare all of them."""
    names = await source.columns(table) - table.counted
    async with target.database.connection() as connection:
        columns = [column for column in await columns_of(connection, table) if column.name in names]
    total, done = await source.count(table), await target.count(table)
    after = await target.last_key(table)
    while rows := await source.rows(table, columns, after):
        await target.insert(table, columns, rows)
        after, done = key_of(table, columns, rows[-1]), done + len(rows)
        progress(table.name, done, total)
    if table.numbered:
        await target.continue_at(table, await source.highest(table))
    compared = [column for column in columns if column.name not in table.changing]
    report = await source.digest(table, compared)
    if report != await target.digest(table, compared):
        raise MoveError(MoveCode.ROWS_DIFFER(table=table.name))
    return report
