"""What people put on images: favourites, tags and collections; and the styles that they keep."""

from collections.abc import Collection as Ids
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from imagegen_core.batch import Style
from imagegen_core.images import ChangedImages, Collection, MarkChange, TagUse


class Marks(Protocol):
    """A `Gallery` shows the marks of an image, filters by them, and deletes them with it.

    Names are compared as `fold_name` folds them. Of equal tags the first that was written is shown, while any
    image has it. Every change is idempotent.

    Raises:
        CollectionNotFound: the collection to change does not exist.
        CollectionExists: another one has the name.
    """

    async def change(self, image_ids: Ids[int], change: MarkChange) -> ChangedImages:
        """Change the marks of all images or, if it raises, of none; ids without an image are no error.

        Raises:
            TooManyTags: some of the images would have more than `MAX_TAGS`.
        """

    async def tags(self, prefix: str, limit: int) -> tuple[TagUse, ...]:
        """Return the most used tags whose folded names begin with the folded prefix."""

    async def collections(self) -> tuple[Collection, ...]:
        """Return all collections, newest first."""

    async def add_collection(self, name: str, created_at: datetime) -> Collection:
        """Add an empty collection, with an id that none ever had.

        Raises:
            TooManyCollections: there are `MAX_COLLECTIONS`.
        """

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        """Give a collection another name."""

    async def remove_collection(self, collection_id: int) -> None:
        """Remove a collection; its images stay."""

    async def styles(self) -> tuple[Style, ...]:
        """Return all saved styles, the highest id first."""

    async def change_styles(self, saved: Sequence[Style] = (), removed: Ids[str] = ()) -> None:
        """Save each style in place of that of the same id, and remove others; all or, if it raises, nothing.

        Raises:
            ValidationFailed: there would be more than `MAX_STYLES`.
        """
