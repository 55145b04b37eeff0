"""Records of the stored images, and the search over their prompts."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from imagegen_core.images import Image, StorageState
from imagegen_core.operations import Operation
from imagegen_core.search import Page, Paging, SearchQuery


@attrs.frozen(kw_only=True)
class ImageFilter:
    """Which images; None means any. ``created_from`` is inclusive, ``created_to`` exclusive.

    ``tag`` is compared as `fold_name` compares names; ``collection`` is an id, which need not exist.
    """

    provider_name: str | None = None
    model_id: str | None = None
    operation: Operation | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    favourite: bool | None = None
    tag: str | None = None
    collection: int | None = None


class SearchMode(StrEnum):
    """``contains``: only prompts that contain all words. ``relevant``: followed by similar ones."""

    CONTAINS = "contains"
    RELEVANT = "relevant"


class Match(StrEnum):
    """How an image matched."""

    EXACT = "exact"
    SIMILAR = "close"


@attrs.frozen(kw_only=True)
class SearchHit:
    """An image that matches a search."""

    image: Image
    match: Match = Match.EXACT


class ImageRecords(Protocol):
    """Records are added by `TaskRepository.save_attempt`, in one transaction with the attempt."""

    async def get(self, image_id: int) -> Image:
        """Return the image's record.

        Raises:
            ImageNotFound: there is none, or it has been deleted.
        """
        ...

    async def by_task(self, task_id: str) -> tuple[Image, ...]:
        """Return the images of a task in the order of their parts and positions."""
        ...

    async def find(self, criteria: ImageFilter, paging: Paging) -> Page[Image]:
        """Return images, newest first; ``paging.after`` is an id, and only older images follow it."""
        ...

    async def search(
        self, query: SearchQuery, mode: SearchMode, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        """Return images whose folded prompt contains every word, newest first, then similar ones if relevant.

        Raises:
            Unavailable: the search took longer than two seconds.
        """
        ...

    async def delete(self, image_id: int) -> Image:
        """Remove the record, its marks and its search index entry, and add its blobs to the outbox.

        Raises:
            ImageNotFound: there is none.
        """
        ...

    async def delete_all(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        """Do the same for all of the images at once, and return those that there were."""
        ...

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        """Record where the bytes are; a deleted record is no error."""
        ...
