"""Delete many images at once: readers no longer find them; their bytes are removed by the next sweep."""

import logging
from collections.abc import Callable, Sequence

import attrs

from imagegen_core.marks import ChangedImages
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.use_cases.mark_images import distinct_ids

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class DeleteImages:
    """Removes the records in one transaction, with what the outbox needs to remove the bytes."""

    records: ImageRecords
    on_change: Callable[[], object]

    async def __call__(self, *, image_ids: Sequence[int]) -> ChangedImages:
        """Return how many were deleted, and which there were not.

        Raises:
            ValidationFailed: there are too many ids.
        """
        ids = distinct_ids(image_ids)
        deleted = {image.id for image in await self.records.delete_all(ids)}
        _log.info("images were deleted", extra={"images": len(ids), "changed": len(deleted)})
        self.on_change()
        return ChangedImages(
            changed=len(deleted), missing=tuple(image_id for image_id in ids if image_id not in deleted)
        )
