"""Blobs in PostgreSQL: the local tier of nodes that share an archive, for what it does not accept now."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

from imagegen_adapters.databases.postgresql import Database
from imagegen_adapters.databases.postgresql.files import Files, in_chunks
from imagegen_core.ports.blobs import RunningChecksum, StoredBlob, check_key


class PostgresqlBlobStore:
    """Stores blobs where each node can read them; all puts are durable.

    Args:
        database: an open database.
        checksum: makes the checksum of the archive behind this store, to compute it while writing.
    """

    def __init__(self, database: Database, *, checksum: Callable[[], RunningChecksum] | None = None) -> None:
        self._files = Files(database, "images")
        self._checksum = checksum

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        sha256 = hashlib.sha256()
        checksum = None if self._checksum is None else self._checksum()
        updates = [sha256.update] if checksum is None else [sha256.update, checksum.update]
        file = await self._files.put(check_key(key), _passing(in_chunks(chunks), updates))
        return StoredBlob(
            key=key,
            size_bytes=file.size_bytes,
            sha256=sha256.hexdigest(),
            archive_checksum=None if checksum is None else checksum.text,
        )

    async def sync(self, key: str) -> None:
        check_key(key)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in self._files.open(check_key(key), start=start, end=end):
            yield chunk

    async def stat(self, key: str) -> StoredBlob | None:
        file = await self._files.get(check_key(key))
        return None if file is None else StoredBlob(key=key, size_bytes=file.size_bytes)

    async def delete(self, key: str) -> None:
        await self._files.delete(check_key(key))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        async for file in self._files.starting_with(prefix):
            yield file.key


async def _passing(
    chunks: AsyncIterator[bytes], updates: Sequence[Callable[[bytes], None]]
) -> AsyncIterator[bytes]:
    """Yield the chunks, each after a thread has taken it into the checksums."""
    async for chunk in chunks:
        for update in updates:
            await asyncio.to_thread(update, chunk)
        yield chunk
