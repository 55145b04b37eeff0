"""What only tests have in memory: a cluster of several nodes, and an archive that may be out of reach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs

from imagegen_adapters.memory import MemoryBlobStore
from imagegen_adapters.system import OneNode
from imagegen_core.errors import StorageError, StorageUnreachable
from imagegen_core.images import StorageState
from imagegen_core.messages import StorageCode
from imagegen_core.ports.blobs import BlobStore, StoredBlob
from imagegen_core.ports.tools import Clock

DEAD_AFTER_SECONDS = 60.0
POLL_SECONDS = 1.0


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


@attrs.define(kw_only=True)
class MemoryBlobArchive(MemoryBlobStore):
    """An archive in memory; unless ``reachable``, every call raises `StorageUnreachable`."""

    reachable: bool = True

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        blobs = self._reach(key)
        data = b"".join([chunk async for chunk in source.open(key)])
        if len(data) != size_bytes:
            raise StorageError(StorageCode.BLOB_SHORTER(key=key, size=size_bytes))
        blobs[key] = data
        return self._describe(key, data)

    async def matches(self, source: BlobStore, key: str) -> bool:
        archived = self._reach(key).get(key)
        return b"".join([chunk async for chunk in source.open(key)]) == archived

    def _reach(self, key: str = "any") -> dict[str, bytes]:
        if not self.reachable:
            raise StorageUnreachable(StorageCode.ARCHIVE_UNREACHABLE())
        return super()._reach(key)

    def _describe(self, key: str, data: bytes) -> StoredBlob:
        blob = super()._describe(key, data)
        return attrs.evolve(blob, archive_checksum=blob.sha256, state=StorageState.ARCHIVE)
