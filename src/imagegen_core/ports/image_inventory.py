"""Which images should be in which store, for storage maintenance."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from imagegen_core.images import Image, StorageState


class ImageInventory(Protocol):
    """Reads the image records in batches; the cost of a batch does not grow with their number."""

    async def images(
        self, *, state: StorageState | None = None, after: int = 0, limit: int = 100
    ) -> tuple[Image, ...]:
        """Return images with ids above ``after``, in the order of ids; only of ``state`` if it is set."""
        ...

    async def aged(
        self, *, created_before: datetime, after: Image | None = None, limit: int = 100
    ) -> tuple[Image, ...]:
        """Return images that are in both stores and were created before, oldest first, behind ``after``."""
        ...

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        """Return how many images there are, restricted to ``state`` and ``created_before`` if they are set.

        Unlike the others this scans all of them; it is for the progress of a long pass.
        """
        ...

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of the keys that belong to no image, neither as its bytes nor as its thumbnail."""
        ...
