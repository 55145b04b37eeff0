"""Blobs as files below one directory."""

import asyncio
import contextlib
import errno
import itertools
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.blob_stores.atomic_file import TEMPORARY_MARK, AtomicFile, sync_directory
from imagegen_adapters.blob_stores.keys import check_key, is_key
from imagegen_core.errors import BlobMissing, StorageError, StorageFull
from imagegen_core.ports.blob_store import StoredBlob

T = TypeVar("T")

_MAX_BATCH_BYTES = 512 * 1024  # bytes handed to a thread at once; each hop costs some 0.1 ms
# Bytes that all puts, or all reads, together wait with, unless there are more than 500.
_MAX_BUFFERED_BYTES = 32 * 1024 * 1024
_MIN_BATCH_BYTES = 32 * 1024
# Reads under way for each thread: hundreds that end at once would be one long turn of the event loop.
_READS_PER_THREAD = 2
_DISK_FULL_ERRNOS = frozenset((errno.ENOSPC, errno.EDQUOT))
_NAMES_PER_BATCH = 1000  # directory entries read in one hop


class LocalBlobStore:
    """Keeps each blob as the file ``root/key``: written beside it, synced, renamed, its directory synced.

    Args:
        root: the directory; it is made (mode 0700) with the first blob.
        crc64: also compute OSS's checksum while writing.
        threads: how many files are read or written at the same moment.
    """

    def __init__(self, root: Path, *, crc64: bool = False, threads: int = 4) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links
        self._crc64 = crc64
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="local-blobs")
        self._puts = self._opens = 0
        self._reads = asyncio.Semaphore(_READS_PER_THREAD * threads)

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        path = self._path(key)
        with _storage_errors(key):
            file = await self.run(lambda: AtomicFile(path, crc64=self._crc64))
        self._puts += 1
        try:
            await self._fill(file, key, chunks)
            with _storage_errors(key):
                size, sha256, crc64 = await self.run(file.commit)
        except BaseException:
            await asyncio.shield(self.run(file.abandon))
            raise
        finally:
            self._puts -= 1
        return StoredBlob(key=key, size_bytes=size, sha256=sha256, crc64=crc64)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._path(key)
        with _storage_errors(key):
            file = await self.run(lambda: _OpenFile(path))
        self._opens += 1
        try:
            stop = file.size if end is None else min(end, file.size)
            while start < stop:
                length = min(_batch_bytes(self._opens), stop - start)
                with _storage_errors(key):
                    async with self._reads:
                        piece = await self.run(partial(file.read, length, start))
                start += length
                yield piece
        finally:
            self._opens -= 1
            self._pool.submit(file.close)  # behind a read that a cancelled caller left running

    async def stat(self, key: str) -> StoredBlob | None:
        path = self._path(key)
        try:
            with _storage_errors(key):
                size = await self.run(lambda: _size(path))
        except BlobMissing:
            return None
        return StoredBlob(key=key, size_bytes=size)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        with contextlib.suppress(BlobMissing), _storage_errors(key):
            await self.run(lambda: _remove(path))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        names = self._walk(prefix)
        while True:
            with _storage_errors(prefix):
                batch = await self.run(lambda: list(itertools.islice(names, _NAMES_PER_BATCH)))
            if not batch:
                return
            for name in batch:
                if is_key(name) and name.startswith(prefix):
                    yield name

    async def sweep_temporary(self, *, before: datetime | None = None) -> int:
        """Remove what unfinished puts left behind and return how many files that were.

        Args:
            before: only those that were last written before; None for all of them, which is right
                only while nobody writes (at the start of the one process that does).
        """
        limit = None if before is None else before.timestamp()
        with _storage_errors("temporary files"):
            return await self.run(lambda: self._sweep(limit))

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=True)

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    async def run(self, act: Callable[[], T]) -> T:
        """Return what ``act`` returns, done in one of the threads that use this disk."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, act)

    async def _fill(self, file: AtomicFile, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Write one batch while the next arrives."""
        writing = self._write(file, [])
        batch: list[bytes] = []
        held = 0
        try:
            async for chunk in chunks:
                batch.append(chunk)
                held += len(chunk)
                if held >= _batch_bytes(self._puts):
                    with _storage_errors(key):
                        await writing
                    writing = self._write(file, batch)
                    batch, held = [], 0
        except BaseException:
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is known
            raise
        with _storage_errors(key):
            await writing
            await self._write(file, batch)

    def _write(self, file: AtomicFile, batch: list[bytes]) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._pool, file.write, batch)

    def _walk(self, prefix: str = "") -> Iterator[str]:
        """Yield the names below the directory that ``prefix`` leads to; blocking."""
        inside = prefix.rpartition("/")[0]
        if inside and not is_key(inside):
            return
        for directory, _, files in os.walk(self.root / inside, onerror=_raise_unless_missing):
            above = os.path.relpath(directory, self.root)
            for file in files:
                yield file if above == "." else f"{above}/{file}"

    def _sweep(self, limit: float | None) -> int:
        swept = 0
        for name in [name for name in self._walk() if TEMPORARY_MARK in name]:
            path = self.root / name
            with contextlib.suppress(FileNotFoundError):
                if limit is None or path.lstat().st_mtime < limit:
                    path.unlink()
                    swept += 1
        return swept


def _batch_bytes(number: int) -> int:
    """Return how much each of so many may hold: one batch fills up, or is sent, beside another."""
    return max(_MIN_BATCH_BYTES, min(_MAX_BATCH_BYTES, _MAX_BUFFERED_BYTES // (2 * number)))


class _OpenFile:
    """A file that is read at offsets by one thread after another; closed only when none is in it."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._lock = threading.Lock()
        found = os.fstat(self._fd)
        self.size = found.st_size
        if not stat.S_ISREG(found.st_mode):
            os.close(self._fd)
            raise FileNotFoundError(errno.ENOENT, "not a regular file")

    def read(self, length: int, at: int) -> bytes:
        with self._lock:
            piece = os.pread(self._fd, length, at)
        if len(piece) != length:  # never so with a file that is only replaced, unless the disk lost its end
            raise OSError(errno.EIO, "the file became shorter while it was read")
        return piece

    def close(self) -> None:
        with self._lock:
            os.close(self._fd)


def _size(path: Path) -> int:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return found.st_size


def _remove(path: Path) -> None:
    path.unlink()
    sync_directory(path.parent)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextlib.contextmanager
def _storage_errors(key: str) -> Iterator[None]:
    """Translate `OSError`: what is not there is missing, the rest is a failure. No path gets out."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BlobMissing(key) from error
    except OSError as error:
        kind = StorageFull if error.errno in _DISK_FULL_ERRNOS else StorageError
        raise kind(f"blob {key!r}: {error.strerror or type(error).__name__}") from error
