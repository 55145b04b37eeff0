"""The only place where the process imports an SQLite library; its errors, connections and writing thread.

POSIX locks belong to the process: two libraries that open the same file release each other's locks.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs

from imagegen_adapters.stores import DatabaseCode
from imagegen_adapters.threads import Deliveries
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, StorageUnreachable
from imagegen_core.messages import Message

MIN_BUILT_IN_VERSION = (3, 45)
"""Python's own SQLite is used from this version on; an older one is replaced by a package."""


def choose_engine() -> ModuleType:
    """Return pysqlite3, as sqlite-utils does, else Python's own unless too old, else the older sqlean."""
    if (bundled := _installed("pysqlite3")) is not None:
        return bundled
    import sqlite3

    if sqlite3.sqlite_version_info < MIN_BUILT_IN_VERSION and (bundled := _installed("sqlean")) is not None:
        return bundled
    return sqlite3


def _installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:  # also if its wheel does not match this system
        return None


if TYPE_CHECKING:
    import sqlite3 as sqlite3  # noqa: PLC0414 - exported
else:
    sqlite3 = choose_engine()

# Without an adapter the driver looks for two methods of each null, which takes a tenth of a task's writes.
sqlite3.register_adapter(type(None), lambda null: null)


MIN_VERSION = (3, 37)
"""The first version with strict tables."""

FIXED_RELEASES: dict[tuple[int, ...], tuple[int, ...]] = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
"""The first fixed release of older lines to which the fix was backported."""

FIXED_SINCE = (3, 51, 3)
BROKEN_SINCE = (3, 7, 0)


class SqliteTooOld(StorageError):
    """Neither Python nor an installed package provides a supported SQLite."""

    def __init__(self, version: tuple[int, ...]) -> None:
        super().__init__(DatabaseCode.SQLITE_TOO_OLD(version=_text(version), minimum=_text(MIN_VERSION)))


def sqlite_name() -> Message:
    if sqlite3.__name__ == "sqlite3":
        return DatabaseCode.SQLITE_OWN(version=sqlite3.sqlite_version)
    return DatabaseCode.SQLITE_PACKAGED(version=sqlite3.sqlite_version, package=sqlite3.__name__)


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    if version < MIN_VERSION:
        raise SqliteTooOld(version)


def sqlite_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Message | None:
    """Return a warning about a version that can damage a database in WAL mode, or None.

    There, a commit can be lost if another connection checkpoints while the log is reset (notes of release
    3.51.3). Our only writer also checkpoints, so its commits are safe; those of another program are not.
    """
    if version >= FIXED_SINCE or version < BROKEN_SINCE or version >= FIXED_RELEASES.get(version[:2], (99,)):
        return None
    return DatabaseCode.SQLITE_WAL_RESET(version=_text(version))


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:3]))


_FATAL = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
)


class DatabaseUnusable(StorageBroken):
    """The file is damaged, or not accessible to this user; retrying does not help."""


_ROWS: dict[int, tuple[type[StorageError], DatabaseCode]] = {
    sqlite3.SQLITE_FULL: (StorageFull, DatabaseCode.DISK_OF_DATABASE_FULL),
    # Nothing was written, and the same works once the lock is released.
    sqlite3.SQLITE_BUSY: (StorageUnreachable, DatabaseCode.DATABASE_LOCKED),
    sqlite3.SQLITE_READONLY: (DatabaseUnusable, DatabaseCode.DATABASE_NOT_WRITABLE),
    # Also raised when a full disk has no room for the -shm file; pysqlite3 does not distinguish the two.
    sqlite3.SQLITE_IOERR: (StorageBroken, DatabaseCode.DATABASE_IO_ERROR),
    sqlite3.SQLITE_CORRUPT: (DatabaseUnusable, DatabaseCode.DATABASE_DAMAGED),
    sqlite3.SQLITE_NOTADB: (DatabaseUnusable, DatabaseCode.NOT_A_DATABASE),
    sqlite3.SQLITE_CANTOPEN: (DatabaseUnusable, DatabaseCode.DATABASE_NOT_OPENED),
}


def storage_error(error: sqlite3.Error) -> StorageError:
    """Return the storage error for an SQLite error; its message never contains a path."""
    kind, code = _ROWS.get(_primary(error), (StorageError, DatabaseCode.DATABASE_REFUSED))
    return kind(code(detail=str(error)) if code.placeholders else code())


