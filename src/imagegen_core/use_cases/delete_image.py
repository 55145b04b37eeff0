"""Delete an image: gone for readers at once, its bytes as soon as every store lets them go."""

import logging
from collections.abc import Callable

import attrs

from imagegen_core.errors import StorageError
from imagegen_core.images import Image
from imagegen_core.ports.blob_store import BlobStore
from imagegen_core.ports.image_records import ImageRecords

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class DeleteImage:
    """The record remembers what is still to remove, so a store that is down now is asked again later."""

    records: ImageRecords
    blobs: BlobStore
    stored: Callable[[], object]

    async def __call__(self, *, image_id: int) -> Image:
        """Return the record as it was.

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
                _log.warning("a deleted image's bytes are removed later", extra={"image_id": image_id})
        self.stored()
        return image
