"""One SQLite file: its reading threads, what keeps its log short, its copies, and the steps of its schema."""

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from imagegen_adapters.stores import DatabaseCode, SchemaTooOld, pending
from imagegen_adapters.stores.sqlite.engine import (
    BUSY_TIMEOUT_MS,
    LOSSY_TEXT,
    WAL_SIZE_LIMIT_BYTES,
    DatabaseUnusable,
    Finish,
    Run,
    Writer,
    check_sqlite,
    is_interrupt,
    is_undecodable,
    open_copier,
    open_reader,
    open_writer,
    sqlite3,
    storage_error,
)
from imagegen_adapters.threads import WorkerThreads
from imagegen_core.errors import StorageError, Unavailable
from imagegen_core.messages import Message, upstream_text

_STEPS_PER_CHECK = 20_000
"""Virtual machine steps between checks of the deadline: about a millisecond. Each check takes the GIL."""

T = TypeVar("T")


class Readers:
    """Runs functions in threads, each on a consistent snapshot, with a deadline and a page cache."""

    def __init__(self, path: Path, *, threads: int, cache_kib: int) -> None:
        self._path = path
        self._cache_kib = cache_kib
        self._threads = WorkerThreads(threads, "imagegen-database-reader")
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._busy: dict[sqlite3.Connection, float] = {}
        self._closed = False

    async def read(self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float) -> T:
        """Run ``fn``; the time in the queue counts towards its deadline."""
        if self._closed:
            raise StorageError(DatabaseCode.DATABASE_CLOSED())
        return await self._threads.run(partial(self._read, fn, time.monotonic() + deadline_seconds))

    def interrupt(self, *, older_than_seconds: float) -> int:
        """Interrupt reads that have run for longer, since they block checkpoints; return their number."""
        limit = time.monotonic() - older_than_seconds
        with self._lock:
            old = [connection for connection, since in self._busy.items() if since < limit]
            for connection in old:
                connection.interrupt()
        return len(old)

    def close(self) -> None:
        """Interrupt running reads, fail queued ones and close all connections. May be called twice."""
        with self._lock:
            self._closed = True
        self.interrupt(older_than_seconds=0)
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().close()

    def _read(self, fn: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        connection = self._connection()
        try:
            with self._lock:
                if self._closed:  # since it was queued
                    raise StorageError(DatabaseCode.DATABASE_CLOSED())
                self._busy[connection] = time.monotonic()
            return _in_snapshot(connection, fn, deadline)
        finally:
            with self._lock:
                self._busy.pop(connection, None)
            self._idle.append(connection)

    def _connection(self) -> sqlite3.Connection:
        """Return the connection that was used last, whose cache is warm, or a new one."""
        with suppress(IndexError):
            return self._idle.pop()
        try:  # without the lock, which the writer may wait for: a slow disk delays one read only
            return open_reader(self._path, cache_kib=self._cache_kib)
        except sqlite3.Error as error:
            # Not StorageBroken, since the file could be opened before: descriptors may have run out.
            raise StorageError(storage_error(error).reason) from error


def _in_snapshot(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T], deadline: float) -> T:
    if time.monotonic() > deadline:
        raise Unavailable(DatabaseCode.DATABASE_TOO_BUSY())
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_PER_CHECK)
    try:
        try:
            connection.execute("BEGIN")
            return _with_lossy_retry(connection, fn)
        finally:
            connection.set_progress_handler(None, 0)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if is_interrupt(error):
            raise Unavailable(DatabaseCode.DATABASE_TOO_SLOW()) from error
        raise storage_error(error) from error


