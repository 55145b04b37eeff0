"""The blob of an image that an earlier try stored and did not record."""

from collections.abc import AsyncIterator

import attrs

from imagegen_core.errors import BlobMissing
from imagegen_core.execution.checksums import sha256_of
from imagegen_core.execution.image_keys import ImageKeys
from imagegen_core.images import MediaType
from imagegen_core.ports.blobs import BlobStore, StoredBlob

_LATEST_EPOCHS = 3
"""Claims whose keys are asked for one by one; a list shows what earlier ones stored."""


async def earlier_blob(blobs: BlobStore, keys: ImageKeys, epoch: int) -> tuple[StoredBlob, MediaType] | None:
    """Return the blob with its SHA-256 as read now, and its type; None if there is none.

    ``epoch`` is that of the claim that looks for it.

    Raises:
        StorageError: the store cannot be read now.
    """
    try:
        async for key in _earlier_keys(blobs, keys, epoch):
            mime_type = keys.media_type(key)
            blob = None if mime_type is None else await blobs.stat(key)
            if mime_type is not None and blob is not None:
                return attrs.evolve(blob, sha256=await sha256_of(blobs, key)), mime_type
    except BlobMissing:
        pass
    return None


async def _earlier_keys(blobs: BlobStore, keys: ImageKeys, epoch: int) -> AsyncIterator[str]:
    """Yield the keys that the store lists; those of the latest tries anyway, since a list may be late."""
    async for key in blobs.keys(keys.prefix):
        yield key
    for number in range(epoch, max(epoch - _LATEST_EPOCHS, -1), -1):
        for media_type in MediaType:
            yield keys.of_epoch(number, media_type)
