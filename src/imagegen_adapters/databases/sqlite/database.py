"""The database as the adapters use it: await a write, await a read."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.databases.sqlite.connections import open_reader, open_writer
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.errors import DatabaseUnusable, storage_error
from imagegen_adapters.databases.sqlite.readers import Readers
from imagegen_adapters.databases.sqlite.version import check_sqlite
from imagegen_adapters.databases.sqlite.watchdog import DEFAULT_WAL_LIMITS, WalLimits, Watchdog
from imagegen_adapters.databases.sqlite.writer import Writer
from imagegen_core.errors import StorageError

DEFAULT_READ_SECONDS = 30.0
"""How long a read may take unless it says otherwise; a longer one would pin the write-ahead log."""

_READERS = {"most": 3, "cache_kib": 4_000}
_SEARCHERS = {"most": 2, "cache_kib": 32_000}
"""Searches keep processors busy, so more at once slow one another down; they go through many pages."""

_PROBE = {"most": 1, "cache_kib": 200}

T = TypeVar("T")


class Database:
    """One SQLite file with a single writer, a few readers, two for searches, one for probes; made by `open`.

    Every function that is passed in runs on another thread with a `sqlite3.Connection` whose rows are
    `sqlite3.Row`. It must be quick, must fetch all rows that it selects, must neither begin nor commit
    anything, and must not keep the connection.
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
        """Open the file and bring its schema up to date; blocks, so it belongs to the start of a program.

        ``read_only`` needs no lock on the data directory and changes nothing; the file must exist.

        Raises:
            SchemaTooNew: a newer version of imagegen made it.
            SchemaTooOld: it is opened read-only and was made by an older version.
            SqliteTooOld: this SQLite cannot hold it.
            StorageError: it cannot be opened.
        """
        check_sqlite()
        try:
            return cls._open_to_read(path) if read_only else cls._open_to_write(path, wal_limits)
        except sqlite3.Error as error:
            raise storage_error(error) from error
        except PermissionError as error:
            raise DatabaseUnusable(f"the database file cannot be used: {error.strerror}") from error
        except OSError as error:
            raise StorageError(f"the database file cannot be made: {error.strerror}") from error

    @classmethod
    def _open_to_read(cls, path: Path) -> "Database":
        from imagegen_adapters.databases.migrations import check_schema  # loads sqlite-utils

        connection = open_reader(path)
        try:
            check_schema(connection)
        finally:
            connection.close()
        return cls(path, writer=None, **_reader_pools(path))

    @classmethod
    def _open_to_write(cls, path: Path, limits: WalLimits) -> "Database":
        from imagegen_adapters.databases.migrations import migrate  # loads sqlite-utils

        connection = open_writer(path)
        try:
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        reading = _reader_pools(path)
        watchdog = Watchdog(path.with_name(path.name + "-wal"), tuple(reading.values()), limits)
        return cls(path, writer=Writer(connection, after_batch=watchdog), **reading)

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded and none ever met an input/output error."""
        return self._writer is None or self._writer.healthy

    @property
    def commits(self) -> int:
        """How many transactions were committed since the start; fewer than operations under load."""
        return 0 if self._writer is None else self._writer.commits

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``fn`` in the next transaction; what it returns is on the disk when this returns.

        An exception of ``fn`` takes back what it wrote, nothing else, and is raised here. A caller that
        is cancelled cannot know whether ``fn`` ran.

        Raises:
            StorageError: the disk is full or failed, and nothing of ``fn`` was kept.
        """
        return await self._write(fn, alone=False)

    async def write_alone(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``fn`` on the writing connection outside any transaction, as ``VACUUM INTO`` wants it.

        Raises:
            StorageError: the disk is full or failed.
        """
        return await self._write(fn, alone=True)

    async def read(
        self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float = DEFAULT_READ_SECONDS
    ) -> T:
        """Run ``fn`` on a snapshot that holds all that was written before this call.

        Raises:
            Unavailable: it took longer than ``deadline_seconds``, the wait for a reader included.
            StorageError: the file cannot be read.
        """
        return await asyncio.wrap_future(self._readers.submit(fn, deadline_seconds=deadline_seconds))

    async def search(self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float) -> T:
        """Do what `read` does for what may keep a processor busy; never does a `read` wait for it.

        Raises:
            Unavailable: it took longer than ``deadline_seconds``, the wait for a reader included.
            StorageError: the file cannot be read.
        """
        return await asyncio.wrap_future(self._searchers.submit(fn, deadline_seconds=deadline_seconds))

    async def probe(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Do what `read` does for a supervisor's question, however many reads wait.

        Raises:
            Unavailable: it took longer than `DEFAULT_READ_SECONDS`.
            StorageError: the file cannot be read.
        """
        return await asyncio.wrap_future(self._probes.submit(fn, deadline_seconds=DEFAULT_READ_SECONDS))

    async def close(self) -> None:
        """Finish the writes that wait, checkpoint and close. May be called twice."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Do what `close` does, for programs without an event loop."""
        for pool in (self._readers, self._searchers, self._probes):
            pool.close()
        if self._writer is not None:
            self._writer.close()

    async def _write(self, fn: Callable[[sqlite3.Connection], T], *, alone: bool) -> T:
        if self._writer is None:
            raise StorageError("the database was opened for reading only")
        result: T = await asyncio.wrap_future(self._writer.submit(fn, alone=alone))
        return result


def _reader_pools(path: Path) -> dict[str, Readers]:
    """Return the pools of connections that only read; none is opened before its first read."""
    pools = {"readers": _READERS, "searchers": _SEARCHERS, "probes": _PROBE}
    return {name: Readers(path, **sizes) for name, sizes in pools.items()}
