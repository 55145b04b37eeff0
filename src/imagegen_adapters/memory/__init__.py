"""All adapters in memory, for trying out the library and for tests, and a cluster of several such nodes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from imagegen_adapters.images.inspector import ThreadInspector
from imagegen_adapters.memory.files import MemoryBlobStore, MemorySpool
from imagegen_adapters.memory.gallery import MemoryGallery, MemoryMarks, MemoryOutbox
from imagegen_adapters.memory.tasks import MemoryProviderConfigs, MemoryQueue, MemoryState, MemoryTasks
from imagegen_adapters.secrets import MemorySecretBox
from imagegen_adapters.system import OneNode, SystemClock, new_id, simplify
from imagegen_core import ImageGen, Limits, Parts
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.tools import Clock
from imagegen_core.redaction import Redactor

DEAD_AFTER_SECONDS = 60.0
POLL_SECONDS = 1.0


def in_memory(
    *,
    providers: Mapping[str, Provider] | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> ImageGen:
    """Return an `ImageGen` without persistence. ``providers`` adds to the demo provider, by kind and name."""
    return ImageGen(
        memory_adapters(providers=providers, clock=clock),
        limits=limits,
        file_configs={
            kind: ProviderConfig(provider_name=kind, kind=kind, source=ConfigSource.FILE)
            for kind in ("demo", *(providers or ()))
        },
    )


def memory_adapters(*, providers: Mapping[str, Provider] | None = None, clock: Clock | None = None) -> Parts:
    """Return the memory adapter of every port; use `attrs.evolve` to replace some of them."""
    from imagegen_adapters.providers.demo.provider import DemoProvider  # which draws

    clock = clock or SystemClock()
    state = MemoryState(simplify=simplify)
    return Parts(
        tasks=MemoryTasks(state),
        queue=MemoryQueue(state),
        cluster=MemoryCluster(clock),
        images=MemoryGallery(state),
        marks=MemoryMarks(state),
        outbox=MemoryOutbox(state),
        configs=MemoryProviderConfigs(),
        blobs=MemoryBlobStore(),
        spool=MemorySpool(clock),
        inspect=ThreadInspector().inspect,
        check_address=_trust,
        box=MemorySecretBox(),
        has_room=lambda: True,
        clock=clock,
        providers={"demo": DemoProvider(clock), **(providers or {})},
        redactor=Redactor(),
        new_id=new_id,
        simplify=simplify,
    )


async def _trust(url: str) -> None:
    """Allow every address: only the program chooses what is called."""


class MemoryCluster(OneNode):
    """Several nodes in one process, which share a clock.

    For ``dead_after_seconds`` after a gap in its beats of more than half of that, a node takes all for alive.
    A waiter for a slot looks when one is freed, and every ``poll_seconds`` for dead holders.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._dead_after = dead_after_seconds
        self._poll_seconds = poll_seconds
        self._last_beats: dict[str, float] = {}
        self._can_tell_from: dict[str, float] = {}
        self._holders: dict[object, tuple[str, str]] = {}
        self._freed = asyncio.Event()

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

    @asynccontextmanager
    async def slot(self, name: str, *, node: str, limit: int) -> AsyncIterator[None]:
        slot = object()
        while not await self._take(slot, name, node, limit):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._freed.wait()
        try:
            yield
        finally:
            self._holders.pop(slot)
            self._freed.set()

    async def _take(self, slot: object, name: str, node: str, limit: int) -> bool:
        alive = await self.alive(node)
        self._freed.clear()
        count = sum(slot_name == name and holder in alive for slot_name, holder in self._holders.values())
        if count >= limit:
            return False
        self._holders[slot] = name, node
        return True
