"""The images of a data directory, copied to the archive that all nodes read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import attrs

from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import Image, MediaType, StorageState
from imagegen_core.ports.blobs import BlobArchive, BlobStore
from imagegen_core.running.storing import sha256_of
from imagegen_core.services.upkeep import copy_to_archive

T = TypeVar("T")
R = TypeVar("R")

_MAX_CONCURRENT = 8
_MEDIA_TYPES = {media_type.extension: media_type.value for media_type in MediaType}


@attrs.frozen(kw_only=True)
class ImageFiles:
    """Copies files from the local store, each of which is read only, to the archive.

    What the archive has already is not sent again.
    """

    local: BlobStore
    archive: BlobArchive

    async def copy_all(self, images: Sequence[Image]) -> list[int | None]:
        """Copy images and their thumbnails; return for each what `copy` does.

        Raises:
            StorageError: the archive refuses, or does not respond now.
        """
        return await _concurrently(self.copy, images)

    async def copy(self, image: Image) -> int | None:
        """Return how many bytes were sent; None if neither store has the bytes of the record."""
        size = await self._copy_image(image)
        if size is None or image.thumbnail_key is None:
            return size
        return size + await self._copy_file(image.thumbnail_key)

    async def estimate_all(self, images: Sequence[Image]) -> list[int | None]:
        """Return for each image what `copy` would, judged by sizes alone and without the thumbnail.

        Raises:
            StorageError: the archive refuses, or does not respond now.
        """
        return await _concurrently(self._estimate, images)

    async def copy_unrecorded(self, keys: Sequence[str]) -> list[int]:
        """Copy files without a record, which an unfinished task may have paid for; return the bytes sent."""
        return await _concurrently(self._copy_file, keys)

    async def _estimate(self, image: Image) -> int | None:
        archived = await self.archive.stat(image.blob_key)
        has_size = archived is not None and archived.size_bytes == image.size_bytes
        if has_size and image.storage is not StorageState.LOCAL:
            return 0
        if await self._has_local_size(image):
            return image.size_bytes
        return 0 if has_size else None

    async def _has_local_size(self, image: Image) -> bool:
        try:
            blob = await self.local.stat(image.blob_key)
        except StorageError:  # to be reported as missing, as what cannot be read is by `copy`
            return False
        return blob is not None and blob.size_bytes == image.size_bytes

    async def _copy_image(self, image: Image) -> int | None:
        archived = await self.archive.stat(image.blob_key)
        has_size = archived is not None and archived.size_bytes == image.size_bytes
        proof = None if archived is None else archived.archive_checksum
        if has_size and image.archive_checksum is not None and image.archive_checksum == proof:
            return 0
        if not await self._is_intact(image):
            return 0 if has_size and await self._was_archived(image) else None
        if has_size and await self.archive.matches(self.local, image.blob_key):
            return 0
        return (await copy_to_archive(image, self.local, self.archive)).size_bytes

    async def _is_intact(self, image: Image) -> bool:
        try:
            return await sha256_of(self.local, image.blob_key) == image.sha256
        except (BlobMissing, StorageError):  # to be reported as missing, if the archive does not have it
            return False

    async def _was_archived(self, image: Image) -> bool:
        """Return whether the archive has proved to hold the image, then or now."""
        if image.storage is not StorageState.LOCAL:
            return True
        return await sha256_of(self.archive, image.blob_key) == image.sha256

    async def _copy_file(self, key: str) -> int:
        """Return how many bytes were sent of a file; a missing one can be made again from its image."""
        blob = await self.local.stat(key)
        if blob is None or await self.archive.stat(key) is not None:
            return 0
        content_type = _MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        copy = await self.archive.copy_from(
            self.local, key, size_bytes=blob.size_bytes, content_type=content_type
        )
        return copy.size_bytes


async def _concurrently(act: Callable[[T], Awaitable[R]], items: Sequence[T]) -> list[R]:
    """Return the results in the order of the items, once all have ended; raise the first error."""
    gate = asyncio.Semaphore(_MAX_CONCURRENT)

    async def guarded(item: T) -> R:
        async with gate:
            return await act(item)

    results = await asyncio.gather(*map(guarded, items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
