"""An archive in memory: for tests of what looks after two stores."""

from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.blob_stores.crc64 import Crc64
from imagegen_adapters.blob_stores.memory import MemoryBlobStore
from imagegen_core.errors import StorageError, StorageUnreachable
from imagegen_core.images import StorageState
from imagegen_core.ports.blob_store import BlobStore, StoredBlob


@attrs.define(kw_only=True)
class MemoryBlobArchive:
    """Keeps whole blobs in the dictionary ``blobs``; while it is not ``reachable`` every call raises."""

    blobs: dict[str, bytes] = attrs.field(factory=dict)
    reachable: bool = True

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        return _archived(await self._store().put(key, chunks, content_type=content_type))

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
            raise StorageError(f"blob {key!r} has {blob.size_bytes} bytes, not {size_bytes}")
        store.blobs.update(copy.blobs)
        return _archived(blob)

    async def matches(self, source: BlobStore, key: str) -> bool:
        archived = await self.stat(key)
        crc64, size_bytes = Crc64(), 0
        async for chunk in source.open(key):
            crc64.update(chunk)
            size_bytes += len(chunk)
        return archived is not None and (archived.size_bytes, archived.crc64) == (size_bytes, crc64.value)

    def _store(self) -> MemoryBlobStore:
        """Return the store of the same blobs.

        Raises:
            StorageUnreachable: nobody answers.
        """
        if not self.reachable:
            raise StorageUnreachable("the archive does not answer")
        return MemoryBlobStore(self.blobs)


def _archived(blob: StoredBlob) -> StoredBlob:
    return attrs.evolve(blob, state=StorageState.OSS)
