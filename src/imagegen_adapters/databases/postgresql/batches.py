"""Calls that wait together become one call of the database."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import attrs

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_core.errors import StorageError

MAX_BATCH_CALLS = 256
MAX_BATCH_CHARACTERS = 4 * 1024 * 1024
"""A call that is longer is a batch of its own."""

_log = logging.getLogger(__name__)


R = TypeVar("R")


@attrs.frozen
class _Call(Generic[R]):
    """What one caller passes, and the future for what the database returns for it."""

    argument: str
    future: "asyncio.Future[R]"


class Batches(Generic[R]):
    """Passes calls that arrive while the database is busy on together, one batch after the other.

    Args:
        run: calls the database with the arguments of a batch, in one transaction, and returns as many rows.
    """

    def __init__(self, run: Callable[[Sequence[str]], Awaitable[Sequence[R]]]) -> None:
        self._run = run
        self._waiting: deque[_Call[R]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def call(self, argument: str) -> R:
        """Return the row of a call once its transaction is durable.

        A caller that is cancelled cannot know whether its call was made.

        Raises:
            StorageError: the database refused this call, or failed the batch.
        """
        call: _Call[R] = _Call(argument, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._running is None:
            self._running = asyncio.create_task(self._run_all(), name="batches")
        return await call.future

    async def _run_all(self) -> None:
        batch: list[_Call[R]] = []
        try:
            while batch := self._next_batch():
                await self._deliver(batch)
        finally:  # with the event loop, too; then nobody waits forever
            self._running = None
            _fail((*batch, *self._waiting), StorageError(DatabaseCode.DATABASE_STOPPED()))
            self._waiting.clear()

    def _next_batch(self) -> list[_Call[R]]:
        """Return the oldest calls, but for those of cancelled callers; empty if there are none."""
        batch: list[_Call[R]] = []
        characters = 0
        while self._waiting and len(batch) < MAX_BATCH_CALLS:
            characters += len(self._waiting[0].argument)
            if batch and characters > MAX_BATCH_CHARACTERS:
                break
            call = self._waiting.popleft()
            if call.future.cancelled():
                characters -= len(call.argument)
            else:
                batch.append(call)
        return batch

    async def _deliver(self, batch: Sequence[_Call[R]]) -> None:
        """Run a batch; if it is refused, each of its calls, so that only the refused ones fail."""
        try:
            rows = await self._run([call.argument for call in batch])
            results = list(zip(batch, rows, strict=True))
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
            for call, row in results:
                if not call.future.done():
                    call.future.set_result(row)


def _fail(batch: Sequence[_Call[R]], error: StorageError, cause: Exception | None = None) -> None:
    for call in batch:
        if not call.future.done():
            # A separate exception for each caller, since each raise extends the traceback.
            failure = type(error)(error.reason)
            failure.__cause__ = cause or error
            call.future.set_exception(failure)
