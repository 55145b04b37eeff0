"""Stores blobs directly in the archive, and on the local disk only while the archive is unavailable."""

from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.blob_stores.keys import check_key
from imagegen_adapters.blob_stores.tiered import TieredBlobStore
from imagegen_core.errors import StorageError
from imagegen_core.ports.blob_store import StoredBlob


@attrs.frozen(kw_only=True)
class ArchiveFirstBlobStore:
    """Puts blobs straight into the archive; reads from the local store first.

    The stream given to `put` cannot be restarted, and its content was paid for. So `put` probes the archive
    before it consumes the stream, and while the archive is unreachable or refuses requests, the blob goes to
    the local store, from which the outbox uploads it later. It is durable in any case, since the next blob of
    its directory may go to the other store.
    """

    tiers: TieredBlobStore

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        try:
            await self.tiers.archive.stat(key)
        except StorageError:
            return await self.tiers.local.put(key, chunks, content_type=content_type)
        blob = await self.tiers.archive.put(key, chunks, content_type=content_type)
        await self.tiers.local.delete(key)  # an earlier version there would be read first
        return blob

    async def sync(self, key: str) -> None:
        check_key(key)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self.tiers.open(key, start=start, end=end)

    async def stat(self, key: str) -> StoredBlob | None:
        return await self.tiers.stat(key)

    async def delete(self, key: str) -> None:
        await self.tiers.local.delete(key)
        await self.tiers.archive.delete(key)

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        return self.tiers.keys(prefix)
