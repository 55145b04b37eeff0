"""The places of a cluster in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from imagegen_core.ports.nodes import Nodes

POLL_SECONDS = 1.0


@attrs.frozen(eq=False)
class _Place:
    provider_name: str
    node: str


class MemorySlots:
    """Who waits looks when a place is freed, and every second whether a holder among ``nodes`` is dead."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._places: set[_Place] = set()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def hold(self, provider_name: str, *, node: str, limit: int) -> AsyncIterator[None]:
        place = _Place(provider_name, node)
        while not await self._take(place, limit):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._freed.wait()
        try:
            yield
        finally:
            self._places.discard(place)
            self._freed.set()

    async def _take(self, place: _Place, limit: int) -> bool:
        """Return whether it is held from now on."""
        alive = await self._nodes.alive(place.node)
        self._freed.clear()
        places = [p for p in self._places if p.provider_name == place.provider_name and p.node in alive]
        if len(places) >= limit:
            return False
        self._places.add(place)
        return True
