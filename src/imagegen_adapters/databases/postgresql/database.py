"""The database as the adapters use it: a pool of connections whose errors are storage errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.postgresql.errors import storage_errors
from imagegen_adapters.databases.postgresql.migrations import check_schema, migrate
from imagegen_adapters.databases.postgresql.moves import check_complete
from imagegen_adapters.databases.postgresql.policy import DEFAULT_POLICY, ConnectionPolicy
from imagegen_core.errors import StorageError

Row: TypeAlias = asyncpg.Record
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


class Database:
    """A pool of connections, returned by `open`, for one event loop.

    Columns of type ``timestamptz`` are read and written as the text of `to_timestamp`, and those of type
    ``json`` are text anyway: so rows are converted by the same functions as those of SQLite.
    """

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
        """Connect to the server and migrate the schema; without ``migrating``, check it.

        Only the move of a data directory opens an ``incomplete`` database, to go on filling it.

        Raises:
            MoveUnfinished: the move of a data directory into the database has not finished.
            SchemaTooOld: migrations are pending, which are not to be applied.
            SchemaTooNew: the database is from a newer version of imagegen.
            SchemaUnusable: its encoding, its server's version or this user's rights do not do.
            StorageUnreachable: the server does not answer, or is a standby.
            StorageError: it refuses the connection.
        """
        with storage_errors():
            async with _connection(dsn, policy) as connection:
                await (migrate if migrating else check_schema)(connection)
                if not incomplete:
                    await check_complete(connection)
            pool = asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=policy.max_connections,
                command_timeout=policy.command_timeout_seconds,
                init=_set_codecs,
                reset=_keep_session,
                timeout=policy.connect_seconds,
                server_settings=policy.server_settings,
            )
            return cls(dsn, await pool, policy)

    @property
    def is_closed(self) -> bool:
        """Whether it lends no connection any more."""
        return self._pool.is_closing()

    @asynccontextmanager
    async def own_connection(self, **settings: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Open a connection that nobody else gets, with further settings of its session, until the body ends.

        Raises:
            StorageError: as `connection`, and for what asyncpg raises in the body.
        """
        with storage_errors():
            connection = await asyncpg.connect(
                self._dsn,
                timeout=self._policy.connect_seconds,
                command_timeout=self._policy.command_timeout_seconds,
                server_settings=self._policy.server_settings | settings,
            )
            try:
                yield connection
            finally:
                connection.terminate()  # at once, also where the server does not answer any more

    @classmethod
    @asynccontextmanager
    async def rehearsal(cls, dsn: str, policy: ConnectionPolicy = DEFAULT_POLICY) -> AsyncIterator[Any]:
        """Lend a connection to the database as `open` would leave it; nothing is stored of that, or by it.

        Raises:
            StorageError: as `open`.
        """
        with storage_errors():
            async with _connection(dsn, policy) as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    await migrate(connection)
                    yield connection
                finally:
                    await transaction.rollback()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection, each statement of which is a transaction.

        Raises:
            StorageError: the database is closed; for others see `errors`.
        """
        if self.is_closed:
            raise StorageError(DatabaseCode.DATABASE_CLOSED())
        with storage_errors():
            async with self._pool.acquire(timeout=self._policy.connect_seconds) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection whose statements are one transaction; an exception rolls it back."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Lend a connection whose statements see the same state, and write nothing."""
        async with (
            self.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def rows(self, statement: str, *values: Any) -> list[Row]:
        """Run a statement as a transaction and return its rows."""
        async with self.connection() as connection:
            return await connection.fetch(statement, *values)

    async def row(self, statement: str, *values: Any) -> Row | None:
        """Run a statement as a transaction and return its first row."""
        async with self.connection() as connection:
            return await connection.fetchrow(statement, *values)

    async def close(self) -> None:
        """Wait for the statements that run, at most as long as one may take, and close all connections."""
        with storage_errors():
            try:
                await asyncio.wait_for(self._pool.close(), self._policy.command_timeout_seconds)
            except TimeoutError:
                self._pool.terminate()


@asynccontextmanager
async def _connection(dsn: str, policy: ConnectionPolicy) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(
        dsn,
        timeout=policy.connect_seconds,
        command_timeout=policy.command_timeout_seconds,
        server_settings=policy.server_settings,
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=policy.connect_seconds)


async def _set_codecs(connection: Any) -> None:
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=str, decoder=str, format="text"
    )


async def _keep_session(_connection: Any) -> None:
    """Change nothing: what a transaction sets ends with it, so each loan is a round trip shorter."""
