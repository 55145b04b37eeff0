"""Concurrent equal queries: one goes first."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class QueryGate:
    """Lets one of several equal queries run first; the others run together once it has finished.

    They do run, since something may have been written in the meantime. But what the first one has cached
    makes them quick, and while they wait here, they occupy no reader of the database.
    """

    def __init__(self) -> None:
        self._first: dict[Hashable, asyncio.Event] = {}

    @asynccontextmanager
    async def enter(self, query: Hashable) -> AsyncIterator[None]:
        """Wait while an equal query runs that entered first."""
        first = self._first.get(query)
        if first is not None:
            await first.wait()
            yield
            return
        finished = self._first[query] = asyncio.Event()
        try:
            yield
        finally:
            del self._first[query]
            finished.set()
