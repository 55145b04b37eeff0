"""Results of threads, on their way to the event loop that waits for them."""

import asyncio
import collections
import contextlib
import threading
from typing import Any

_of_this_thread = threading.local()


class Deliveries:
    """Settles futures of one event loop from other threads: all that are due, by one wake-up of the loop.

    A result is dropped if its future was cancelled or the loop is closed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: collections.deque[tuple[asyncio.Future[Any], Any, BaseException | None]]
        self._due = collections.deque()
        self._waking = False

    @classmethod
    def current(cls) -> "Deliveries":
        """Return those of the running event loop; the loop creates the futures."""
        loop = asyncio.get_running_loop()
        current: Deliveries | None = getattr(_of_this_thread, "deliveries", None)
        if current is None or current.loop is not loop:
            current = _of_this_thread.deliveries = cls(loop)
        return current

    def deliver(self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        """Let the loop settle the future, by the error if there is one; from any thread, without waiting."""
        self._due.append((future, result, error))
        if not self._waking:  # set by two threads at once, it wakes the loop twice
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
    """Return what a future accepts: it refuses `StopIteration`, which would end the waiting coroutine."""
    if not isinstance(error, StopIteration):
        return error
    raisable = RuntimeError("a function in a thread raised StopIteration")
    raisable.__cause__ = error
    return raisable
