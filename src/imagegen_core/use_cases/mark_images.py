"""Change the favourites, tags and collections of images: of one that is shown, or of many at once."""

import logging
from collections.abc import Sequence

import attrs

from imagegen_core.errors import ImageNotFound, ValidationFailed
from imagegen_core.images import Image
from imagegen_core.limits import MAX_BATCH_IMAGES
from imagegen_core.marks import ChangedImages, MarkChange, tag_name, tag_names
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.problems import ProblemCode

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class MarkImages:
    """Changes all of the images in one transaction; called again, it changes nothing."""

    marks: ImageMarks

    async def __call__(self, *, image_ids: Sequence[int], change: MarkChange) -> ChangedImages:
        """Return what was changed; names of tags are given as people write them.

        Raises:
            ValidationFailed: too many images, or a name that no tag can have.
            CollectionNotFound: there is no such collection.
            TooManyTags: some of the images would have too many; none was changed.
        """
        ids = distinct_ids(image_ids)
        clean = attrs.evolve(
            change,
            tags=None if change.tags is None else tag_names(change.tags),
            tag=None if change.tag is None else tag_name(change.tag),
            untag=None if change.untag is None else tag_name(change.untag),
        )
        result = await self.marks.change(ids, clean)
        _log.info(
            "the marks of images were changed",
            extra={"change": _changes(clean), "images": len(ids), "changed": result.changed},
        )
        return result


@attrs.frozen(kw_only=True)
class MarkImage:
    """Changes one image."""

    mark_images: MarkImages
    records: ImageRecords

    async def __call__(self, *, image_id: int, change: MarkChange) -> Image:
        """Return the image as it is then.

        Raises:
            ImageNotFound: there is none.
            ValidationFailed, CollectionNotFound, TooManyTags: as for `MarkImages`.
        """
        result = await self.mark_images(image_ids=(image_id,), change=change)
        if result.missing:
            raise ImageNotFound(image_id)
        return await self.records.get(image_id)


def distinct_ids(image_ids: Sequence[int]) -> tuple[int, ...]:
    """Return the ids, each once, in their order.

    Raises:
        ValidationFailed: there are more than one request may change.
    """
    if len(image_ids) > MAX_BATCH_IMAGES:
        raise ValidationFailed.for_field("ids", ProblemCode.TOO_MANY_ITEMS(maximum=MAX_BATCH_IMAGES))
    return tuple(dict.fromkeys(image_ids))


def _changes(change: MarkChange) -> dict[str, object]:
    return {name: value for name, value in attrs.asdict(change).items() if value is not None}
