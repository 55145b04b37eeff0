"""Equal reads at the same moment share one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SharedReads:
    """Runs one of the equal reads that wait, for all of them; each begins after those that it is run for.

    While one runs, those that come wait for the next one, since something may have been written after it
    began. So nobody reads what was true before the question, and a hundred who look at the same page cost
    little more than two. If it fails, those who waited fail with it: a search that takes too long is refused
    once for all of them.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a ``read`` that begins after this call; reads of equal keys are equal.

        A caller who is cancelled leaves the read to the others.
        """
        task: asyncio.Task[T] | None = self._next.get(key)
        if task is None:
            task = asyncio.create_task(self._run(key, read, self._running.get(key)))
            self._next[key] = task
        return await asyncio.shield(task)

    async def _run(
        self, key: Hashable, read: Callable[[], Awaitable[T]], earlier: "asyncio.Task[Any] | None"
    ) -> T:
        if earlier is not None:
            await asyncio.wait((earlier,))
        task = self._next.pop(key)
        if earlier is not None and not earlier.cancelled() and (error := earlier.exception()) is not None:
            raise error
        self._running[key] = task
        try:
            return await read()
        finally:
            if self._running[key] is task:
                del self._running[key]
