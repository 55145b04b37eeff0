"""Threads for calls that may hang, which block neither other calls nor the exit of the process."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class DetachedThreads:
    """Runs each call in a new daemon thread, at most ``max_threads`` at once.

    An unresponsive name server or token service occupies a thread for half a minute, even if the caller has
    given up. So an abandoned call counts towards the limit until it has really future.
    """

    def __init__(self, name: str, max_threads: int) -> None:
        self._name = name
        self._free = asyncio.Semaphore(max_threads)

    async def acquire(self) -> None:
        """Wait for a free thread; `start` or `release` must follow."""
        await self._free.acquire()

    def release(self) -> None:
        """Give the acquired thread back."""
        self._free.release()

    def start(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Start a call in the acquired thread; cancelling the future does not affect the call."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(value: T | None, error: BaseException | None) -> None:
            self.release()
            if future.done():
                return
            if error is None:
                future.set_result(value)  # type: ignore[arg-type] # set unless there is an error
            else:
                future.set_exception(error)

        def work() -> None:
            value, raised = None, None
            try:
                value = call()
            except BaseException as error:  # noqa: BLE001 - delivered to the caller
                raised = error
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, value, raised)

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self.release()
            raise OSError("no more threads can be started") from error
        return future

    async def run(self, call: Callable[[], T]) -> T:
        """Run the call as soon as a thread is free, and return its result."""
        await self.acquire()
        return await self.start(call)
