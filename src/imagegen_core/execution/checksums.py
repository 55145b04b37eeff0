"""Checksums of stored blobs."""

import hashlib

from imagegen_core.ports.blobs import BlobStore


async def sha256_of(store: BlobStore, key: str) -> str:
    """Return the SHA-256 of a blob's present bytes, in hex.

    Raises:
        BlobMissing: the store has no such key.
        StorageError: the bytes cannot be read.
    """
    sha256 = hashlib.sha256()
    async for chunk in store.open(key):
        sha256.update(chunk)
    return sha256.hexdigest()
