"""Checksums of what a store holds."""

import hashlib

from imagegen_core.ports.blob_store import BlobStore


async def sha256_of(store: BlobStore, key: str) -> str:
    """Return the SHA-256 of a blob's bytes as they are now, in hex.

    Raises:
        BlobMissing: no such key.
        StorageError: they cannot be read.
    """
    sha256 = hashlib.sha256()
    async for chunk in store.open(key):
        sha256.update(chunk)
    return sha256.hexdigest()
