"""Stored images: lists, searches, when and from what they were made, where they are, and their marks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from imagegen_core.batch import Style
from imagegen_core.errors import text_problem
from imagegen_core.images import ChangedImages, Image, MarkChange, StorageState, TagUse
from imagegen_core.images import Collection as ImageCollection
from imagegen_core.requests import Operation
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
    """An image of a list; how it matched matters only to a search."""

    image: Image
    match: Match = Match.EXACT


@attrs.frozen(kw_only=True)
class ImageList:
    """Images that meet the criteria, or what a search finds among them, in the order of the paging.

    A search finds folded prompts that contain every word. In mode ``relevant`` similar ones follow, best
    first.
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
    """Ids of the images before and after an image of a list; None at its ends."""

    previous: int | None = None
    next: int | None = None


@attrs.frozen(kw_only=True)
class Relatives:
    """Ids of the images that an image was made from, in their order, and of those made from it."""

    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class ImageView:
    """An image with its neighbours in a list, and its relatives; of children, at most `MAX_CHILDREN`."""

    image: Image
    neighbours: Neighbours
    relatives: Relatives


class Gallery(Protocol):
    """`TaskRepository.save` adds images, in its transaction. Quarters are those of `quarter_of`.

    Reading a list costs nothing for the images that it leaves out.

    Raises:
        Unavailable: a list, its counts by quarter or its neighbours took longer than two seconds.
    """

    async def get(self, image_id: int) -> Image:
        """Return the image's record.

        Raises:
            ImageNotFound: there is none, or it has been deleted.
        """

    async def of_task(self, task_id: str) -> tuple[Image, ...]:
        """Return the images of a task in the order of their parts and positions."""

    async def of_batch(self, batch_id: str, paging: Paging) -> Page[Image]:
        """Return a page of the images of a batch; the cost is that of all of them."""

    async def list(self, images: ImageList, paging: Paging) -> Page[SearchHit]:
        """Return a page of a list; if ``paging.after`` is an id, only images behind it in that order."""

    async def delete(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        """Remove images, their marks and search entries at once; return those that there were.

        Their files are added to the outbox.
        """

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        """Record where the bytes are, of an image of the trash, too; a deleted record is no error."""

    async def span(self) -> tuple[int, int] | None:
        """Return a first and a last quarter between which all images were made; None if there are none."""

    async def count_by_quarter(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        """Return the number of images from each quarter (ascending) to before the next.

        Of a search, those count whose prompts contain the words, in either mode. With no criteria beyond
        provider, model and operation, the time depends on the number of quarters; otherwise on that of
        images.
        """

    async def neighbours(self, image_id: int, images: ImageList, *, oldest_first: bool = False) -> Neighbours:
        """Return what the list shows now around an image; nothing if it does not show the image.

        The similar images of a search are those that follow its first page.
        """

    async def view(self, image_id: int) -> ImageView:
        """Return an image with its neighbours in the list of all images, and its relatives.

        Those are the inputs of its task, and the newest images made from it, newest first. Each appears once;
        deleted ones do not. Parents are noted in the transaction that stores an image.

        Raises:
            ImageNotFound: there is none, or it has been deleted.
        """

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        """Return those of the ids that images have."""

    async def stored(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: Image | int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        """Return images in the order of their ids, behind ``after``; the cost is that of those returned.

        With ``created_before``: those in both stores, oldest first; ``after`` is then an image, not an id.
        """

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        """Count images by a scan of all; it is for the progress of a long pass."""

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        """Return the keys that are neither the bytes nor the thumbnail of any image, nor of the trash."""


@attrs.frozen(kw_only=True)
class TrashedImage:
    """A deleted image, with the marks that it had, and when it was deleted."""

    image: Image
    trashed_at: datetime


class Trash(Protocol):
    """Deleted images that can be restored; no `Gallery` shows them. Every change is idempotent."""

    async def add(self, image_ids: Collection[int], now: datetime) -> tuple[Image, ...]:
        """Move images here; return those that there were. Their files stay."""

    async def get(self, image_id: int) -> TrashedImage:
        """Return an image of the trash.

        Raises:
            ImageNotFound: it is not here.
        """

    async def list(self, paging: Paging) -> Page[TrashedImage]:
        """Return a page of what was deleted, in the order in which it was."""

    async def restore(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        """Move images back, with their marks and relatives; collections that are gone are left out.

        Return those that were here.
        """

    async def remove(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        """Delete images of the trash for good; return those that were here.

        Their files are added to the outbox.
        """

    async def remove_old(self, before: datetime) -> tuple[Image, ...]:
        """Remove some images that were deleted up to ``before``, as `remove` does; none when all are gone."""


class Marks(Protocol):
    """A `Gallery` shows the marks of an image, filters by them, and deletes them with it.

    Names are compared as `fold_name` folds them. Of equal tags the first that was written is shown, while any
    image has it. Every change is idempotent.

    Raises:
        CollectionNotFound: the collection to change does not exist.
        CollectionExists: another one has the name.
    """

    async def change(self, image_ids: Collection[int], change: MarkChange) -> ChangedImages:
        """Change the marks of all images or, if it raises, of none; ids without an image are no error.

        Raises:
            TooManyTags: some of the images would have more than `MAX_TAGS`.
        """

    async def tags(self, prefix: str, limit: int) -> tuple[TagUse, ...]:
        """Return the most used tags whose folded names begin with the folded prefix."""

    async def collections(self) -> tuple[ImageCollection, ...]:
        """Return all collections, newest first."""

    async def add_collection(self, name: str, created_at: datetime) -> ImageCollection:
        """Add an empty collection, with an id that none ever had.

        Raises:
            TooManyCollections: there are `MAX_COLLECTIONS`.
        """

    async def rename_collection(self, collection_id: int, name: str) -> ImageCollection:
        """Give a collection another name."""

    async def remove_collection(self, collection_id: int) -> None:
        """Remove a collection; its images stay."""

    async def styles(self) -> tuple[Style, ...]:
        """Return all saved styles, the highest id first."""

    async def change_styles(self, saved: Sequence[Style] = (), removed: Collection[str] = ()) -> None:
        """Save each style in place of that of the same id, and remove others; all or, if it raises, nothing.

        Raises:
            ValidationFailed: there would be more than `MAX_STYLES`.
        """
