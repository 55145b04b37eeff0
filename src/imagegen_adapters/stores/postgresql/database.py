"""PostgreSQL: its errors, its schema, and a pool of connections, over which calls are batched.

One table turns errors of asyncpg and of the server into storage errors. Messages never quote the server,
whose texts may contain values of rows, nor the address, which may contain a password. A refused statement is
reported by its SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

import asyncio
import logging
import math
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from operator import methodcaller
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import asyncpg
import attrs
import msgspec
from asyncpg.pool import PoolConnectionProxy

from imagegen_adapters.stores import DatabaseCode, MoveUnfinished, SchemaTooOld, SchemaUnusable, pending
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, StorageUnreachable

FOREIGN_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""All that asyncpg raises; `TimeoutError` is an `OSError`."""

ErrorRow = tuple[type[StorageError], DatabaseCode]
_UNREACHABLE: ErrorRow = StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE
_TOO_SLOW: ErrorRow = StorageUnreachable, DatabaseCode.DATABASE_TOO_SLOW
_CONFLICT: ErrorRow = StorageUnreachable, DatabaseCode.TRANSACTION_CONFLICT
_FAILED: ErrorRow = StorageError, DatabaseCode.SERVER_FAILED
_NO_ACCESS: ErrorRow = StorageUnreachable, DatabaseCode.SERVER_DENIES_ACCESS
_REFUSED: ErrorRow = StorageError, DatabaseCode.DATABASE_REFUSED

_REFUSALS = (
    *("03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25"),
    *("26", "27", "2B", "2D", "2F", "34", "38", "39", "3B", "42", "44", "54", "72", "HV", "P0"),
)
"""Classes of SQLSTATEs that a correct program does not cause."""

ROWS: dict[str, ErrorRow] = {
    **dict.fromkeys(_REFUSALS, _REFUSED),
    **dict.fromkeys(("08", "57"), _UNREACHABLE),
    **dict.fromkeys(("25P03", "57014"), _TOO_SLOW),
    **dict.fromkeys(("28", "3D", "3F", "42501"), _NO_ACCESS),
    **dict.fromkeys(("40", "55"), _CONFLICT),
    **dict.fromkeys(("58", "F0", "XX"), _FAILED),
    **dict.fromkeys(("XX001", "XX002"), (StorageBroken, DatabaseCode.DATABASE_DAMAGED)),
    "25006": (StorageUnreachable, DatabaseCode.SERVER_READ_ONLY),
    "53": (StorageUnreachable, DatabaseCode.DATABASE_TOO_BUSY),
    "53100": (StorageFull, DatabaseCode.DISK_OF_DATABASE_FULL),
}
"""By SQLSTATE or by its class, the first two characters; the longer key wins.

What an operator can repair, such as a revoked right, needs no restart of this process: tasks wait for it.
"""

CLIENT_ROWS: dict[type[Exception], ErrorRow] = {
    TimeoutError: _TOO_SLOW,
    ssl.SSLError: (StorageUnreachable, DatabaseCode.SERVER_TLS_FAILED),
    OSError: _UNREACHABLE,
    asyncpg.ClientConfigurationError: (StorageBroken, DatabaseCode.SERVER_DENIES_ACCESS),
    asyncpg.UnsupportedClientFeatureError: _REFUSED,
    asyncpg.UnsupportedServerFeatureError: _REFUSED,
    asyncpg.exceptions.TargetServerAttributeNotMatched: _UNREACHABLE,
    asyncpg.exceptions.OutdatedSchemaCacheError: _CONFLICT,
    asyncpg.DataError: _REFUSED,
    asyncpg.InterfaceError: _UNREACHABLE,
    asyncpg.InternalClientError: (StorageUnreachable, DatabaseCode.DRIVER_FAILED),
    asyncpg.PostgresError: _FAILED,
}
"""Errors without SQLSTATE; the first matching class wins.

A lost connection raises an interface error, or an internal error in the middle of a statement. Any other
internal error is a defect, of the driver or its use, so its text is logged.
"""

_REFUSES_TLS = "rejected SSL upgrade"