def is_fatal(error: sqlite3.Error) -> bool:
    """Whether no further write may be acknowledged.

    After a failed write or fsync the kernel may have dropped dirty pages, so a later successful fsync proves
    nothing. Only a restart reads what is really on the disk.
    """
    return _primary(error) in _FATAL


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk is full: nothing is lost, and writing works again once there is room."""
    return _primary(error) == sqlite3.SQLITE_FULL


def is_interrupt(error: sqlite3.Error) -> bool:
    """Whether its deadline or the watchdog interrupted a statement."""
    return _primary(error) == sqlite3.SQLITE_INTERRUPT


def is_undecodable(error: sqlite3.Error) -> bool:
    """Whether text is not valid UTF-8; the driver reports this only in its message."""
    return str(error).startswith("Could not decode to UTF-8")


def _primary(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or -1 for an error of the driver itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF


WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024
"""The write-ahead log is truncated to this size after a checkpoint."""

BUSY_TIMEOUT_MS = 5000

_COMMON = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA mmap_size=0",  # an I/O error in a mapped file would crash the process
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
)

_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # losing the record of a paid call means paying twice
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # deleted secrets leave no copy in free pages
    "PRAGMA wal_autocheckpoint=1000",
    f"PRAGMA journal_size_limit={WAL_SIZE_LIMIT_BYTES}",
    "PRAGMA cache_size=-16000",
)

LOSSY_TEXT = partial(str, encoding="utf-8", errors="replace")
"""Also reads invalid UTF-8; takes twice as long as the driver's own decoding."""


