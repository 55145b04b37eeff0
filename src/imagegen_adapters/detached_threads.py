"""Threads for calls that may hang: nobody else waits for them, and neither does the end of the process."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class DetachedThreads:
    """Gives each call a thread for as long as it lasts, ``max_threads`` of them at once.

    A name server or a token service that does not answer keeps a thread for half a minute, whatever the
    caller's patience. A call that was given up therefore counts until it has really ended.
    """

    def __init__(self, name: str, max_threads: int) -> None:
        self._name = name
        self._free = asyncio.Semaphore(max_threads)

    async def acquire(self) -> None:
        """Wait until there is room for one more; `start` or `release` must follow."""
        await self._free.acquire()

    def release(self) -> None:
        """Let somebody else in."""
        self._free.release()

    def start(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin the call for which room was acquired; nothing happens to it when the future is cancelled."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()

        def settle(value: T | None, error: BaseException | None) -> None:
            self.release()
            if ended.done():
                return
            if error is None:
                ended.set_result(value)  # type: ignore[arg-type] # one of both is there
            else:
                ended.set_exception(error)

        def work() -> None:
            value, problem = None, None
            try:
                value = call()
            except BaseException as error:  # noqa: BLE001 - it goes to whoever waits
                problem = error
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, value, problem)

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self.release()
            raise OSError("no more threads can be started") from error
        return ended

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns, as soon as there is room for it."""
        await self.acquire()
        return await self.start(call)