def _with_lossy_retry(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    """Run the function; if text is not valid UTF-8, run it again with lossy decoding."""
    try:
        return fn(connection)
    except sqlite3.OperationalError as error:
        if not is_undecodable(error):
            raise
    connection.text_factory = LOSSY_TEXT
    try:
        return fn(connection)
    finally:
        connection.text_factory = str


# ---------------------------------------------------------------- the write-ahead log

TRUNCATE_BYTES = 4 * WAL_SIZE_LIMIT_BYTES
"""A log of this size interrupts old reads; from `WAL_SIZE_LIMIT_BYTES` on, it is only reported."""

OLD_READ_SECONDS = 2.0

_TRUNCATE_TIMEOUT_MS = 200
"""How long the writer waits for readers when it truncates the log."""

_log = logging.getLogger(__name__)


class Watchdog:
    """Limits the log after each batch, in the writer thread; truncates once in `OLD_READ_SECONDS` at most."""

    def __init__(self, wal: Path, readers: Collection[Readers]) -> None:
        self._wal = wal
        self._readers = readers
        self._warned = False
        self._next_truncation = 0.0

    def __call__(self, connection: sqlite3.Connection) -> None:
        try:
            size = self._wal.stat().st_size
        except OSError:
            size = 0
        if size <= WAL_SIZE_LIMIT_BYTES:
            self._warned = False
            return
        if not self._warned:
            _log.warning("the write-ahead log has grown to %d bytes", size)
            self._warned = True
        if size > TRUNCATE_BYTES and time.monotonic() >= self._next_truncation:
            self._next_truncation = time.monotonic() + OLD_READ_SECONDS
            interrupted = sum(pool.interrupt(older_than_seconds=OLD_READ_SECONDS) for pool in self._readers)
            _log.warning("interrupted %d old reads to truncate the write-ahead log", interrupted)
            _truncate(connection)


def _truncate(connection: sqlite3.Connection) -> None:
    """Truncate the log if no reader needs it."""
    try:
        connection.execute(f"PRAGMA busy_timeout={_TRUNCATE_TIMEOUT_MS}").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        _log.warning("the write-ahead log could not be truncated: %s", error)
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").fetchall()


# ---------------------------------------------------------------- the database

DEFAULT_READ_SECONDS = 30.0
"""A longer read would keep the write-ahead log from being checkpointed."""

_POOLS = {
    "readers": {"threads": 3, "cache_kib": 4_000},
    # Bound by the CPU, so more of them only slow each other down; they visit many pages.
    "searchers": {"threads": 2, "cache_kib": 32_000},
    "probes": {"threads": 1, "cache_kib": 200},
}


class Database:
    """One SQLite file with a single writer, and separate readers for reads, searches and probes.

    Returned by `open`. Functions run in another thread, with a `sqlite3.Connection` whose rows are
    `sqlite3.Row`. They must be quick, fetch all rows, neither begin nor commit a transaction, and not retain
    the connection.
    """

    def __init__(
        self, path: Path, pools: "Mapping[str, Readers | Inline]", writer: "Writer | Inline | None" = None
    ) -> None:
        self.path = path
        self._pools = pools
        self._writer = writer

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> "Database":
        """Open the file and migrate it, blocking; with ``read_only`` change nothing, and need no lock."""
        check_sqlite()
        try:
            return cls._open_read_only(path) if read_only else cls._open_writable(path)
        except sqlite3.Error as error:
            raise storage_error(error) from error
        except PermissionError as error:
            raise DatabaseUnusable(DatabaseCode.DATABASE_FILE_UNUSABLE(detail=str(error.strerror))) from error
        except OSError as error:
            raise StorageError(DatabaseCode.DATABASE_FILE_NOT_MADE(detail=str(error.strerror))) from error

    @classmethod
    def in_memory(cls) -> "Database":
        """Return an empty database that goes with this object."""
        check_sqlite()
        inline = Inline()
        return cls(Path(":memory:"), dict.fromkeys(_POOLS, inline), inline)

    @classmethod
    def _open_read_only(cls, path: Path) -> "Database":
        with closing(open_reader(path)) as connection:
            if _has_pending(connection):
                raise SchemaTooOld(DatabaseCode.SCHEMA_TOO_OLD())
        return cls(path, _reader_pools(path))

    @classmethod
    def _open_writable(cls, path: Path) -> "Database":
        connection = open_writer(path)
        try:
            migrate(connection)
        except BaseException:  # interrupted too, nobody else can close it
            connection.close()
            raise
        pools = _reader_pools(path)
        watchdog = Watchdog(path.with_name(path.name + "-wal"), pools.values())
        return cls(path, pools, Writer(connection, after_batch=watchdog))

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded and there has been no input/output error since the start."""
        return self._writer is None or self._writer.healthy

    @property
    def writer(self) -> "Writer | Inline":
        """The writer; a database that was opened for reading only has none."""
        if self._writer is None:
            raise StorageError(DatabaseCode.DATABASE_READ_ONLY())
        return self._writer

    async def read(
        self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float = DEFAULT_READ_SECONDS
    ) -> T:
        """Run ``fn`` on a snapshot with everything written before; after the deadline, `Unavailable`."""
        return await self._pools["readers"].read(fn, deadline_seconds=deadline_seconds)

    async def search(self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float) -> T:
        """Like `read`, for queries that are bound by the CPU; they never delay a `read`."""
        return await self._pools["searchers"].read(fn, deadline_seconds=deadline_seconds)

    async def probe(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Like `read`, for health checks, which must not queue behind other reads."""
        return await self._pools["probes"].read(fn, deadline_seconds=DEFAULT_READ_SECONDS)

    async def close(self) -> None:
        """Finish pending writes, checkpoint and close. May be called twice."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Like `close`, for programs without an event loop."""
        for pool in self._pools.values():
            pool.close()
        if self._writer is not None:
            self._writer.close()


class Inline:
    """Reads and writes a database in memory at once, on the event loop, as `Readers` and `Writer` do."""

    healthy = True

    def __init__(self) -> None:
        self._connection = open_writer(None)
        weakref.finalize(self, self._connection.close)
        _schema().backup(self._connection)  # in a hundredth of the time that the migrations take
        self.commits = 0

    async def read(self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float) -> T:
        return _in_snapshot(self._connection, fn, time.monotonic() + deadline_seconds)

    async def write(self, run: Run[T], *, single: bool = False, finish: Finish[T] | None = None) -> T:
        try:
            with transaction(self._connection):
                result = run(self._connection)
                if finish is not None:
                    finish(self._connection, [result])
        except sqlite3.Error as error:
            raise storage_error(error) from error
        self.commits += 1
        return result

    async def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        return await self.write(lambda connection: int(connection.execute(statement, values).rowcount))

    def close(self) -> None:
        """The database goes with its connection."""


def _reader_pools(path: Path) -> dict[str, Readers]:
    """Return the pools; their connections are opened on first use."""
    return {name: Readers(path, **sizes) for name, sizes in _POOLS.items()}


# ---------------------------------------------------------------- copies

_MAX_INTEGRITY_ERRORS = 5


def take_snapshot(database: Path, target: Path) -> None:
    """Write a consistent copy to a new file of mode 0600, and check it; on errors it may be incomplete."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(open_copier(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),)).fetchall()
    except sqlite3.Error as error:
        raise storage_error(error) from error
    except UnicodeEncodeError as error:
        raise StorageError(DatabaseCode.COPY_PATH_NOT_UTF8()) from error
    if errors := integrity_errors(target):
        raise StorageError(DatabaseCode.COPY_DAMAGED(detail=errors[0]))


def integrity_errors(database: Path) -> tuple[Message, ...]:
    """Return the findings of SQLite's ``integrity_check``; empty if the file is intact."""
    try:
        with closing(open_copier(database)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MAX_INTEGRITY_ERRORS})").fetchall()
    except sqlite3.Error as error:
        return (storage_error(error).reason,)
    findings = [str(row[0]) for row in rows]
    return () if findings == ["ok"] else tuple(map(upstream_text, findings))


