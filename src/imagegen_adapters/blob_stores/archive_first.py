"""An archive without a disk in front of it, as long as it answers."""

from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.blob_stores.tiered import TieredBlobStore
from imagegen_core.errors import StorageError
from imagegen_core.ports.blob_store import StoredBlob


@attrs.frozen(kw_only=True)
class ArchiveFirstBlobStore:
    """Streams what is put to the archive, and reads what is on the disk before it asks the archive.

    A stream cannot be begun anew, and what comes by it was paid for. So the archive is asked first, and while
    it does not answer, or refuses us, the disk takes it: the outbox carries it on later.
    """

    tiers: TieredBlobStore

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        try:
            await self.tiers.archive.stat(key)
        except StorageError:
            return await self.tiers.local.put(key, chunks, content_type=content_type)
        blob = await self.tiers.archive.put(key, chunks, content_type=content_type)
        await self.tiers.local.delete(key)  # of an earlier put, which would be read first
        return blob

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self.tiers.open(key, start=start, end=end)

    async def stat(self, key: str) -> StoredBlob | None:
        return await self.tiers.stat(key)

    async def delete(self, key: str) -> None:
        await self.tiers.local.delete(key)
        await self.tiers.archive.delete(key)

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        return self.tiers.keys(prefix)
