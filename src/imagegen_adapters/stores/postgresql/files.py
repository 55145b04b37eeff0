"""Files in PostgreSQL: images on their way to the archive, and spooled files of tasks."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import attrs

from imagegen_adapters.files.cache import MAX_COPIED_BYTES, LocalCopies
from imagegen_adapters.files.local import RunningChecksum, disk_errors
from imagegen_adapters.stores import DatabaseCode
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_core.errors import BlobMissing, StorageError, StorageFull, StorageUnreachable
from imagegen_core.messages import StorageCode
from imagegen_core.ports.blobs import StoredBlob, bounded, check_key
from imagegen_core.ports.tools import Clock

T = TypeVar("T")


Retry: TypeAlias = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


async def retried(
    write: Callable[[], Awaitable[T]],
    sleep: Callable[[float], Awaitable[None]],
    waits: tuple[float, ...] = _WAITS,
) -> T:
    """Run an idempotent write, and retry while the server is away, as in a failover, or has no room."""
    for seconds in waits:
        try:
            return await write()
        except (StorageFull, StorageUnreachable):
            await sleep(seconds)
    return await write()


CHUNK_BYTES = 512 * 1024
"""Per row. A file that is being written takes about twice as much memory."""

_ADD_CHUNK = """
INSERT INTO file_chunks (file_id, starts_at, content) VALUES ($1, $2, $3)
ON CONFLICT (file_id, starts_at) DO NOTHING
"""

_FILES_AFTER = """
SELECT file_id, key, size_bytes FROM files
WHERE store = $1 AND key > $2 AND key >= $3 AND ($4::text IS NULL OR key < $4) ORDER BY key LIMIT $5
"""

_READ = """
SELECT substring(content FROM ($2 - starts_at + 1)::integer FOR $3) AS content FROM file_chunks
WHERE file_id = $1 AND starts_at <= $2 ORDER BY starts_at DESC LIMIT 1
"""

_EXISTING_FOLDERS = """
SELECT folder FROM unnest($2::text[]) AS folder
WHERE EXISTS (SELECT FROM files WHERE store = $1 AND key >= folder || '/' AND key < folder || '0')
"""
"""In the order of bytes, 0 follows the slash."""

_FOLDERS = """
WITH unfinished AS (
    DELETE FROM files WHERE file_id IN (
        SELECT file_id FROM files WHERE key IS NULL AND written_at < now() - interval '1 day'
        LIMIT 100 FOR UPDATE SKIP LOCKED
    )
)
SELECT split_part(key, '/', 1) AS folder FROM files WHERE store = $1 AND key IS NOT NULL
GROUP BY 1 HAVING max(written_at) <= $2 ORDER BY 1
"""


@attrs.frozen(kw_only=True)
class StoredFile:
    """A complete file; its number belongs to these bytes, and to none that replace them."""

    file_id: int
    key: str
    size_bytes: int


class Files:
    """The files of one store, under keys of ASCII characters.

    No transaction waits for a slow file: each chunk is a statement of its own, under a number that nobody
    else knows. The last statement makes the file visible. Looking for folders removes what a dead node left
    unfinished, and replaced files, which may be read for a day. ``retry`` repeats failed writes.
    """

    def __init__(self, database: Database, store: str, *, retry: Retry | None = None) -> None:
        self._database = database
        self._store = store
        self._retry = retry

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> StoredFile:
        """Store the bytes durably, replacing those of the key; if ``chunks`` raises, nothing changes."""
        beginning = "INSERT INTO files (store) VALUES ($1) RETURNING file_id"
        file_id, size = await self._write(beginning, self._store), 0
        try:
            async for chunk in in_chunks(chunks):
                await self._write(_ADD_CHUNK, file_id, size, chunk)
                size += len(chunk)
            if not await self._write("SELECT finish_file($1, $2, $3)", file_id, key, size):
                raise StorageUnreachable(DatabaseCode.WRITES_LOST())
        except BaseException:  # cancelled too
            await asyncio.shield(self._abandon(file_id))
            raise
        return StoredFile(file_id=file_id, key=key, size_bytes=size)

    async def get(self, key: str) -> StoredFile | None:
        selecting = "SELECT file_id, key, size_bytes FROM files WHERE store = $1 AND key = $2"
        row = await self._database.row(selecting, self._store, key)
        return None if row is None else StoredFile(**dict(row))

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        file = await self.get(key)
        if file is None:
            raise BlobMissing(key)
        async for chunk in self.read(file, start=start, end=end):
            yield chunk

    async def starting_with(self, prefix: str) -> AsyncIterator[StoredFile]:
        """Yield the files whose keys start with ``prefix``, by key."""
        after, batch = "", 1000
        limit = prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else None  # first after all of the prefix
        while rows := await self._database.rows(_FILES_AFTER, self._store, after, prefix, limit, batch):
            for row in rows:
                yield StoredFile(**dict(row))
            after = rows[-1]["key"]

    async def read(self, file: StoredFile, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to, but not including, ``end``, in chunks of at most 512 KiB."""
        stop = file.size_bytes if end is None else min(end, file.size_bytes)
        while start < stop:
            row = await self._database.row(_READ, file.file_id, start, min(stop - start, CHUNK_BYTES))
            if row is None:
                raise BlobMissing(file.key)
            if not row["content"]:
                raise StorageError(StorageCode.BLOB_SHORTER(key=file.key, size=file.size_bytes))
            start += len(row["content"])
            yield row["content"]

    async def delete(self, key: str) -> None:
        """Remove the file of a key; a missing one is no error."""
        await self._database.rows("DELETE FROM files WHERE store = $1 AND key = $2", self._store, key)

    async def delete_folder(self, folder: str) -> None:
        deleting = "DELETE FROM files WHERE store = $1 AND key >= $2 AND key < $3"
        await self._database.rows(deleting, self._store, f"{folder}/", f"{folder}0")

    async def move_folder(self, folder: str, names: Collection[str], *, store: str) -> None:
        """Move these files of a folder to another store, and remove its others, in one transaction."""
        moving = "SELECT move_files($1, $2, $3, $4)"
        await self._database.rows(moving, self._store, folder, list(names), store)

    async def existing_folders(self, folders: Collection[str]) -> frozenset[str]:
        """Return those folders, the first parts of keys, that have any file."""
        rows = await self._database.rows(_EXISTING_FOLDERS, self._store, list(folders)) if folders else []
        return frozenset(row["folder"] for row in rows)

    async def folders(self, *, written_before: datetime) -> tuple[str, ...]:
        """Return the folders without a file written since; also removes some unfinished files."""
        rows = await self._database.rows(_FOLDERS, self._store, to_timestamp(written_before))
        return tuple(row["folder"] for row in rows)

    async def _write(self, statement: str, *values: Any) -> Any:
        write = partial(self._database.rows, statement, *values)
        rows = await (write() if self._retry is None else self._retry(write))
        return rows[0][0] if rows else None

    async def _abandon(self, file_id: int) -> None:
        with contextlib.suppress(StorageError):  # removed by a later sweep
            await self._database.rows("DELETE FROM files WHERE file_id = $1 AND key IS NULL", file_id)


