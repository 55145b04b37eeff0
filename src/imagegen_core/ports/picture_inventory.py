"""Which pictures should be where, for those who look after the stores."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from imagegen_core.images import Image, StorageState


class PictureInventory(Protocol):
    """Reads the picture records in the order of their ids, at a cost that does not grow with their number."""

    async def pictures(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        """Return pictures with ids above ``after``, oldest first; of one state and older, if given."""
        ...

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of the keys that no picture has, neither as its bytes nor as its thumbnail."""
        ...
