"""A few threads for blocking functions, such as those that read and write files."""

import asyncio
import collections
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from imagegen_adapters.threads.deliveries import Deliveries

T = TypeVar("T")


class WorkerThreads:
    """Runs functions in at most ``max_threads`` threads, in the order in which they come.

    A thread is started when all others are busy, the first one by the first call, so what a forked process
    inherits unused it can use. Threads do not keep the process from ending; `close` waits for them. Functions
    do not see the context variables of their callers.

    `concurrent.futures.ThreadPoolExecutor` takes two to four times as much time for each function: it settles
    two futures, one under a lock, and wakes the event loop for each.

    Args:
        name: the beginning of the threads' names.
        max_threads: how many functions run at once.
    """

    def __init__(self, name: str, max_threads: int) -> None:
        self._name = name
        self._max_threads = max_threads
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._unfinished: collections.deque[None] = collections.deque()  # one item a call, queued or running
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def __del__(self) -> None:
        """End the threads, which are idle by now."""
        self._calls.put(None)

    async def run(self, function: Callable[[], T]) -> T:
        """Run the function in a thread; return its result, or raise its exception as it is.

        If the caller is cancelled, a function that still waits for a thread is not called, and one that runs
        goes on to its end.

        Raises:
            OSError: the first thread cannot be started.
            RuntimeError: the threads are closed.
        """
        return await self.start(function)

    def start(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Like `run`, for a caller that does something else meanwhile, or that cancels the future."""
        deliveries = Deliveries.current()
        future: asyncio.Future[T] = deliveries.loop.create_future()
        self._put(_Call(function, future, deliveries))
        return future

    def close(self) -> None:
        """Accept no more functions, and wait until all accepted ones have ended. May be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _put(self, call: "_Call") -> None:
        with self._lock:  # nothing is queued behind the mark of the end
            if self._closed:
                raise RuntimeError(f"{self._name}: these threads are closed")
            if len(self._threads) < min(self._max_threads, len(self._unfinished) + 1):
                self._add_thread()
            self._unfinished.append(None)
            self._calls.put(call)

    def _add_thread(self) -> None:
        name = f"{self._name}-{len(self._threads)}"
        thread = threading.Thread(target=_work, args=(self._calls, self._unfinished), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            if not self._threads:
                raise OSError("no more threads can be started") from error
        else:
            self._threads.append(thread)


class _Call(NamedTuple):
    function: Callable[[], Any]
    future: asyncio.Future[Any]
    deliveries: Deliveries


def _work(calls: "queue.SimpleQueue[_Call | None]", unfinished: "collections.deque[None]") -> None:
    """Call one function after the other; in threads that do not keep their `WorkerThreads` alive."""
    while (call := calls.get()) is not None:
        if call.future.cancelled():
            unfinished.pop()
        else:
            result, error = _outcome(call.function)
            unfinished.pop()
            call.deliveries.deliver(call.future, result, error)
            del result, error
        del call  # nothing of it stays in memory while the thread is idle
    calls.put(None)  # for the next thread


def _outcome(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Return the result of the function, or None and its exception.

    The exception refers to this frame, which therefore knows nothing of the future that will refer to it.
    """
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - delivered to the caller
        return None, error
