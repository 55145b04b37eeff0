"""The images in the state shared by the in-memory adapters."""

from collections.abc import Collection
from datetime import datetime

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.images import Image, StorageState


class MemoryImageInventory:
    """Reads ``state``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def images(
        self, *, state: StorageState | None = None, after: int = 0, limit: int = 100
    ) -> tuple[Image, ...]:
        return tuple(image for image in self._in_state(state) if image.id > after)[:limit]

    async def aged(
        self, *, created_before: datetime, after: Image | None = None, limit: int = 100
    ) -> tuple[Image, ...]:
        old = [image for image in self._in_state(StorageState.BOTH) if image.created_at < created_before]
        return tuple(image for image in sorted(old, key=_age) if after is None or _age(image) > _age(after))[
            :limit
        ]

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        return sum(
            created_before is None or image.created_at < created_before for image in self._in_state(state)
        )

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        recorded = {
            key for image in self._state.images.values() for key in (image.blob_key, image.thumbnail_key)
        }
        return frozenset(keys) - recorded

    def _in_state(self, state: StorageState | None) -> list[Image]:
        return [image for image in self._state.images.values() if state in (None, image.storage)]


def _age(image: Image) -> tuple[datetime, int]:
    return image.created_at, image.id
