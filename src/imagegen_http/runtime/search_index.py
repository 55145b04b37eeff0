"""The search index as the routes see it: whether it is up to date, and making it anew."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs

from imagegen_core.errors import Unavailable

Progress = Callable[[int, int], None]


@attrs.frozen(kw_only=True)
class IndexReport:
    """``state``: current, stale or missing. ``reached`` of ``until`` while it is made anew, else None."""

    state: str
    reached: int | None
    until: int | None


@attrs.define(kw_only=True)
class SearchIndex:
    """One reindexing at a time. ``look`` tells the state; ``make`` makes the index anew."""

    read_state: Callable[[], Awaitable[str]]
    rebuild: Callable[[Progress], Awaitable[int]]
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _reached: tuple[int, int] | None = attrs.field(default=None, init=False)

    async def report(self) -> IndexReport:
        """Return how the index is now."""
        reached, until = self._reached or (None, None)
        return IndexReport(state=await self.read_state(), reached=reached, until=until)

    async def reindex(self) -> int:
        """Make the index anew, or go on where that was broken off; return the last id that is in it.

        Raises:
            Unavailable: it is being made anew already.
        """
        if self._lock.locked():
            raise Unavailable("the search index is being made anew already")
        async with self._lock:
            try:
                return await self.rebuild(self._note)
            finally:
                self._reached = None

    def _note(self, reached: int, until: int) -> None:
        self._reached = reached, until
