"""Blobs as files in a directory tree, written atomically and durably, and a spool of them.

Spooled files are ``root/folder/name``, kept ones ``inputs/folder/name``.
"""

import asyncio
import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import stat
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from imagegen_adapters.threads import WorkerThreads
from imagegen_core.errors import BlobMissing, StorageError, StorageFull
from imagegen_core.messages import StorageCode
from imagegen_core.ports.blobs import StoredBlob, bounded, check_key, is_key
from imagegen_core.ports.tools import Clock


class RunningChecksum(Protocol):
    """A checksum of an archive, computed while bytes pass by."""

    @property
    def text(self) -> str:
        """As the archive writes it."""

    def update(self, data: bytes) -> None: ...


@contextlib.contextmanager
def disk_errors(key: str) -> Iterator[None]:
    """Translate `OSError` to the port's errors, without any path in the message."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BlobMissing(key) from error
    except OSError as error:
        kind = StorageFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StorageError
        raise kind(StorageCode.BLOB_FAILED(key=key, detail=error.strerror or type(error).__name__)) from error


TEMPORARY_MARK = "~"  # in every temporary name, and in no valid key
_numbers = itertools.count()


def make_directory(path: Path) -> None:
    """Create the directory and missing parents with mode 0700, syncing each new name."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes) -> None:
    """Write and sync a whole file, or none, in a directory that exists."""
    file = AtomicFile(path)
    try:
        file.commit([data])
        sync_directory(path.parent)
    finally:
        file.abandon()


class AtomicFile:
    """A temporary file next to ``path``, readable by its owner only, until `commit` renames it.

    Its methods block and may raise `OSError`. `abandon` does nothing after `commit`; it waits for a write in
    another thread, so that a cancelled task never closes a descriptor in use. After it, `write` does nothing
    and `commit` raises. With ``is_synced=False`` the bytes may not survive a power cut.
    """

    def __init__(
        self,
        path: Path,
        *,
        checksum: RunningChecksum | None = None,
        make_parent: Callable[[Path], None] = make_directory,
        is_synced: bool = True,
    ) -> None:
        self._path = path
        self._make_parent = make_parent
        self._is_synced = is_synced
        self._temporary = ""
        self._fd: int | None = None
        self._lock = threading.Lock()
        self._finished = False
        self._sha256 = hashlib.sha256()
        self._checksum = checksum
        self.size = 0

    def write(self, chunks: Sequence[bytes]) -> None:
        with self._lock:
            if not self._finished:
                self._append(self._created(), b"".join(chunks))

    def commit(self, chunks: Sequence[bytes] = ()) -> tuple[int, str, str | None]:
        """Append the last chunks and rename the synced file; return size, SHA-256 and archive checksum.

        A power cut may undo the renaming until `sync_directory`.
        """
        with self._lock:
            if self._finished:  # its descriptor may belong to another file by now
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
            fd = self._created()
            self._append(fd, b"".join(chunks))
            if self._is_synced:
                os.fsync(fd)
            os.replace(self._temporary, self._path)  # noqa: PTH105 - one system call, on strings
            self._finished = True
            os.close(fd)
        return self.size, self._sha256.hexdigest(), None if self._checksum is None else self._checksum.text

    def abandon(self) -> None:
        """Remove the temporary file, unless it was committed."""
        with self._lock:
            if self._finished or self._fd is None:
                self._finished = True
                return
            self._finished = True
            with contextlib.suppress(OSError):
                os.close(self._fd)
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)  # noqa: PTH108 - one system call, on strings

    def _created(self) -> int:
        if self._fd is None:
            try:
                self._temporary, self._fd = _create_beside(self._path)
            except (FileNotFoundError, NotADirectoryError):
                self._make_parent(self._path.parent)
                self._temporary, self._fd = _create_beside(self._path)
        return self._fd

    def _append(self, fd: int, data: bytes) -> None:
        """Write all in few large calls: each system call and each hash releases the GIL."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        self._sha256.update(data)
        if self._checksum is not None:
            self._checksum.update(data)
        self.size += len(data)


def _create_beside(path: Path) -> tuple[str, int]:
    while True:
        name = f"{path}{TEMPORARY_MARK}{os.getpid()}-{next(_numbers)}"
        try:
            return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:  # left by an earlier process with the same id
            continue


_MAX_REMEMBERED = 4096


class DurableDirectories:
    """Which directories below a root are durable. Its methods block and may raise `OSError`.

    A directory that exists may not be: its maker may not have synced the parent yet, or was killed before.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[Path] = set()
        self._lock = threading.Lock()

    def make(self, path: Path) -> None:
        with self._lock:
            make_directory(path)
            self._remember([path])

    def ensure(self, path: Path) -> None:
        """Make the directory's name durable; one sync does so for its neighbours, too."""
        if path in self._durable:
            return
        with self._lock:
            for directory in (path, *path.parents):
                if directory in self._durable or not directory.is_relative_to(self._root):
                    return
                neighbours = _directories(directory.parent) if directory != self._root else [directory]
                sync_directory(directory.parent)
                self._remember(neighbours)

    def _remember(self, directories: list[Path]) -> None:
        if len(self._durable) + len(directories) > _MAX_REMEMBERED:  # another sync, at worst
            self._durable.clear()
        self._durable.update(directories)


