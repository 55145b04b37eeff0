"""Blobs in memory, for tests and for library users who need no persistence."""

import hashlib
from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.blob_stores.keys import check_key
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.blob_store import StoredBlob

_CHUNK_BYTES = 256 * 1024


@attrs.define
class MemoryBlobStore:
    """Keeps whole blobs in the dictionary ``blobs``, which tests may read and modify."""

    blobs: dict[str, bytes] = attrs.field(factory=dict)

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        check_key(key)
        data = b"".join([chunk async for chunk in chunks])
        self.blobs[key] = data
        return self._describe(key, data)

    async def sync(self, key: str) -> None:
        check_key(key)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        data = self.blobs.get(check_key(key))
        if data is None:
            raise BlobMissing(key)
        stop = len(data) if end is None else min(end, len(data))
        for offset in range(start, stop, _CHUNK_BYTES):
            yield data[offset : min(offset + _CHUNK_BYTES, stop)]

    async def stat(self, key: str) -> StoredBlob | None:
        data = self.blobs.get(check_key(key))
        return None if data is None else self._describe(key, data)

    async def delete(self, key: str) -> None:
        self.blobs.pop(check_key(key), None)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        for key in list(self.blobs):
            if key.startswith(prefix):
                yield key

    def _describe(self, key: str, data: bytes) -> StoredBlob:
        return StoredBlob(key=key, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
