"""Which images should be where, for those who look after the stores."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from imagegen_core.images import Image, StorageState


class ImageInventory(Protocol):
    """Reads the image records piece by piece; what a piece costs does not grow with their number."""

    async def images(
        self, *, state: StorageState | None = None, after: int = 0, limit: int = 100
    ) -> tuple[Image, ...]:
        """Return images with ids above ``after``, in the order of ids; of one state, if given."""
        ...

    async def aged(
        self, *, created_before: datetime, after: Image | None = None, limit: int = 100
    ) -> tuple[Image, ...]:
        """Return images that are in both stores and were made before, oldest first, behind ``after``."""
        ...

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        """Return how many images there are; of one state and made before, if given.

        This one looks at all of them, for those who want to see how far a long pass is.
        """
        ...

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of the keys that no image has, neither as its bytes nor as its thumbnail."""
        ...
