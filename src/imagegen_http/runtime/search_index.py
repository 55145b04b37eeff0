"""The search index as the routes see it: its state, and its rebuild."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs

from imagegen_core.errors import Unavailable
from imagegen_http.errors import ServiceCode

Progress = Callable[[int, int], None]


@attrs.frozen(kw_only=True)
class IndexReport:
    """``state``: current, stale or missing; ``reached`` of ``until`` while it is rebuilt, else None."""

    state: str
    reached: int | None
    until: int | None


@attrs.define(kw_only=True)
class SearchIndex:
    """Allows one rebuild at a time. ``read_state`` returns the state; ``rebuild`` rebuilds the index."""

    read_state: Callable[[], Awaitable[str]]
    rebuild: Callable[[Progress], Awaitable[int]]
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _reached: tuple[int, int] | None = attrs.field(default=None, init=False)

    async def report(self) -> IndexReport:
        """Return the state of the index and the progress of its rebuild."""
        reached, until = self._reached or (None, None)
        return IndexReport(state=await self.read_state(), reached=reached, until=until)

    async def reindex(self) -> int:
        """Rebuild the index, or resume an interrupted rebuild; return the last image id that is in it.

        Raises:
            Unavailable: it is being rebuilt already.
        """
        if self._lock.locked():
            raise Unavailable(ServiceCode.REINDEXING())
        async with self._lock:
            try:
                return await self.rebuild(self._note)
            finally:
                self._reached = None

    def _note(self, reached: int, until: int) -> None:
        self._reached = reached, until