def open_writer(path: Path | None) -> sqlite3.Connection:
    """Open the connection that writes, None to memory; a new file is readable by its owner only."""
    if path is not None:
        _make_private(path)
    connection = sqlite3.connect(
        path or ":memory:", isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.text_factory = LOSSY_TEXT
    return _configured(connection, *_WRITER)


def open_reader(path: Path, *, cache_kib: int = 2000) -> sqlite3.Connection:
    """Open a connection that neither writes nor checkpoints, not even when it is closed."""
    pragmas = ("PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0", f"PRAGMA cache_size=-{cache_kib:d}")
    return _configured(_open_read_only(path), *pragmas)


def open_copier(path: Path) -> sqlite3.Connection:
    """Open a read-only connection that allows ``VACUUM INTO``, which writes to another file."""
    connection = _open_read_only(path)
    connection.text_factory = LOSSY_TEXT
    return _configured(connection)


def _open_read_only(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
    )


def _configured(connection: sqlite3.Connection, *pragmas: str) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (*_COMMON, *pragmas):
            connection.execute(pragma).fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Create the file with mode 0600, which its ``-wal`` and ``-shm`` files inherit.

    An existing file is never opened here: closing it would release the POSIX locks that SQLite holds on it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        path.chmod(0o600)


# ---------------------------------------------------------------- the writing thread

MAX_BATCH_OPERATIONS = 256
"""Concurrent operations share one transaction with one sync."""

T = TypeVar("T")
Run: TypeAlias = Callable[[sqlite3.Connection], T]
Finish: TypeAlias = Callable[[sqlite3.Connection, list[T]], None]
_log = logging.getLogger(__name__)


@attrs.frozen
class Operation:
    """A function of the writing connection, and the future for its result, set once that is durable."""

    run: Run[Any]
    future: "asyncio.Future[Any]"
    deliveries: Deliveries
    finish: Finish[Any] | None


class Writer:
    """Runs operations in the order of `write`; results are delivered only after their COMMIT.

    Operations that arrive during a commit share the next transaction. Each has its own savepoint, so a
    failing one rolls back only its own changes. A single statement needs none: SQLite undoes one that fails.

    Args:
        connection: owned and finally closed by the writer.
        after_batch: called in the writer's thread after each batch.
    """

    def __init__(
        self, connection: sqlite3.Connection, *, after_batch: Callable[[sqlite3.Connection], None]
    ) -> None:
        self._connection = connection
        self._after_batch = after_batch
        self._waiting: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._broken: StorageError | None = None
        self._last_failed = False
        self.commits = 0
        self._thread = threading.Thread(target=self._work, name="imagegen-database-writer", daemon=True)
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """False after a failed commit until one succeeds, and permanently after an input/output error."""
        return self._broken is None and not self._last_failed and not self._closed

    async def write(self, run: Run[T], *, single: bool = False, finish: Finish[T] | None = None) -> T:
        """Run ``run`` in the next transaction and return its result once the transaction is durable.

        An exception of ``run`` rolls back only its own changes, and is raised here. A cancelled caller cannot
        know whether ``run`` ran. A ``single`` statement costs less. All that share ``finish`` are finished at
        once, at the end of the transaction, with the results of those that succeeded.
        """
        return await self._enqueue(run if single else partial(_in_savepoint, run), finish)

    async def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Like `write`, at less cost, for a single statement; return how many rows it changed."""
        return await self._enqueue(lambda c: int(c.execute(statement, values).rowcount))

    def close(self) -> None:
        """Finish queued operations, checkpoint and close the connection. May be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _enqueue(self, run: Run[T], finish: Finish[T] | None = None) -> "asyncio.Future[T]":
        deliveries = Deliveries.current()
        future: asyncio.Future[T] = deliveries.loop.create_future()
        with self._lock:
            if self._broken is not None:
                raise type(self._broken)(self._broken.reason) from self._broken
            if self._closed:
                raise StorageError(DatabaseCode.DATABASE_CLOSED())
            self._waiting.put(Operation(run, future, deliveries, finish))
        return future

    def _work(self) -> None:
        batch: list[Operation] = []
        try:
            while batch := self._next_batch():
                self._run(batch)
                self._after_batch(self._connection)
        except BaseException as error:  # waiting callers must be notified, whatever it was
            self._break(StorageBroken(DatabaseCode.DATABASE_STOPPED()), error)
            raise
        finally:
            self._fail_rest(batch)
            self._connection.close()  # also checkpoints, since readers never do

    def _next_batch(self) -> list[Operation]:
        """Wait for an operation and add those already queued; empty after `close`."""
        batch: list[Operation] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < MAX_BATCH_OPERATIONS:
                operation = self._waiting.get(block=not batch)
                if operation is None:
                    if batch:
                        self._waiting.put(None)  # found again, it ends the next batch, too
                    break
                if not operation.future.cancelled():
                    batch.append(operation)
        return batch

    def _run(self, batch: list[Operation]) -> None:
        if self._broken is not None:
            _fail(batch, self._broken)
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [(operation, *self._outcome(operation)) for operation in batch]
            for finish in {one.finish for one in batch if one.finish is not None}:
                done = [result for one, result, failure in outcomes if one.finish == finish and not failure]
                finish(self._connection, done)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            self._record_failure(error)
            _fail(batch, storage_error(error), error)
            return
        self.commits += 1
        self._last_failed = False
        for operation, result, failure in outcomes:
            operation.deliveries.deliver(operation.future, result, failure)

    def _outcome(self, operation: Operation) -> tuple[Any, Exception | None]:
        """Return the result or the exception of an operation; what this raises ends the whole transaction."""
        try:
            return operation.run(self._connection), None
        except sqlite3.Error as error:
            if _ends_transaction(self._connection, error):
                raise
            return None, _with_cause(storage_error(error), error)
        except Exception as error:  # noqa: BLE001 - delivered to the caller, whatever it is
            return None, error

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._record_failure(error)

    def _record_failure(self, error: sqlite3.Error) -> None:
        self._last_failed = True
        if is_fatal(error):
            self._break(storage_error(error), error)
        else:
            _log.error("a database transaction failed: %s", error)

    def _break(self, error: StorageError, cause: BaseException) -> None:
        with self._lock:
            self._broken = self._broken or _with_cause(error, cause)
        _log.critical("the database accepts no more writes until a restart: %s", cause)

    def _fail_rest(self, batch: list[Operation]) -> None:
        with self._lock:
            self._closed = True
        while not self._waiting.empty():
            batch += filter(None, [self._waiting.get()])
        _fail(batch, self._broken or StorageError(DatabaseCode.DATABASE_CLOSED()))


def _in_savepoint(run: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
    connection.execute("SAVEPOINT operation")
    try:
        result = run(connection)
    except Exception as error:
        if not _ends_transaction(connection, error):
            connection.execute("ROLLBACK TO operation")
            connection.execute("RELEASE operation")
        raise
    connection.execute("RELEASE operation")
    return result


def _ends_transaction(connection: sqlite3.Connection, error: Exception) -> bool:
    """Whether the error leaves no transaction to continue."""
    return isinstance(error, sqlite3.Error) and (
        is_fatal(error) or is_full(error) or not connection.in_transaction
    )


def _fail(batch: Sequence[Operation], error: StorageError, cause: BaseException | None = None) -> None:
    for operation in batch:
        # A separate exception for each caller, since each raise extends the traceback.
        failure = _with_cause(type(error)(error.reason), cause or error)
        operation.deliveries.deliver(operation.future, None, failure)


def _with_cause(error: StorageError, cause: BaseException) -> StorageError:
    error.__cause__ = cause
    return error
