"""The second tier of blob storage: remote, durable, and sometimes unreachable."""

from typing import Protocol

from imagegen_core.ports.blob_store import BlobStore, StoredBlob


class BlobArchive(BlobStore, Protocol):
    """A blob store whose `stat` returns its own ``archive_checksum``, which proves that it has the bytes.

    The state of its blobs is ``oss``. While it does not respond, every method raises `StorageUnreachable`.
    """

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        """Copy a blob from another store under the same key; return its size and checksums.

        A large blob is uploaded in parts, and a later call resumes an upload that was interrupted.

        Raises:
            BlobMissing: the source has no such blob.
            StorageUnreachable: the archive does not respond now.
            StorageError: it refused, the source had another size, or its checksum differs from that of the
                bytes that were sent; then the archive keeps nothing.
        """
        ...

    async def matches(self, source: BlobStore, key: str) -> bool:
        """Return whether the archive's own size and checksum match the bytes that the source has now.

        Raises:
            BlobMissing: the source has no such blob.
            StorageUnreachable: the archive does not respond now.
        """
        ...
