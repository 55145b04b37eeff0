"""Records of the stored images: lists and searches, when images were made, from what, and where they are."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from imagegen_core.images import Image, StorageState
from imagegen_core.requests import Operation
from imagegen_core.search import Page, Paging, SearchQuery
from imagegen_core.text import text_problem


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
    """An image of a list; how it matched matters only to a search."""

    image: Image
    match: Match = Match.EXACT


@attrs.frozen(kw_only=True)
class ImageList:
    """The images that meet the criteria, newest first, or of these what a search finds.

    A search finds prompts, folded, that contain every word of the query; if its ``mode`` is relevant, similar
    ones follow, best first.
    """

    criteria: ImageFilter = attrs.field(factory=ImageFilter)
    query: SearchQuery | None = None
    mode: SearchMode = SearchMode.CONTAINS

    @property
    def words(self) -> tuple[str, ...]:
        """The folded words that the prompts contain."""
        return () if self.query is None else self.query.words

    @property
    def similar_to(self) -> SearchQuery | None:
        """The query after whose matches similar images follow; None if none do."""
        return self.query if self.mode is SearchMode.RELEVANT else None

    @property
    def is_impossible(self) -> bool:
        """Whether it looks for text that nothing stored can hold."""
        criteria = self.criteria
        names = (n for n in (criteria.provider_name, criteria.model_id, criteria.tag) if n is not None)
        return any(text_problem(text) is not None for text in (*self.words, *names))


@attrs.frozen(kw_only=True)
class Neighbours:
    """The ids of the images that a list shows before and after an image; None at its ends."""

    previous: int | None = None
    next: int | None = None


@attrs.frozen(kw_only=True)
class Relatives:
    """The ids of the images that an image was made from, in their order, and of those made from it."""

    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()


class Gallery(Protocol):
    """Images are added by `TaskRepository.save`, in one transaction with what else is saved.

    Reading a list costs nothing for the images that it leaves out. Quarters are those of `quarter_of`.
    """

    async def get(self, image_id: int) -> Image:
        """Return the image's record.

        Raises:
            ImageNotFound: there is none, or it has been deleted.
        """
        ...

    async def of_task(self, task_id: str) -> tuple[Image, ...]:
        """Return the images of a task in the order of their parts and positions."""
        ...

    async def list(self, images: ImageList, paging: Paging) -> Page[SearchHit]:
        """Return a page of a list; where ``paging.after`` is an id, only older images follow it.

        Raises:
            Unavailable: it took longer than two seconds.
        """
        ...

    async def delete(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        """Remove images at once, and return those that there were; their files are added to the outbox.

        Their marks and their entries of the search index go with them.
        """
        ...

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        """Record where the bytes are; a deleted record is no error."""
        ...

    async def span(self) -> tuple[int, int] | None:
        """Return a first and a last quarter between which all images were made; None if there are none."""
        ...

    async def count_by_quarter(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        """Return how many images were made from each of the quarters, in ascending order, to before the next.

        Of a search those count whose prompts contain the words, in either mode. All images, and those of a
        provider, model or operation between quarters, are counted as fast with a million as with a thousand
        in as many quarters; of other lists, each image takes its time.

        Raises:
            Unavailable: it took longer than two seconds.
        """
        ...

    async def neighbours(self, image_id: int, images: ImageList) -> Neighbours:
        """Return what the list of now shows before and after an image; nothing if it does not show that.

        The similar images of a search are those that its first page would be followed by.

        Raises:
            Unavailable: it took longer than two seconds.
        """
        ...

    async def relatives(self, image_id: int, *, limit: int) -> Relatives:
        """Return the images that an image's task took as inputs, and the newest made from it, newest first.

        Each is there once; images that were deleted are not. Who stores an image notes its parents in the
        same transaction.
        """
        ...

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        """Return those of the ids that images have."""
        ...

    async def stored(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: Image | int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        """Return images in the order of their ids, behind ``after``, at a cost that the others do not add to.

        With ``created_before`` they are those in both stores, in the order of their age, oldest first; only
        there ``after`` has to be an image, and not merely an id.
        """
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
