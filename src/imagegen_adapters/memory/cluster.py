"""A cluster in memory: its nodes, the places that they share, and the turn to maintain the stores."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs

from imagegen_core.ports.cluster import Nodes
from imagegen_core.ports.tools import Clock

DEAD_AFTER_SECONDS = 60.0


class MemoryNodes:
    """Several nodes in one process, by a clock that all of them share.

    Beats that lie more than half of ``dead_after_seconds`` apart are a gap: after a longer outage, nodes that
    are about to be heard again could look dead.
    """

    def __init__(self, clock: Clock, *, dead_after_seconds: float = DEAD_AFTER_SECONDS) -> None:
        self._clock = clock
        self._dead_after = dead_after_seconds
        self._last_beats: dict[str, float] = {}
        self._can_tell_from: dict[str, float] = {}

    async def join(self, node: str) -> None:
        await self.beat(node)

    async def beat(self, node: str) -> None:
        now = self._clock.monotonic()
        if self._has_gap(node, now):
            self._can_tell_from[node] = now + self._dead_after
        self._last_beats[node] = now

    async def alive(self, observer: str) -> frozenset[str]:
        now = self._clock.monotonic()
        if self._has_gap(observer, now) or now < self._can_tell_from[observer]:
            return frozenset(self._last_beats)
        return frozenset(node for node, beat in self._last_beats.items() if now - beat <= self._dead_after)

    async def leave(self, node: str) -> None:
        self._last_beats.pop(node, None)

    def _has_gap(self, node: str, now: float) -> bool:
        last = self._last_beats.get(node)
        return last is None or now - last > self._dead_after / 2


POLL_SECONDS = 1.0


@attrs.frozen(eq=False)
class _Place:
    provider_name: str
    node: str


class MemorySlots:
    """Who waits looks when a place is freed, and every ``poll_seconds`` whether a holder is dead."""

    def __init__(self, nodes: Nodes, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._nodes = nodes
        self._poll_seconds = poll_seconds
        self._places: set[_Place] = set()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def hold(self, provider_name: str, *, node: str, limit: int) -> AsyncIterator[None]:
        place = _Place(provider_name, node)
        while not await self._take(place, limit):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
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


class MemoryTurn:
    """A resource with one place."""

    def __init__(self, nodes: Nodes, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._slots = MemorySlots(nodes, poll_seconds=poll_seconds)

    def hold(self, node: str) -> AbstractAsyncContextManager[None]:
        return self._slots.hold("maintenance", node=node, limit=1)
