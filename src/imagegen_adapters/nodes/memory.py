"""The nodes of a cluster in memory."""

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