async def in_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in chunks of 512 KiB; the last one may be shorter."""
    buffer = bytearray()
    async for chunk in chunks:
        if not buffer and len(chunk) == CHUNK_BYTES:
            yield chunk
            continue
        buffer += chunk
        while len(buffer) >= CHUNK_BYTES:
            yield bytes(buffer[:CHUNK_BYTES])
            del buffer[:CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)


class PostgresqlBlobStore:
    """Stores blobs durably where each node can read them; ``checksum`` is made for the archive."""

    def __init__(self, database: Database, *, checksum: Callable[[], RunningChecksum] | None = None) -> None:
        self._files = Files(database, "images")
        self._checksum = checksum

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        sha256 = hashlib.sha256()
        checksum = None if self._checksum is None else self._checksum()

        async def passing() -> AsyncIterator[bytes]:
            async for chunk in in_chunks(chunks):
                await asyncio.to_thread(sha256.update, chunk)
                if checksum is not None:
                    await asyncio.to_thread(checksum.update, chunk)
                yield chunk

        file = await self._files.put(check_key(key), passing())
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


_log = logging.getLogger(__name__)


class PostgresqlSpool:
    """Stores each file in PostgreSQL before `put` returns, so that the death of a node loses none.

    A response is paid for and comes once. So its writes are retried for half a minute while the server is
    away or full. The copy in ``directory``, which belongs to this process, is a cache: an error there does
    not fail the put, and `fetch` makes another. ``copies_puts`` is for processes that open what they put, as
    where tasks run. The database dates files. A kept file moves to another store of it.
    """

    def __init__(
        self,
        database: Database,
        directory: Path,
        *,
        clock: Clock,
        max_copied_bytes: int = MAX_COPIED_BYTES,
        copies_puts: bool = True,
    ) -> None:
        self._files = Files(database, "spool", retry=partial(retried, sleep=clock.sleep))
        self._inputs = Files(database, "inputs")
        self._copies = LocalCopies(directory, max_bytes=max_copied_bytes)
        self._clock = clock
        self._copies_puts = copies_puts

    async def put(self, folder: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        key, content = check_key(f"{folder}/{name}"), in_chunks(bounded(chunks, max_bytes))
        if not self._copies_puts:
            return (await self._files.put(key, content)).size_bytes
        async with self._copies.new() as copy:
            file = await self._files.put(key, copy.written(content))
            try:
                await self._copies.keep(copy, folder, name, file_id=file.file_id)
            except OSError as error:
                await copy.remove()
                _log.warning("a spooled file could not be copied to the local disk: %s", error.strerror)
        return file.size_bytes

    async def fetch(self, folder: str) -> None:
        files = [file async for file in self._files.starting_with(f"{check_key(folder)}/")]
        await self._copies.retain(folder, {file.file_id for file in files})
        for file in files:
            name = file.key.removeprefix(f"{folder}/")
            if not self._copies.holds(folder, name):
                with contextlib.suppress(BlobMissing):  # removed meanwhile
                    await self._copy(file, folder, name)

    def open(self, folder: str, name: str) -> BinaryIO:
        return self._copies.open(folder, name)

    async def chunks(
        self, folder: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        key = check_key(f"{folder}/{name}")
        for store in (self._files, self._inputs):  # in the order in which a file moves
            if (file := await store.get(key)) is not None:
                async for chunk in store.read(file, start=start, end=end):
                    yield chunk
                return
        raise BlobMissing(key)

    async def keep(self, folder: str, names: Collection[str]) -> None:
        await self._files.move_folder(check_key(folder), names, store="inputs")
        await self._copies.retain(folder, ())

    async def files(self, folder: str) -> Mapping[str, int]:
        prefix = f"{check_key(folder)}/"
        sizes = {
            file.key.removeprefix(prefix): file.size_bytes
            for store in (self._inputs, self._files)
            async for file in store.starting_with(prefix)
        }
        return dict(sorted(sizes.items()))

    async def holds(self, folders: Collection[str]) -> frozenset[str]:
        spooled = await self._files.existing_folders(folders)
        return spooled | await self._inputs.existing_folders(set(folders) - spooled)

    async def remove(self, folder: str) -> None:
        await self._files.delete_folder(check_key(folder))
        await self._inputs.delete_folder(folder)
        await self._copies.retain(folder, ())

    async def folders(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = self._clock.now() - timedelta(seconds=older_than_seconds)
        return await self._files.folders(written_before=limit)

    async def sweep_temporary(self) -> int:
        """Remove all copies of an earlier process; return their number. Call this only at the start."""
        return await self._copies.clear()

    async def _copy(self, file: StoredFile, folder: str, name: str) -> None:
        async with self._copies.new() as copy:
            async for _ in copy.written(self._files.read(file)):
                pass
            with disk_errors(file.key):
                await self._copies.keep(copy, folder, name, file_id=file.file_id)
