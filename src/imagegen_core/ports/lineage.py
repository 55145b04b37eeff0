"""Which images were made from which."""

from collections.abc import Collection
from typing import Protocol


class Lineage(Protocol):
    """Follows from the inputs of tasks: who stores an image notes its parents in the same transaction.

    Images that were deleted are in none of the answers.
    """

    async def parents(self, image_id: int) -> tuple[int, ...]:
        """Return the images that an image's task took as inputs, each once, in their order."""
        ...

    async def children(self, image_id: int, *, limit: int) -> tuple[int, ...]:
        """Return the newest images of tasks that took an image as an input, newest first."""
        ...

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        """Return those of the ids that images have."""
        ...
