"""Show an image's thumbnail; a lost one is rebuilt and stored."""

import asyncio
import logging
from collections.abc import AsyncIterator, MutableMapping
from weakref import WeakValueDictionary

import attrs

from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError
from imagegen_core.images import Image
from imagegen_core.ports.blobs import BlobStore
from imagegen_core.ports.image_inspector import ImageInspector, ImageRejected, InspectorUnavailable
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.problems import StorageCode

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ShowThumbnail:
    """Reads the thumbnail that was stored with the image; it stays local when the image is archived.

    Of those who ask for a lost one at the same moment, one rebuilds it for all.
    """

    records: ImageRecords
    blobs: BlobStore
    inspector: ImageInspector
    _rebuilding: MutableMapping[int, asyncio.Lock] = attrs.field(factory=WeakValueDictionary, init=False)

    async def __call__(self, image: Image) -> bytes:
        """Return the thumbnail of an image.

        Raises:
            ImageNotFound: the image was deleted meanwhile.
            BlobMissing: no store has the thumbnail or the image.
            StorageError: the image cannot be read or decoded now.
        """
        if (thumbnail := await self._stored(image)) is not None:
            return thumbnail
        lock = self._rebuilding.get(image.id) or self._rebuilding.setdefault(image.id, asyncio.Lock())
        async with lock:
            if (thumbnail := await self._stored(image)) is not None:  # somebody else has rebuilt it
                return thumbnail
            return await self._rebuild(image)

    async def _stored(self, image: Image) -> bytes | None:
        if image.thumbnail_key is None:
            return None
        try:
            return b"".join([chunk async for chunk in self.blobs.open(image.thumbnail_key)])
        except (BlobMissing, StorageError):  # the lookup may reach the archive, which may not respond
            return None

    async def _rebuild(self, image: Image) -> bytes:
        try:
            inspection = await self.inspector.inspect(self.blobs.open(image.blob_key))
        except (ImageRejected, InspectorUnavailable) as error:
            raise StorageError(StorageCode.NO_THUMBNAIL(image_id=image.id, reason=error.reason)) from error
        await self._store(image, inspection.thumbnail)
        return inspection.thumbnail

    async def _store(self, image: Image, thumbnail: bytes) -> None:
        if image.thumbnail_key is None:
            return
        try:
            await self.blobs.put(image.thumbnail_key, _once(thumbnail), content_type="image/webp")
        except StorageError as error:
            _log.warning("a thumbnail could not be stored: %s", error, extra={"image_id": image.id})
            return
        try:
            await self.records.get(image.id)
        except ImageNotFound:  # deleted meanwhile: nothing else would ever remove this thumbnail
            await self.blobs.delete(image.thumbnail_key)
            raise


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