# ---------------------------------------------------------------- schema
# It is one file for all tables as they once were, and one for each later change; none is ever edited.
# A database stores the names of its migrations. Those before `BASELINE` are part of it.

_SET = "imagegen"

BASELINE = "m025_settings"


def migrations() -> dict[str, Path]:
    """Return the SQL files of this version, by name: the baseline and the later ones."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("m*.sql"))}


def _has_pending(connection: sqlite3.Connection) -> bool:
    return bool(pending(_applied(connection), migrations(), BASELINE))


def _apply_pending(connection: sqlite3.Connection) -> None:
    import sqlite_utils  # slow to import, and nothing is left to do at most starts

    tool = sqlite_utils.Migrations(_SET)
    for name, path in migrations().items():
        tool(name=name)(lambda db, path=path: _run_script(path, db.conn))
    tool.apply(sqlite_utils.Database(connection, execute_plugins=False))


@cache
def _schema() -> sqlite3.Connection:
    weakref.finalize(_schema, (connection := open_writer(None)).close)
    migrate(connection)
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Apply all pending migrations in one transaction; what is refused writes nothing."""
    with transaction(connection):  # serialises processes that start at the same time
        if _has_pending(connection):
            _apply_pending(connection)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # interrupted too, the transaction must not stay open
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _applied(connection: sqlite3.Connection) -> frozenset[str]:
    exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    if connection.execute(exists).fetchone() is None:
        return frozenset()
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
    return frozenset(name for (name,) in connection.execute(query, [_SET]))


def _run_script(path: Path, connection: sqlite3.Connection) -> None:
    """Run its statements one by one; those that create triggers contain semicolons."""
    statement = ""
    for line in path.read_text("utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