_log = logging.getLogger(__name__)


@contextmanager
def storage_errors() -> Iterator[None]:
    try:
        yield
    except FOREIGN_ERRORS as error:
        raise storage_error(error) from error


def storage_error(error: Exception) -> StorageError:
    state = getattr(error, "sqlstate", None) or ""
    by_class = (row for kind, row in CLIENT_ROWS.items() if isinstance(error, kind))
    kind, code = ROWS.get(state) or ROWS.get(state[:2]) or next(by_class, _FAILED)
    if type(error) is ConnectionError and _REFUSES_TLS in str(error):  # asyncpg has no class for it
        kind, code = StorageUnreachable, DatabaseCode.SERVER_WITHOUT_TLS
    if code is DatabaseCode.DRIVER_FAILED:
        _log.warning("the driver of the database failed", extra={"reason": str(error)})
    return kind(code(detail=state or type(error).__name__) if code.placeholders else code())


# ---------------------------------------------------------------- connections

_POSITIVE = attrs.validators.gt(0.0)


@attrs.frozen(kw_only=True)
class ConnectionPolicy:
    """Limits of a pool of connections; no time-out can be switched off.

    Without them, a client that is frozen in a transaction would keep its row locks. No other node could
    rescue its task. ``connect_seconds`` limits the wait for a new connection, and for a free one. Client and
    server cancel a statement after ``command_timeout_seconds``.
    """

    max_connections: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    connect_seconds: float = attrs.field(default=5.0, validator=_POSITIVE)
    command_timeout_seconds: float = attrs.field(default=10.0, validator=_POSITIVE)
    idle_in_transaction_seconds: float = attrs.field(default=5.0, validator=_POSITIVE)

    @property
    def server_settings(self) -> dict[str, str]:
        """The server's own time-outs are needed: a cancellation that arrives before its statement is lost.

        That statement would then keep its locks for nobody. Two settings make times ISO 8601 in UTC, since
        they travel as text. Compiling (``jit``) would take longer than any statement of ours.
        """
        return {
            "application_name": "imagegen",
            "client_connection_check_interval": "1000",
            "DateStyle": "ISO",
            "TimeZone": "UTC",
            "idle_in_transaction_session_timeout": f"{math.ceil(self.idle_in_transaction_seconds * 1000)}",
            "jit": "off",
            "statement_timeout": f"{math.ceil(self.command_timeout_seconds * 1000)}",
        }


DEFAULT_POLICY = ConnectionPolicy()

# ---------------------------------------------------------------- the schema

FOLDER = Path(__file__).with_name("schema")

BASELINE = "0015_settings"
"""The schema of the files below; a database whose last migration has this name has all of it."""

_BASELINE_FILES = ("tables", "tasks", "search", "images", "cluster")

MIN_SERVER_VERSION = 15
"""The oldest version that the tests run on."""

_LOCK = 0x696D6167656E
"""The advisory lock of processes that migrate: "imagen" in ASCII."""

_SERVER = """
SELECT current_setting('server_version_num')::int / 10000 AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('transaction_read_only')::bool AS read_only,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS can_create,
    to_regclass('schema_migrations') IS NOT NULL AS has_schema
"""

_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text COLLATE "C" PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@cache
def migrations() -> dict[str, str]:
    """Return the SQL of the baseline and of each later file, by name; none is ever edited."""
    later = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("0*.sql"))}
    baseline = "\n".join((FOLDER / f"{name}.sql").read_text("utf-8") for name in _BASELINE_FILES)
    return {BASELINE: baseline, **later}


