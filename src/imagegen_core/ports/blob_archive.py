"""A blob store behind the first one: far away, safe, and now and then out of reach."""

from typing import Protocol

from imagegen_core.ports.blob_store import BlobStore, StoredBlob


class BlobArchive(BlobStore, Protocol):
    """Its `stat` tells ``crc64`` from the archive's own checksum, so that it can prove what it holds.

    What it tells of its blobs has the state ``oss``. While it does not answer, every method raises
    `StorageUnreachable`.
    """

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        """Take a blob over from another store, under the same key; return its size and checksums.

        A large one goes part by part, and a later call goes on where an earlier one was broken off.

        Raises:
            BlobMissing: the source has no such blob.
            StorageUnreachable: the archive does not answer now.
            StorageError: it refused, the source had another size, or the checksum that it told is not
                that of what was sent; then nothing is kept.
        """
        ...

    async def matches(self, source: BlobStore, key: str) -> bool:
        """Tell whether the archive's own size and checksum are those of the bytes that the source has now.

        Raises:
            BlobMissing: the source has no such blob.
            StorageUnreachable: the archive does not answer now.
        """
        ...
