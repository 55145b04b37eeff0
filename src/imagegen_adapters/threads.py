"""Threads for blocking calls; their results return to the event loop."""

import asyncio
import collections
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class WorkerThreads(ThreadPoolExecutor):
    """A thread pool for blocking functions, first in, first out.

    Cancelling the caller drops a function that still waits; a running one continues to its end. If the
    system has no thread left, the existing ones serve all. Without any, it raises ``OSError`` and never calls
    the function; the base class would call it later.
    """

    def _adjust_thread_count(self) -> None:
        try:
            super()._adjust_thread_count()
        except RuntimeError as error:
            if not self._threads:
                self._work_queue.get_nowait()
                raise OSError("no more threads can be started") from error

    async def run(self, function: Callable[[], T]) -> T:
        return await self.start(function)

    def start(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Like `run`, but returns a future at once, which may be cancelled."""
        return asyncio.get_running_loop().run_in_executor(self, _call, function)


def _call(function: Callable[[], T]) -> T:
    try:
        return function()
    except StopIteration as error:  # no future holds it: before Python 3.12, its caller would wait forever
        raise _raisable(error) from error


class DetachedThreads:
    """Runs each call in a new daemon thread, at most ``max_threads`` at once.

    A hanging name server or token service occupies its thread for half a minute, even if the caller gave up.
    An abandoned call counts towards the limit until it has ended.
    """

    def __init__(self, name: str, max_threads: int) -> None:
        self._name, self._free = name, asyncio.Semaphore(max_threads)

    async def acquire(self) -> None:
        """Wait for a free thread; `start` or `release` must follow."""
        await self._free.acquire()

    def release(self) -> None:
        self._free.release()

    def start(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Start a call in the acquired thread; cancelling the future does not affect the call."""
        deliveries = Deliveries.current()
        future: asyncio.Future[T] = deliveries.loop.create_future()

        def work() -> None:
            value, raised = None, None
            try:
                value = call()
            except BaseException as error:  # noqa: BLE001 - delivered to the caller
                raised = error
            deliveries.deliver(future, value, raised)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                deliveries.loop.call_soon_threadsafe(self.release)

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self.release()
            raise OSError("no more threads can be started") from error
        return future

    async def run(self, call: Callable[[], T]) -> T:
        await self.acquire()
        return await self.start(call)


_of_this_thread = threading.local()


class Deliveries:
    """Settles futures of an event loop from other threads, in batches; drops results nobody awaits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due = collections.deque[tuple[asyncio.Future[Any], Any, BaseException | None]]()
        self._waking = False

    @classmethod
    def current(cls) -> "Deliveries":
        loop = asyncio.get_running_loop()
        current: Deliveries | None = getattr(_of_this_thread, "deliveries", None)
        if current is None or current.loop is not loop:
            current = _of_this_thread.deliveries = cls(loop)
        return current

    def deliver(self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        """Settle the future in its loop; callable from any thread, without waiting."""
        self._due.append((future, result, error))
        if not self._waking:  # two threads may set it at once, which wakes the loop twice
            self._waking = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._waking = False  # first: what is appended from here on wakes the loop again
        for _ in range(len(self._due)):
            future, result, error = self._due.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(_raisable(error))


def _raisable(error: BaseException) -> BaseException:
    """Wrap `StopIteration`, which no future accepts."""
    if not isinstance(error, StopIteration):
        return error
    raisable = RuntimeError("a function in a thread raised StopIteration")
    raisable.__cause__ = error
    return raisable