async def migrate(connection: Any, *, applying: bool = True) -> None:
    """Apply all pending migrations in one transaction; what is refused writes nothing.

    Refused is a schema that is newer, older than the baseline or, unless ``applying``, outdated. So is a
    server that is too old, read-only or without rights.
    """
    server = await connection.fetchrow(_SERVER)
    if server["version"] < MIN_SERVER_VERSION:
        reason = DatabaseCode.SERVER_TOO_OLD(version=server["version"], minimum=MIN_SERVER_VERSION)
        raise SchemaUnusable(reason)
    if server["encoding"] != "UTF8":
        raise SchemaUnusable(DatabaseCode.ENCODING_NOT_UTF8(encoding=server["encoding"]))
    if server["read_only"]:
        raise StorageUnreachable(DatabaseCode.SERVER_READ_ONLY())
    if server["has_schema"] and not await _pending(connection):
        return
    if not applying:
        raise SchemaTooOld(DatabaseCode.SCHEMA_TOO_OLD())
    if not server["can_create"]:
        raise SchemaUnusable(DatabaseCode.SERVER_DENIES_SCHEMA())
    async with connection.transaction():
        # Serialises processes that start at the same time; another one may have migrated meanwhile.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_CREATE)
        for name in await _pending(connection):
            await connection.execute(migrations()[name])
            await connection.execute("INSERT INTO schema_migrations (name) VALUES ($1)", name)


async def _pending(connection: Any) -> list[str]:
    applied = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
    return pending(applied, migrations(), BASELINE)


# ---------------------------------------------------------------- the database

_IS_UNFINISHED = "SELECT EXISTS (SELECT FROM moves WHERE finished_at IS NULL)"

_SET_CODEC = methodcaller(
    "set_type_codec", "timestamptz", schema="pg_catalog", encoder=str, decoder=str, format="text"
)

Row: TypeAlias = asyncpg.Record
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


