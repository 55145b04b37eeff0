"""Copies of images in the archive, which count once the archive has proved that it holds the same bytes."""

from imagegen_core.errors import StorageError
from imagegen_core.images import Image
from imagegen_core.ports.blobs import BlobArchive, BlobStore, StoredBlob
from imagegen_core.problems import StorageCode


async def copy_to_archive(image: Image, source: BlobStore, archive: BlobArchive) -> StoredBlob:
    """Copy an image and return the copy.

    A separate request to the archive returns the size and checksum of the bytes that were sent, and those are
    the bytes of the image's record.

    Raises:
        BlobMissing: the source does not have the image.
        StorageUnreachable: the archive does not respond now.
        StorageError: it refused, or holds other bytes, or the source does; then the archive keeps nothing.
    """
    copy = await archive.copy_from(
        source, image.blob_key, size_bytes=image.size_bytes, content_type=image.mime_type.value
    )
    if copy.sha256 not in (None, image.sha256):
        await archive.delete(image.blob_key)
        raise content_changed(image)
    archived = await archive.stat(image.blob_key)
    expected = (image.size_bytes, copy.archive_checksum)
    if archived is None or (archived.size_bytes, archived.archive_checksum) != expected:
        await archive.delete(image.blob_key)
        raise StorageError(StorageCode.ARCHIVE_DIFFERS(image_id=image.id))
    return copy


def content_changed(image: Image) -> StorageError:
    """Return the error for an image whose file is not the one that was recorded."""
    return StorageError(StorageCode.LOCAL_FILE_CHANGED(image_id=image.id))
