"""Delete an image: readers no longer find it at once; its bytes are removed once every store responds."""

import logging
from collections.abc import Callable

import attrs

from imagegen_core.errors import StorageError
from imagegen_core.images import Image
from imagegen_core.ports.blobs import BlobStore
from imagegen_core.ports.image_records import ImageRecords

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class DeleteImage:
    """The outbox records what is still to be removed, so that a store that is down now is retried later."""

    records: ImageRecords
    blobs: BlobStore
    on_change: Callable[[], object]

    async def __call__(self, *, image_id: int) -> Image:
        """Return the deleted record.

        Raises:
            ImageNotFound: there is none.
        """
        image = await self.records.delete(image_id)
        for key in (image.blob_key, image.thumbnail_key):
            if key is None:
                continue
            try:
                await self.blobs.delete(key)
            except StorageError:
                _log.warning("the bytes of a deleted image are removed later", extra={"image_id": image_id})
        self.on_change()
        return image
