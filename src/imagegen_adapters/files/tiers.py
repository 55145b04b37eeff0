"""A local store backed by an archive: written and read locally first, kept permanently in the archive."""

from collections.abc import AsyncIterator

import attrs

from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.ports.blobs import BlobArchive, BlobStore, StoredBlob, check_key


@attrs.frozen(kw_only=True)
class TieredBlobStore:
    """Reads a blob from whichever store holds it.

    `put` and `delete` touch only the local store and need no network; the outbox applies both to the
    archive later. `stat` reports ``local`` for a blob in the local store, without querying the archive.
    """

    local: BlobStore
    archive: BlobArchive

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        return await self.local.put(key, chunks, content_type=content_type, durable=durable)

    async def sync(self, key: str) -> None:
        await self.local.sync(key)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        offset = start
        try:
            async for chunk in self.local.open(key, start=start, end=end):
                offset += len(chunk)
                yield chunk
            return
        except (BlobMissing, StorageError) as error:
            local_error = error
        try:  # where a local read failed midway, the archive continues at the same offset
            async for chunk in self.archive.open(key, start=offset, end=end):
                yield chunk
        except BlobMissing:
            raise local_error from None

    async def stat(self, key: str) -> StoredBlob | None:
        return await self.local.stat(key) or await self.archive.stat(key)

    async def delete(self, key: str) -> None:
        await self.local.delete(key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        local_keys = set()
        async for key in self.local.keys(prefix):
            local_keys.add(key)
            yield key
        async for key in self.archive.keys(prefix):
            if key not in local_keys:
                yield key


@attrs.frozen(kw_only=True)
class ArchiveFirstBlobStore(TieredBlobStore):
    """Puts blobs straight into the archive; reads from the local store first.

    The stream given to `put` cannot be restarted, and its content was paid for. So `put` probes the archive
    before it consumes the stream, and while the archive is unreachable or refuses requests, the blob goes to
    the local store, from which the outbox uploads it later. It is durable in any case, since the next blob of
    its directory may go to the other store.
    """

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        try:
            await self.archive.stat(key)
        except StorageError:
            return await self.local.put(key, chunks, content_type=content_type)
        blob = await self.archive.put(key, chunks, content_type=content_type)
        await self.local.delete(key)  # an earlier version there would be read first
        return blob

    async def sync(self, key: str) -> None:
        check_key(key)

    async def delete(self, key: str) -> None:
        await self.local.delete(key)
        await self.archive.delete(key)
