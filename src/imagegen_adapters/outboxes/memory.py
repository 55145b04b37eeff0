"""An outbox in memory, over the state shared by the in-memory adapters."""

from datetime import datetime

import attrs

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.images import StorageState
from imagegen_core.messages import Message
from imagegen_core.ports.outbox import MAX_DEFERRAL, OutboxCounts, OutboxEntry, OutboxKind


class MemoryOutbox:
    """Also takes over removals that `MemoryImageRecords.delete` records in ``state``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._entries: dict[int, OutboxEntry] = {}
        self._last_id = 0

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        waiting = {entry.blob_key for entry in self._all() if entry.kind is OutboxKind.UPLOAD}
        missing = [
            image
            for image in self._state.images.values()
            if image.storage is StorageState.LOCAL and image.blob_key not in waiting
        ]
        for image in missing[:limit]:
            self._add(OutboxKind.UPLOAD, image.blob_key, image.id)
        return len(missing[:limit])

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        claimed = [
            attrs.evolve(entry, attempts=entry.attempts + 1)
            for entry in await self.peek(due=due, after=after, limit=limit)
        ]
        self._entries.update((entry.id, entry) for entry in claimed)
        return tuple(claimed)

    async def peek(
        self, *, due: datetime | None, after: int = 0, limit: int = 100
    ) -> tuple[OutboxEntry, ...]:
        return tuple(
            entry for entry in self._all() if entry.id > after and (due is None or _is_due(entry, due))
        )[:limit]

    async def complete(self, entry: OutboxEntry) -> None:
        self._entries.pop(entry.id, None)

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        if entry.id in self._entries:
            self._entries[entry.id] = attrs.evolve(entry, not_before=not_before, last_error=error)

    async def next_due(self) -> datetime | None:
        return min((entry.not_before for entry in self._all() if entry.not_before), default=None)

    async def counts(self) -> OutboxCounts:
        entries = self._all()
        errors = [entry.last_error for entry in entries if entry.last_error is not None]
        uploads = sum(entry.kind is OutboxKind.UPLOAD for entry in entries)
        return OutboxCounts(
            uploads=uploads,
            removals=len(entries) - uploads,
            failing=len(errors),
            last_error=errors[-1] if errors else None,
        )

    def _all(self) -> list[OutboxEntry]:
        while self._state.removals:
            key = self._state.removals.pop(0)
            for entry in list(self._entries.values()):
                if entry.blob_key == key:  # a blob to be removed is not uploaded
                    del self._entries[entry.id]
            self._add(OutboxKind.REMOVE, key, None)
        return list(self._entries.values())

    def _add(self, kind: OutboxKind, key: str, image_id: int | None) -> None:
        self._last_id += 1
        self._entries[self._last_id] = OutboxEntry(
            id=self._last_id, kind=kind, blob_key=key, image_id=image_id
        )


def _is_due(entry: OutboxEntry, due: datetime) -> bool:
    return entry.not_before is None or not due < entry.not_before <= due + MAX_DEFERRAL
