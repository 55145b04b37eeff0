"""The pictures of the state that the adapters in memory share."""

from collections.abc import Collection
from datetime import datetime

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.images import Image, StorageState


class MemoryPictureInventory:
    """Reads ``state``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def pictures(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        return tuple(
            image
            for image in self._state.images.values()
            if image.id > after
            and state in (None, image.storage)
            and (created_before is None or image.created_at < created_before)
        )[:limit]

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        known = {
            key for image in self._state.images.values() for key in (image.blob_key, image.thumbnail_key)
        }
        return frozenset(keys) - known