class Database:
    """A pool of connections for one event loop; as in SQLite, times and JSON are text in its rows."""

    def __init__(self, dsn: str, pool: "asyncpg.Pool[asyncpg.Record]", policy: ConnectionPolicy) -> None:
        self._dsn = dsn
        self._pool = pool
        self._policy = policy

    @classmethod
    async def open(
        cls,
        dsn: str,
        policy: ConnectionPolicy = DEFAULT_POLICY,
        *,
        migrating: bool = True,
        incomplete: bool = False,
    ) -> "Database":
        """Connect and migrate, or only check the schema; only a move opens an ``incomplete`` database."""
        with storage_errors():
            async with open_connection(dsn, policy) as connection:
                await migrate(connection, applying=migrating)
                if not incomplete and await connection.fetchval(_IS_UNFINISHED):
                    raise MoveUnfinished(DatabaseCode.MOVE_UNFINISHED())
            pool = asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=policy.max_connections,
                command_timeout=policy.command_timeout_seconds,
                init=_SET_CODEC,
                reset=_keep_session,
                timeout=policy.connect_seconds,
                server_settings=policy.server_settings,
            )
            return cls(dsn, await pool, policy)

    @property
    def is_closed(self) -> bool:
        return self._pool.is_closing()

    @asynccontextmanager
    async def own_connection(self, **settings: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Open a private connection with further settings, until the block ends."""
        async with open_connection(self._dsn, self._policy, **settings) as connection:
            try:
                yield connection
            finally:
                connection.terminate()  # at once, also where the server does not answer any more

    @classmethod
    @asynccontextmanager
    async def rehearsal(cls, dsn: str, policy: ConnectionPolicy = DEFAULT_POLICY) -> AsyncIterator[Any]:
        """Lend a connection to the database as `open` would leave it; everything is rolled back."""
        async with open_connection(dsn, policy) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await migrate(connection)
                yield connection
            finally:
                await transaction.rollback()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; each statement is a transaction."""
        if self.is_closed:
            raise StorageError(DatabaseCode.DATABASE_CLOSED())
        with storage_errors():
            async with self._pool.acquire(timeout=self._policy.connect_seconds) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection for one transaction; an exception rolls it back."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Lend a connection for reads of one snapshot."""
        async with (
            self.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def rows(self, statement: str, *values: Any) -> list[Row]:
        async with self.connection() as connection:
            return await connection.fetch(statement, *values)

    async def row(self, statement: str, *values: Any) -> Row | None:
        async with self.connection() as connection:
            return await connection.fetchrow(statement, *values)

    async def close(self) -> None:
        """Wait for running statements, at most as long as one may take, and close all connections."""
        with storage_errors():
            try:
                await asyncio.wait_for(self._pool.close(), self._policy.command_timeout_seconds)
            except TimeoutError:
                self._pool.terminate()


@asynccontextmanager
async def open_connection(dsn: str, policy: ConnectionPolicy, **settings: str) -> AsyncIterator[Any]:
    """Open a connection until the block ends; errors of asyncpg in it become storage errors."""
    with storage_errors():
        connection = await asyncpg.connect(
            dsn,
            timeout=policy.connect_seconds,
            command_timeout=policy.command_timeout_seconds,
            server_settings=policy.server_settings | settings,
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=policy.connect_seconds)


async def _keep_session(_connection: Any) -> None:
    """Reset nothing: settings of a transaction end with it, and each loan saves a round trip."""


async def installation_id(database: Database) -> str:
    """Return the id by which all nodes own the prefix of their bucket."""
    async with database.connection() as connection:
        return await read_installation_id(connection)


async def read_installation_id(connection: Any) -> str:
    return str(await connection.fetchval("SELECT id FROM installation"))


# ---------------------------------------------------------------- arguments and calls


def json_argument(value: Any) -> str:
    """Return rows as JSON, in which JSON columns are strings; lone surrogates are refused."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError as error:
        raise StorageError(DatabaseCode.DATABASE_REFUSED(detail=type(error).__name__)) from error


MAX_BATCH_CALLS = 256

MAX_BATCH_CHARACTERS = 4 * 1024 * 1024
"""A longer call is a batch of its own."""

R = TypeVar("R")


_Calls: TypeAlias = list[tuple[str, asyncio.Future[R]]]
"""Arguments, each with the future of its row."""


class Batches(Generic[R]):
    """Collects calls that arrive while the database is busy into batches, one at a time.

    ``run`` passes the arguments of a batch to the database, in one transaction, and returns as many rows.
    """

    def __init__(self, run: Callable[[Sequence[str]], Awaitable[Sequence[R]]]) -> None:
        self._run = run
        self._waiting: deque[tuple[str, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def call(self, argument: str) -> R:
        """Return the row once its transaction is durable; a cancelled caller cannot know whether it ran."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((argument, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run_all(), name="batches")
        return await future

    async def _run_all(self) -> None:
        batch: _Calls[R] = []
        try:
            while batch := self._next_batch():
                await self._deliver(batch)
        finally:  # with the event loop, too; then nobody waits forever
            self._running = None
            _fail([*batch, *self._waiting], StorageError(DatabaseCode.DATABASE_STOPPED()))
            self._waiting.clear()

    def _next_batch(self) -> _Calls[R]:
        """Return the oldest calls, without those of cancelled callers."""
        batch: _Calls[R] = []
        characters = 0
        while self._waiting and len(batch) < MAX_BATCH_CALLS:
            argument, future = self._waiting[0]
            if not future.cancelled():
                characters += len(argument)
                if batch and characters > MAX_BATCH_CHARACTERS:
                    break
                batch.append((argument, future))
            self._waiting.popleft()
        return batch

    async def _deliver(self, batch: _Calls[R]) -> None:
        """Run a batch; if it is refused, run its calls one by one, so that only the refused ones fail."""
        try:
            rows = await self._run([argument for argument, _ in batch])
            results = [*zip(batch, rows, strict=True)]  # of another number, they may be those of others
        except StorageError as error:
            if len(batch) == 1 or error.reason.code is not DatabaseCode.DATABASE_REFUSED:
                _fail(batch, error)
                return
            for call in batch:
                await self._deliver([call])
        except Exception as error:  # noqa: BLE001 - a defect; its callers must not wait forever
            _log.exception("a batch of database calls failed")
            _fail(batch, StorageError(DatabaseCode.DATABASE_STOPPED()), error)
        else:
            for (_, future), row in results:
                if not future.done():
                    future.set_result(row)


def _fail(batch: _Calls[R], error: StorageError, cause: Exception | None = None) -> None:
    for _, future in batch:
        if not future.done():
            # A separate exception for each caller, since each raise extends the traceback.
            failure = type(error)(error.reason)
            failure.__cause__ = cause or error
            future.set_exception(failure)
