"""An archive in memory, for tests that involve two stores."""

import hashlib
from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.blob_stores.memory import MemoryBlobStore
from imagegen_core.errors import StorageError, StorageUnreachable
from imagegen_core.images import StorageState
from imagegen_core.ports.blob_store import BlobStore, StoredBlob
from imagegen_core.problems.storage import StorageCode


@attrs.define(kw_only=True)
class MemoryBlobArchive:
    """Keeps whole blobs in the dictionary ``blobs``; unless ``reachable``, every call raises."""

    blobs: dict[str, bytes] = attrs.field(factory=dict)
    reachable: bool = True

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        return _archived(await self._store().put(key, chunks, content_type=content_type))

    async def sync(self, key: str) -> None:
        await self._store().sync(key)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in self._store().open(key, start=start, end=end):
            yield chunk

    async def stat(self, key: str) -> StoredBlob | None:
        blob = await self._store().stat(key)
        return None if blob is None else _archived(blob)

    async def delete(self, key: str) -> None:
        await self._store().delete(key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        async for key in self._store().keys(prefix):
            yield key

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        store, copy = self._store(), MemoryBlobStore()
        blob = await copy.put(key, source.open(key), content_type=content_type)
        if blob.size_bytes != size_bytes:
            raise StorageError(
                StorageCode.BLOB_OF_OTHER_SIZE(key=key, size=blob.size_bytes, expected=size_bytes)
            )
        store.blobs.update(copy.blobs)
        return _archived(blob)

    async def matches(self, source: BlobStore, key: str) -> bool:
        archived = await self.stat(key)
        sha256 = hashlib.sha256()
        async for chunk in source.open(key):
            sha256.update(chunk)
        return archived is not None and archived.archive_checksum == sha256.hexdigest()

    def _store(self) -> MemoryBlobStore:
        """Return a store over the same blobs.

        Raises:
            StorageUnreachable: the archive is set to be unreachable.
        """
        if not self.reachable:
            raise StorageUnreachable(StorageCode.ARCHIVE_UNREACHABLE())
        return MemoryBlobStore(self.blobs)


def _archived(blob: StoredBlob) -> StoredBlob:
    return attrs.evolve(blob, archive_checksum=blob.sha256, state=StorageState.ARCHIVE)
