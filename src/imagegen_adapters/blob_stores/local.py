"""Blobs as files in a directory tree."""

import asyncio
import contextlib
import errno
import itertools
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.blob_stores.atomic_file import (
    TEMPORARY_MARK,
    AtomicFile,
    RunningChecksum,
    sync_directory,
)
from imagegen_adapters.blob_stores.disk_errors import disk_errors
from imagegen_adapters.blob_stores.durable_directories import DurableDirectories
from imagegen_adapters.blob_stores.keys import check_key, is_key
from imagegen_adapters.blob_stores.open_file import close_opened, open_file
from imagegen_adapters.threads.worker_threads import WorkerThreads
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.blob_store import StoredBlob

T = TypeVar("T")

_MAX_BATCH_BYTES = 512 * 1024  # handed to a thread at once; each hop costs some 10 µs and a switch
# Shared by all running puts, and by all running reads; exceeded only beyond 500 of them, see `_batch_bytes`.
_MAX_BUFFERED_BYTES = 32 * 1024 * 1024
_MIN_BATCH_BYTES = 32 * 1024
# Concurrent reads per thread: hundreds that complete at once would block the event loop for long.
_READS_PER_THREAD = 2
_NAMES_PER_BATCH = 1000  # directory entries listed per hop


class LocalBlobStore:
    """Stores each blob as the file ``root/key``, written atomically and durably.

    Args:
        root: the directory; created (mode 0700) with the first blob.
        checksum: makes the checksum of the archive behind this store, to compute it while writing.
        threads: the number of concurrent file operations.
        is_synced: False for a cache, whose files need not survive a power cut.
    """

    def __init__(
        self,
        root: Path,
        *,
        checksum: Callable[[], RunningChecksum] | None = None,
        threads: int = 4,
        is_synced: bool = True,
    ) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow symbolic links
        self._directories = DurableDirectories(self.root)
        self._checksum = checksum
        self._is_synced = is_synced
        self._threads = WorkerThreads("local-blobs", threads)
        self._puts = self._opens = 0
        self._reads = asyncio.Semaphore(_READS_PER_THREAD * threads)

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        path = self._path(key)
        file = AtomicFile(
            path,
            checksum=self._checksum and self._checksum(),
            make_parent=self._directories.make,
            is_synced=self._is_synced,
        )
        self._puts += 1
        try:
            last = await self._fill(file, key, chunks)
            with disk_errors(key):
                committing = partial(self._commit, file, last, path.parent, durable=durable)
                size, sha256, checksum = await self.run(committing)
        except BaseException:  # cancelled too, it leaves no temporary file
            await asyncio.shield(self._threads.start(file.abandon))
            raise
        finally:
            self._puts -= 1
        return StoredBlob(key=key, size_bytes=size, sha256=sha256, archive_checksum=checksum)

    async def sync(self, key: str) -> None:
        path = self._path(key)
        with contextlib.suppress(BlobMissing), disk_errors(key):
            await self.run(partial(self._sync, path.parent))

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._path(key)
        async with self._reads:
            opening = self._threads.start(partial(open_file, path, start, end, _batch_bytes(self._opens + 1)))
            try:
                with disk_errors(key):
                    file, chunk = await asyncio.shield(opening)
            except asyncio.CancelledError:
                opening.add_done_callback(close_opened)
                raise
        if file is None:
            if chunk:
                yield chunk
            return
        self._opens += 1
        try:
            yield chunk
            start += len(chunk)
            stop = file.size if end is None else min(end, file.size)
            while start < stop:
                length = min(_batch_bytes(self._opens), stop - start)
                with disk_errors(key):
                    async with self._reads:
                        chunk = await self.run(partial(file.read, length, start))
                start += length
                yield chunk
        finally:
            self._opens -= 1
            self._threads.start(file.close)  # queued behind a read that a cancelled caller left running

    async def stat(self, key: str) -> StoredBlob | None:
        path = self._path(key)
        try:
            with disk_errors(key):
                size = await self.run(partial(_size, path))
        except BlobMissing:
            return None
        return StoredBlob(key=key, size_bytes=size)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        with contextlib.suppress(BlobMissing), disk_errors(key):
            await self.run(partial(_remove, path))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        names = self._walk(prefix)
        while True:
            with disk_errors(prefix):
                batch = await self.run(lambda: list(itertools.islice(names, _NAMES_PER_BATCH)))
            if not batch:
                return
            for name in batch:
                if is_key(name) and name.startswith(prefix):
                    yield name

    async def sweep_temporary(self, *, before: datetime | None = None) -> int:
        """Remove temporary files of unfinished puts and return their number.

        Args:
            before: remove only files last modified before this time; None removes all of them, which is safe
                only while nothing is being written, such as at the start of the service.
        """
        limit = None if before is None else before.timestamp()
        with disk_errors("temporary files"):
            return await self.run(partial(self._sweep, limit))

    def close(self) -> None:
        """Shut the threads down."""
        self._threads.close()

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    async def run(self, function: Callable[[], T]) -> T:
        """Run the function in one of the store's threads and return its result."""
        return await self._threads.start(function)

    def _commit(
        self, file: AtomicFile, chunks: list[bytes], directory: Path, *, durable: bool
    ) -> tuple[int, str, str | None]:
        committed = file.commit(chunks)
        if durable:
            self._sync(directory)
        return committed

    def _sync(self, directory: Path) -> None:
        """Make the names in the directory durable, and its own."""
        sync_directory(directory)
        self._directories.ensure(directory)

    async def _fill(self, file: AtomicFile, key: str, chunks: AsyncIterator[bytes]) -> list[bytes]:
        """Write one batch while the next one is being received; return the last one, not yet written."""
        writing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        writing.set_result(None)
        batch: list[bytes] = []
        batch_size = 0
        try:
            async for chunk in chunks:
                batch.append(chunk)
                batch_size += len(chunk)
                if batch_size >= _batch_bytes(self._puts):
                    with disk_errors(key):
                        await writing
                    writing = self._write(file, batch)
                    batch, batch_size = [], 0
        except BaseException:  # cancelled too, nobody awaits the write any more
            writing.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # mark it as retrieved
            raise
        with disk_errors(key):
            await writing
        return batch

    def _write(self, file: AtomicFile, batch: list[bytes]) -> asyncio.Future[None]:
        return self._threads.start(partial(file.write, batch))

    def _walk(self, prefix: str = "") -> Iterator[str]:
        """Yield the names in the directory that ``prefix`` leads to and below; blocking."""
        folder = prefix.rpartition("/")[0]
        if folder and not is_key(folder):
            return
        for directory, _, files in os.walk(self.root / folder, onerror=_raise_unless_missing):
            relative = os.path.relpath(directory, self.root)
            for file in files:
                yield file if relative == "." else f"{relative}/{file}"

    def _sweep(self, limit: float | None) -> int:
        removed = 0
        for name in [name for name in self._walk() if TEMPORARY_MARK in name]:
            path = self.root / name
            with contextlib.suppress(FileNotFoundError):
                if limit is None or path.lstat().st_mtime < limit:
                    path.unlink()
                    removed += 1
        return removed


def _batch_bytes(streams: int) -> int:
    """Return the batch size for each of the concurrent streams, which hold two batches each."""
    return max(_MIN_BATCH_BYTES, min(_MAX_BATCH_BYTES, _MAX_BUFFERED_BYTES // (2 * streams)))


def _size(path: Path) -> int:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return status.st_size


def _remove(path: Path) -> None:
    path.unlink()
    sync_directory(path.parent)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
