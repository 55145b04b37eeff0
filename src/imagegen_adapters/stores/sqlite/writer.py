"""The writing thread, which groups concurrent operations into one transaction with one sync."""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import attrs

from imagegen_adapters.stores.sql import DatabaseCode
from imagegen_adapters.stores.sqlite.engine import is_fatal, is_full, sqlite3, storage_error
from imagegen_adapters.threads import Deliveries
from imagegen_core.errors import StorageBroken, StorageError

MAX_BATCH_OPERATIONS = 256

T = TypeVar("T")
_log = logging.getLogger(__name__)


@attrs.frozen
class Operation:
    """A function of the writing connection, and the future for its result, set once that is durable."""

    run: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"
    deliveries: Deliveries


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

    async def write(self, run: Callable[[sqlite3.Connection], T], *, single: bool = False) -> T:
        """Run ``run`` in the next transaction and return its result once the transaction is durable.

        An exception of ``run`` rolls back only its own changes, and is raised here. A cancelled caller cannot
        know whether ``run`` ran. A ``single`` statement costs less.
        """
        return await self._enqueue(run if single else partial(_in_savepoint, run))

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

    def _enqueue(self, run: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        deliveries = Deliveries.current()
        future: asyncio.Future[T] = deliveries.loop.create_future()
        with self._lock:
            if self._broken is not None:
                raise type(self._broken)(self._broken.reason) from self._broken
            if self._closed:
                raise StorageError(DatabaseCode.DATABASE_CLOSED())
            self._waiting.put(Operation(run, future, deliveries))
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
