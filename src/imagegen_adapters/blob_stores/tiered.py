"""A local store with an archive behind it: written here, read here first, kept there for good."""

from collections.abc import AsyncIterator

import attrs

from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import StorageState
from imagegen_core.ports.blob_archive import BlobArchive
from imagegen_core.ports.blob_store import BlobStore, StoredBlob


@attrs.frozen(kw_only=True)
class TieredBlobStore:
    """Whether an image's bytes are here, there or at both places makes no difference to its reader.

    `put` and `delete` only touch the local store and need no network; the outbox carries both on to
    the archive. `stat` says ``local`` for what is here, without asking the archive for more.
    """

    local: BlobStore
    archive: BlobArchive

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        return await self.local.put(key, chunks, content_type=content_type)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        at = start
        try:
            async for chunk in self.local.open(key, start=start, end=end):
                at += len(chunk)
                yield chunk
            return
        except (BlobMissing, StorageError) as error:
            failed = error
        try:  # a disk that fails in the middle is gone on with from where it failed
            async for chunk in self.archive.open(key, start=at, end=end):
                yield chunk
        except BlobMissing:
            raise failed from None

    async def stat(self, key: str) -> StoredBlob | None:
        return await self.local.stat(key) or await self.archive.stat(key)

    async def locate(self, key: str) -> StorageState | None:
        """Ask both stores where the blob is; None when it is nowhere.

        Raises:
            StorageUnreachable: the archive does not answer now.
        """
        there = await self.archive.stat(key)
        if await self.local.stat(key) is None:
            return None if there is None else StorageState.OSS
        return StorageState.LOCAL if there is None else StorageState.BOTH

    async def delete(self, key: str) -> None:
        await self.local.delete(key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        here = set()
        async for key in self.local.keys(prefix):
            here.add(key)
            yield key
        async for key in self.archive.keys(prefix):
            if key not in here:
                yield key
