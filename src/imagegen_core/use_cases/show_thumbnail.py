"""Show a picture's thumbnail; one that was lost is made again, once."""

import logging
from collections.abc import AsyncIterator

import attrs

from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError
from imagegen_core.images import Image
from imagegen_core.ports.blob_store import BlobStore
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.picture_inspector import InspectorUnavailable, PictureInspector, PictureRejected

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ShowThumbnail:
    """It was made with the picture and lies beside it, also where only the archive has the picture itself."""

    records: ImageRecords
    pictures: BlobStore
    inspector: PictureInspector

    async def __call__(self, *, image_id: int) -> tuple[Image, bytes]:
        """Return the picture's record and its thumbnail.

        Raises:
            ImageNotFound: there is no such picture.
            BlobMissing: neither the thumbnail nor the picture is anywhere.
            StorageError: the picture cannot be read or decoded now.
        """
        image = await self.records.get(image_id)
        if image.thumbnail_key is not None:
            try:
                return image, b"".join([chunk async for chunk in self.pictures.open(image.thumbnail_key)])
            except (BlobMissing, StorageError):  # the archive was asked for it, too, and may not answer
                pass
        try:
            made = await self.inspector.inspect(self.pictures.open(image.blob_key))
        except (PictureRejected, InspectorUnavailable) as error:
            raise StorageError(f"no thumbnail can be made of picture {image_id}: {error}") from error
        await self._keep(image, made.thumbnail)
        return image, made.thumbnail

    async def _keep(self, image: Image, thumbnail: bytes) -> None:
        if image.thumbnail_key is None:
            return
        try:
            await self.pictures.put(image.thumbnail_key, _once(thumbnail), content_type="image/webp")
        except StorageError as error:
            _log.warning("a thumbnail could not be kept: %s", error, extra={"image_id": image.id})
            return
        try:
            await self.records.get(image.id)
        except ImageNotFound:  # deleted meanwhile, and nobody would remove it any more
            await self.pictures.delete(image.thumbnail_key)
            raise


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