def _directories(parent: Path) -> list[Path]:
    with os.scandir(parent) as entries:
        return [parent / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


class OpenFile:
    """A file read at offsets by any thread; it is closed when nobody refers to it."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        weakref.finalize(self, os.close, self._fd)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a regular file")
        self.size = status.st_size

    def read(self, length: int, offset: int) -> bytes:
        chunk = os.pread(self._fd, length, offset)
        if len(chunk) != length:  # blobs are only ever replaced, so the disk has lost part of the file
            raise OSError(errno.EIO, "the file became shorter while it was read")
        return chunk


def open_file(path: Path, start: int, end: int | None, max_bytes: int) -> tuple[OpenFile | None, int, bytes]:
    """Return the open file (None if the first piece is all), where the range ends, and the first piece."""
    file = OpenFile(path)
    stop = file.size if end is None else min(end, file.size)
    length = max(0, min(max_bytes, stop - start))
    return file if start + length < stop else None, stop, file.read(length, start)


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

    ``checksum`` is that of the archive behind this store, computed while writing. ``is_synced`` is False for
    a cache, whose files need not survive a power cut.
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
        self._threads = WorkerThreads(threads, "local-blobs")
        self._puts = self._opens = 0
        self._reads = asyncio.Semaphore(_READS_PER_THREAD * threads)

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        path = self.root / check_key(key)
        file = AtomicFile(
            path,
            checksum=self._checksum and self._checksum(),
            make_parent=self._directories.make,
            is_synced=self._is_synced,
        )

        def commit() -> tuple[int, str, str | None]:
            committed = file.commit(last)
            if self._is_synced:
                self._sync(path.parent)
            return committed

        self._puts += 1
        try:
            last = await self._fill(file, key, chunks)
            with disk_errors(key):
                size, sha256, checksum = await self.run(commit)
        except BaseException:  # cancelled too, it leaves no temporary file
            await asyncio.shield(self._threads.start(file.abandon))
            raise
        finally:
            self._puts -= 1
        return StoredBlob(key=key, size_bytes=size, sha256=sha256, archive_checksum=checksum)

    async def sync(self, key: str) -> None:
        path = self.root / check_key(key)
        with contextlib.suppress(BlobMissing), disk_errors(key):
            await self.run(partial(self._sync, path.parent))

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self.root / check_key(key)
        async with self._reads:
            with disk_errors(key):
                size = _batch_bytes(self._opens + 1)
                file, stop, chunk = await self.run(partial(open_file, path, start, end, size))
        if chunk and file is None:
            yield chunk
        if file is None:
            return
        self._opens += 1
        try:
            yield chunk
            start += len(chunk)
            while start < stop:
                length = min(_batch_bytes(self._opens), stop - start)
                with disk_errors(key):
                    async with self._reads:
                        chunk = await self.run(partial(file.read, length, start))
                start += length
                yield chunk
        finally:
            self._opens -= 1

    async def stat(self, key: str) -> StoredBlob | None:
        path = self.root / check_key(key)
        try:
            with disk_errors(key):
                size = await self.run(partial(_size, path))
        except BlobMissing:
            return None
        return StoredBlob(key=key, size_bytes=size)

    async def delete(self, key: str) -> None:
        path = self.root / check_key(key)
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

    async def sweep_temporary(self) -> int:
        """Remove temporary files of unfinished puts while nothing is written; return their number."""
        with disk_errors("temporary files"):
            return await self.run(self._sweep)

    def close(self) -> None:
        self._threads.shutdown()

    async def run(self, function: Callable[[], T]) -> T:
        return await self._threads.start(function)

    def _sync(self, directory: Path) -> None:
        sync_directory(directory)
        self._directories.ensure(directory)

    async def _fill(self, file: AtomicFile, key: str, chunks: AsyncIterator[bytes]) -> list[bytes]:
        """Write each batch while the next is received; return the last one, not yet written."""
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
                    writing = self._threads.start(partial(file.write, batch))
                    batch, batch_size = [], 0
        except BaseException:  # cancelled too, nobody awaits the write any more
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieves it
            raise
        with disk_errors(key):
            await writing
        return batch

    def _walk(self, prefix: str = "") -> Iterator[str]:
        """Yield the names in the directory of ``prefix`` and below; blocking."""
        folder = prefix.rpartition("/")[0]
        if folder and not is_key(folder):
            return
        for directory, _, files in os.walk(self.root / folder, onerror=_raise_unless_missing):
            relative = os.path.relpath(directory, self.root)
            for file in files:
                yield file if relative == "." else f"{relative}/{file}"

    def _sweep(self) -> int:
        unfinished = [name for name in self._walk() if TEMPORARY_MARK in name]
        for name in unfinished:
            (self.root / name).unlink(missing_ok=True)
        return len(unfinished)


def _batch_bytes(streams: int) -> int:
    """Return the batch size of concurrent streams, which hold two batches each."""
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


# ---------------------------------------------------------------- the spool

_CLOCK_STEP_SECONDS = 0.001  # the clock is truncated to milliseconds, modification times are not


class LocalSpool:
    """Writes files atomically and durably, readable by their owner only.

    Kept files are moved to ``inputs``, which has to be on the same file system as ``root``.
    """

    def __init__(self, root: Path, inputs: Path, *, clock: Clock) -> None:
        self._root = root
        self._inputs = inputs
        self._clock = clock
        self._files = LocalBlobStore(root)
        self._input_files = LocalBlobStore(inputs)

    async def put(self, folder: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        blob = await self._files.put(
            f"{folder}/{name}", bounded(chunks, max_bytes), content_type="application/octet-stream"
        )
        return blob.size_bytes

    async def fetch(self, folder: str) -> None:
        """All files are in the directory already."""

    def open(self, folder: str, name: str) -> BinaryIO:
        key = check_key(f"{folder}/{name}")
        for root in (self._root, self._inputs):  # in the order in which a file moves
            with contextlib.suppress(FileNotFoundError):
                return (root / key).open("rb")
        raise BlobMissing(key)

    async def chunks(
        self, folder: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        key = f"{folder}/{name}"
        try:
            async for chunk in self._files.open(key, start=start, end=end):
                yield chunk
        except BlobMissing:  # before the first chunk: it is kept, if it is anywhere
            async for chunk in self._input_files.open(key, start=start, end=end):
                yield chunk

    async def keep(self, folder: str, names: Collection[str]) -> None:
        try:
            with disk_errors(check_key(folder)):
                await self._files.run(lambda: self._keep(folder, names))
        except BlobMissing as error:  # somebody removes or keeps them at the same time
            raise StorageError(error.reason) from error

    def _keep(self, folder: str, names: Collection[str]) -> None:
        source, target = self._root / folder, self._inputs / folder
        spooled = [name for name in names if (source / name).exists()]
        if spooled:
            was_there = target.is_dir()
            make_directory(target)
            for name in spooled:
                (source / name).rename(target / name)
            sync_directory(target)
            if was_there:  # made by a process that may have been killed before it synced the name
                sync_directory(self._inputs)
        shutil.rmtree(source, ignore_errors=True)

    async def files(self, folder: str) -> Mapping[str, int]:
        def sizes() -> dict[str, int]:
            by_name: dict[str, int] = {}
            for root in (self._inputs, self._root):
                with contextlib.suppress(FileNotFoundError), os.scandir(root / folder) as entries:
                    by_name |= {entry.name: entry.stat().st_size for entry in entries if is_key(entry.name)}
            return dict(sorted(by_name.items()))

        with disk_errors(check_key(folder)):
            return await self._files.run(sizes)

    async def holds(self, folders: Collection[str]) -> frozenset[str]:
        def has_any(folder: str) -> bool:
            return any(_has_entry(root / check_key(folder)) for root in (self._root, self._inputs))

        return await self._files.run(lambda: frozenset(filter(has_any, folders)))

    async def remove(self, folder: str) -> None:
        for root in (self._root, self._inputs):
            directory = root / check_key(folder)
            if directory.exists():
                await self._files.run(partial(shutil.rmtree, directory, ignore_errors=True))

    async def folders(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = (self._clock.now() - timedelta(seconds=older_than_seconds)).timestamp()

        def written_before() -> tuple[str, ...]:
            with contextlib.suppress(FileNotFoundError), os.scandir(self._root) as entries:
                return tuple(sorted(entry.name for entry in entries if _written_before(entry, limit)))
            return ()

        return await self._files.run(written_before)

    async def sweep_temporary(self) -> int:
        """Remove temporary files and empty folders at the start; return the number of files."""

        def remove_empty() -> None:
            for directory in self._root.iterdir():
                with contextlib.suppress(OSError):  # it has files, or is one
                    directory.rmdir()

        if swept := await self._files.sweep_temporary():
            await self._files.run(remove_empty)
        return swept

    def close(self) -> None:
        self._files.close()
        self._input_files.close()


def _written_before(entry: os.DirEntry[str], limit: float) -> bool:
    """Whether it is a directory last modified before ``limit``, and not removed meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return entry.is_dir() and entry.stat().st_mtime < limit + _CLOCK_STEP_SECONDS
    return False


def _has_entry(directory: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        return next(entries, None) is not None
    return False
