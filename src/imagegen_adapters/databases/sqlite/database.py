"""The database as the adapters use it: asynchronous reads and writes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.sqlite.connections import open_reader, open_writer
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.errors import DatabaseUnusable, storage_error
from imagegen_adapters.databases.sqlite.readers import Readers
from imagegen_adapters.databases.sqlite.version import check_sqlite
from imagegen_adapters.databases.sqlite.watchdog import DEFAULT_WAL_LIMITS, WalLimits, Watchdog
from imagegen_adapters.databases.sqlite.writer import Writer
from imagegen_core.errors import StorageError

DEFAULT_READ_SECONDS = 30.0
"""The default deadline of a read. A longer read would keep the write-ahead log from being checkpointed."""

_READERS = {"threads": 3, "cache_kib": 4_000}
_SEARCHERS = {"threads": 2, "cache_kib": 32_000}
"""Searches are bound by the CPU, so more of them only slow each other down; they visit many pages."""

_PROBE = {"threads": 1, "cache_kib": 200}

T = TypeVar("T")


class Database:
    """One SQLite file with a single writer and separate readers for reads, searches and probes.

    Returned by `open`. Every function passed in runs in another thread with a `sqlite3.Connection` whose rows
    are `sqlite3.Row`. It must be quick, fetch all rows that it selects, neither begin nor commit a
    transaction, and not retain the connection.
    """

    def __init__(
        self, path: Path, *, writer: Writer | None, readers: Readers, searchers: Readers, probes: Readers
    ) -> None:
        self.path = path
        self._writer = writer
        self._readers = readers
        self._searchers = searchers
        self._probes = probes

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, wal_limits: WalLimits = DEFAULT_WAL_LIMITS
    ) -> "Database":
        """Open the file and migrate its schema; blocking, for the start of a program.

        ``read_only`` changes nothing and needs no lock on the data directory; the file must exist.

        Raises:
            SchemaTooNew: the database is from a newer version of imagegen.
            SchemaTooOld: it is opened read-only, and migrations are pending.
            SqliteTooOld: this version of SQLite is not supported.
            StorageError: the database cannot be opened.
        """
        check_sqlite()
        try:
            return cls._open_read_only(path) if read_only else cls._open_writable(path, wal_limits)
        except sqlite3.Error as error:
            raise storage_error(error) from error
        except PermissionError as error:
            raise DatabaseUnusable(DatabaseCode.DATABASE_FILE_UNUSABLE(detail=str(error.strerror))) from error
        except OSError as error:
            raise StorageError(DatabaseCode.DATABASE_FILE_NOT_MADE(detail=str(error.strerror))) from error

    @classmethod
    def _open_read_only(cls, path: Path) -> "Database":
        from imagegen_adapters.databases.migrations import check_schema  # it imports this package

        connection = open_reader(path)
        try:
            check_schema(connection)
        finally:
            connection.close()
        return cls(path, writer=None, **_reader_pools(path))

    @classmethod
    def _open_writable(cls, path: Path, limits: WalLimits) -> "Database":
        from imagegen_adapters.databases.migrations import migrate  # the same

        connection = open_writer(path)
        try:
            migrate(connection)
        except BaseException:  # interrupted too, nobody else can close it
            connection.close()
            raise
        pools = _reader_pools(path)
        watchdog = Watchdog(path.with_name(path.name + "-wal"), tuple(pools.values()), limits)
        return cls(path, writer=Writer(connection, after_batch=watchdog), **pools)

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded and there has been no input/output error since the start."""
        return self._writer is None or self._writer.healthy

    @property
    def writer(self) -> Writer:
        """What runs functions in a transaction.

        Raises:
            StorageError: the database was opened for reading only.
        """
        if self._writer is None:
            raise StorageError(DatabaseCode.DATABASE_READ_ONLY())
        return self._writer

    async def read(
        self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float = DEFAULT_READ_SECONDS
    ) -> T:
        """Run ``fn`` on a snapshot that includes everything written before this call.

        Raises:
            Unavailable: it took longer than ``deadline_seconds``, including the wait for a reader.
            StorageError: the file cannot be read.
        """
        return await self._readers.read(fn, deadline_seconds=deadline_seconds)

    async def search(self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float) -> T:
        """Like `read`, for queries that are bound by the CPU; they never delay a `read`.

        Raises:
            Unavailable: it took longer than ``deadline_seconds``, including the wait for a reader.
            StorageError: the file cannot be read.
        """
        return await self._searchers.read(fn, deadline_seconds=deadline_seconds)

    async def probe(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Like `read`, for health checks, which must not queue behind other reads.

        Raises:
            Unavailable: it took longer than `DEFAULT_READ_SECONDS`.
            StorageError: the file cannot be read.
        """
        return await self._probes.read(fn, deadline_seconds=DEFAULT_READ_SECONDS)

    async def close(self) -> None:
        """Finish pending writes, checkpoint and close. May be called twice."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Like `close`, for programs without an event loop."""
        for pool in (self._readers, self._searchers, self._probes):
            pool.close()
        if self._writer is not None:
            self._writer.close()


def _reader_pools(path: Path) -> dict[str, Readers]:
    """Return the pools of read-only connections, which are opened on their first use."""
    pools = {"readers": _READERS, "searchers": _SEARCHERS, "probes": _PROBE}
    return {name: Readers(path, **sizes) for name, sizes in pools.items()}
