"""A pool of read-only connections, each in its own thread."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.sqlite.connections import LOSSY_TEXT, open_reader
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.errors import is_interrupt, is_undecodable, storage_error
from imagegen_adapters.threads.worker_threads import WorkerThreads
from imagegen_core.errors import StorageError, Unavailable

_STEPS_PER_CHECK = 20_000
"""Virtual machine steps between checks of the deadline: about a millisecond. Each check takes the GIL."""

T = TypeVar("T")


class Readers:
    """Runs functions with a read-only connection; each sees a consistent snapshot and has a deadline.

    At most ``threads`` functions run concurrently, others wait. Each connection has a page cache of
    ``cache_kib``.
    """

    def __init__(self, path: Path, *, threads: int, cache_kib: int) -> None:
        self._path = path
        self._cache_kib = cache_kib
        self._threads = WorkerThreads("imagegen-database-reader", threads)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: list[sqlite3.Connection] = []
        self._busy: dict[sqlite3.Connection, float] = {}
        self._closed = False

    async def read(self, fn: Callable[[sqlite3.Connection], T], *, deadline_seconds: float) -> T:
        """Run ``fn`` and return its result; the time in the queue counts towards its deadline.

        Raises:
            Unavailable: it took longer than ``deadline_seconds``.
            StorageError: the file cannot be read, or the database is closed.
        """
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
        self._threads.close()
        for connection in self._all:
            connection.close()
        self._all.clear()

    def _read(self, fn: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        try:
            connection = self._connection()
            with self._lock:
                if self._closed:  # since it was queued
                    raise StorageError(DatabaseCode.DATABASE_CLOSED())
                self._busy[connection] = time.monotonic()
            try:
                return _in_snapshot(connection, fn, deadline)
            finally:
                with self._lock:
                    del self._busy[connection]
        except sqlite3.Error as error:
            if is_interrupt(error):
                raise Unavailable(DatabaseCode.DATABASE_TOO_SLOW()) from error
            raise storage_error(error) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
            with self._lock:
                self._all.append(connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        try:
            return open_reader(self._path, cache_kib=self._cache_kib)
        except sqlite3.Error as error:
            # Not StorageBroken, since the file could be opened before: descriptors may have run out.
            raise StorageError(storage_error(error).reason) from error


def _in_snapshot(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T], deadline: float) -> T:
    if time.monotonic() > deadline:
        raise Unavailable(DatabaseCode.DATABASE_TOO_BUSY())
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_PER_CHECK)
    try:
        connection.execute("BEGIN")
        return _with_lossy_retry(connection, fn)
    finally:
        connection.set_progress_handler(None, 0)
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _with_lossy_retry(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    """Return the function's result; if text is not valid UTF-8, read again with lossy decoding."""
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
