"""Copies on the local disk of blobs and spooled files, and a local store with an archive behind it."""

import asyncio
import contextlib
import itertools
import shutil
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import attrs

from imagegen_adapters.files.local import AtomicFile, LocalBlobStore
from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.ports.blobs import THUMBNAIL_SUFFIX, BlobArchive, BlobStore, StoredBlob, check_key
from imagegen_core.running.exchange import once

T = TypeVar("T")


class RecentBlobs:
    """The most recent blobs, whole and within ``max_bytes``: the least recently read make room.

    A blob for which there is no room, here or on the disk, is not kept, which is no error. Nothing else may
    use the directory of ``files``, which `clear` empties.
    """

    def __init__(self, files: LocalBlobStore, *, max_bytes: int, has_room: Callable[[], bool]) -> None:
        self._files, self._max_bytes, self._has_room = files, max_bytes, has_room
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._running: set[asyncio.Task[object]] = set()
        self._total_bytes = 0  # of all blobs that are kept or being written

    async def clear(self) -> None:
        """Begin empty: files are not synced, so a power cut may have damaged them."""
        await self._files.run(partial(shutil.rmtree, self._files.root, ignore_errors=True))

    def drop(self, key: str = "") -> None:
        """Remove a blob soon, or without a key all of them."""
        for one in self._sizes.keys() & {key} if key else self._sizes:
            self._start(self._forget(one))

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        data = b"".join([chunk async for chunk in chunks])
        return await asyncio.shield(self._start(self._keep(check_key(key), data)))

    async def _keep(self, key: str, data: bytes) -> StoredBlob:
        if not self._has_room() or not await self._make_room(size := len(data)):
            await self._forget(key)  # an earlier one
            return StoredBlob(key=key, size_bytes=len(data))
        try:
            blob = await self._files.put(key, once(data), content_type="")
            self._sizes[key], size = size, self._sizes.pop(key, 0)  # of another who put it meanwhile
            return blob
        finally:
            self._total_bytes -= size

    async def sync(self, key: str) -> None:
        check_key(key)  # nothing here has to survive

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if await self.stat(key) is None:
            raise BlobMissing(key)
        async for chunk in self._files.open(key, start=start, end=end):
            yield chunk

    async def stat(self, key: str) -> StoredBlob | None:
        """Return what is known of a blob whose file is whole, and count it as read."""
        if check_key(key) in self._sizes:
            self._sizes.move_to_end(key)
            with contextlib.suppress(StorageError):
                blob = await self._files.stat(key)
                return blob if blob is not None and blob.size_bytes == self._sizes.get(key) else None
        return None

    async def delete(self, key: str) -> None:
        await self._forget(check_key(key))

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        return self._files.keys(prefix)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _make_room(self, size: int) -> bool:
        """Reserve bytes, for which the least recently read blobs are removed."""
        if size > self._max_bytes:
            return False
        self._total_bytes += size
        while self._total_bytes > self._max_bytes and self._sizes:
            await self._forget(next(iter(self._sizes)))
        if self._total_bytes > self._max_bytes:  # others are written, which need all of it
            self._total_bytes -= size
            return False
        return True

    async def _forget(self, key: str) -> None:
        """Remove a blob from the disk."""
        size = self._sizes.pop(key, None)
        if size is not None:
            self._total_bytes -= size
            with contextlib.suppress(StorageError):  # it is written over when it comes again
                await self._files.delete(key)


class CachedBlobStore(RecentBlobs):
    """A cache of the blobs of ``store``, each read once for all its readers; writes go to the store.

    If the disk fails, is full or was tampered with, readers get the bytes from the store. What other
    processes put under a cached key is not seen: keys are made from ids and are not used again.
    """

    def __init__(
        self, store: BlobStore, files: LocalBlobStore, *, max_bytes: int, has_room: Callable[[], bool]
    ) -> None:
        super().__init__(files, max_bytes=max_bytes, has_room=has_room)
        self._store = store
        self._fetches: dict[str, asyncio.Task[bool]] = {}

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        try:
            return await self._store.put(key, chunks, content_type=content_type)
        finally:
            await self._forget(key)

    async def sync(self, key: str) -> None:
        await self._store.sync(key)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if await self._is_cached(check_key(key)):
            try:
                async for chunk in self._files.open(key, start=start, end=end):
                    start += len(chunk)
                    yield chunk
            except (BlobMissing, StorageError):  # the store goes on at the same offset
                await self._forget(key)
            else:
                return
        async for chunk in self._store.open(key, start=start, end=end):
            yield chunk

    async def stat(self, key: str) -> StoredBlob | None:
        return await self._store.stat(key)

    async def delete(self, key: str) -> None:
        try:
            await self._store.delete(key)
        finally:
            await self._forget(key)

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        return self._store.keys(prefix)

    async def _is_cached(self, key: str) -> bool:
        """Fetch the blob unless it is on the disk; return whether all of it is there."""
        if key in self._sizes:
            if await super().stat(key) is not None:
                return True
            await self._forget(key)
        if key not in self._fetches:
            self._fetches[key] = self._start(self._fetch(key))
        return await asyncio.shield(self._fetches[key])

    async def _fetch(self, key: str) -> bool:
        """Return whether the blob is kept; if not, the store tells its readers what is wrong."""
        size = 0
        try:
            blob = await self._store.stat(key)
            if blob is None or not self._has_room() or not await self._make_room(blob.size_bytes):
                return False
            size = blob.size_bytes
            copy = await self._files.put(key, self._store.open(key), content_type="")
            if copy.size_bytes != size or self._fetches.get(key) is not asyncio.current_task():
                await self._files.delete(key)  # cut off, or replaced meanwhile
                return False
            self._sizes[key], size = size, 0
        except (StorageError, BlobMissing):
            return False
        else:
            return True
        finally:
            self._total_bytes -= size
            if self._fetches.get(key) is asyncio.current_task():
                del self._fetches[key]

    async def _forget(self, key: str) -> None:
        """Remove a blob from the disk; one that is being fetched is not kept."""
        self._fetches.pop(key, None)
        await super()._forget(key)


MAX_COPIED_BYTES = 1024**3


class NewCopy:
    """A copy that is being written. After an error of the disk nothing is written; `finish` raises it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = AtomicFile(path, is_synced=False)
        self._error: OSError | None = None

    async def written(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            if self._error is None:
                try:
                    await asyncio.to_thread(self._file.write, [chunk])
                except OSError as error:
                    self._error = error
            yield chunk

    async def finish(self) -> int:
        """Rename the file, which may be empty, into place; return its size."""
        if self._error is not None:
            raise self._error
        return (await asyncio.to_thread(self._file.commit))[0]

    async def remove(self) -> None:
        """Remove what was written; later writes do nothing."""
        await asyncio.to_thread(self._file.abandon)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self.path.unlink)


@attrs.frozen(kw_only=True)
class _Copy:
    file_id: int
    path: Path
    size_bytes: int


class LocalCopies:
    """A cache of files, in a directory that belongs to this process alone.

    Beyond ``max_bytes``, the copies of the folder that got one longest ago are removed.
    """

    def __init__(self, directory: Path, *, max_bytes: int = MAX_COPIED_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._numbers = itertools.count()
        self._folders: dict[str, dict[str, _Copy]] = {}

    @contextlib.asynccontextmanager
    async def new(self) -> AsyncIterator[NewCopy]:
        """Yield a copy to write; an exception removes it."""
        copy = NewCopy(self._directory / str(next(self._numbers)))
        try:
            yield copy
        except BaseException:  # cancelled too
            await asyncio.shield(copy.remove())
            raise

    def holds(self, folder: str, name: str) -> bool:
        copy = self._folders.get(folder, {}).get(name)
        return copy is not None and copy.path.exists()

    def open(self, folder: str, name: str) -> BinaryIO:
        try:
            return self._folders[folder][name].path.open("rb")
        except (KeyError, FileNotFoundError) as error:
            raise BlobMissing(f"{folder}/{name}") from error

    async def keep(self, new: NewCopy, folder: str, name: str, *, file_id: int) -> None:
        """Publish a copy, in place of an earlier one."""
        size_bytes = await new.finish()
        copies = self._folders.pop(folder, {})
        outdated = [copies[name]] if name in copies else []
        copies[name] = _Copy(file_id=file_id, path=new.path, size_bytes=size_bytes)
        self._folders[folder] = copies  # as the newest
        await _unlink([*outdated, *self._exceeding()])

    async def retain(self, folder: str, file_ids: Collection[int]) -> None:
        copies = self._folders.pop(folder, {})
        retained = {name: copy for name, copy in copies.items() if copy.file_id in file_ids}
        if retained:
            self._folders[folder] = retained
        await _unlink(copy for copy in copies.values() if copy.file_id not in file_ids)

    async def clear(self) -> int:
        """Remove everything in the directory; return the number of files."""

        def remove_all() -> int:
            if not self._directory.is_dir():
                return 0
            number = len(list(self._directory.iterdir()))
            shutil.rmtree(self._directory)
            return number

        self._folders.clear()
        return await asyncio.to_thread(remove_all)

    def _exceeding(self) -> list[_Copy]:
        """Forget the oldest copies until the rest fits; return what was forgotten."""
        total = sum(copy.size_bytes for copies in self._folders.values() for copy in copies.values())
        forgotten: list[_Copy] = []
        while total > self._max_bytes and len(self._folders) > 1:
            copies = self._folders.pop(next(iter(self._folders))).values()
            total -= sum(copy.size_bytes for copy in copies)
            forgotten += copies
        return forgotten


async def _unlink(copies: Iterable[_Copy]) -> None:
    for copy in copies:
        await asyncio.to_thread(copy.path.unlink, missing_ok=True)


@attrs.frozen(kw_only=True)
class TieredBlobStore:
    """Reads a blob from whichever store holds it; `put` and `delete` touch only the local one.

    The outbox applies both to the archive later. The archive is asked only for what is not local, and never
    for a thumbnail, since it gets none.
    """

    local: BlobStore
    archive: BlobArchive

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        return await self.local.put(key, chunks, content_type=content_type)

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
            if not self._may_archive(key):
                raise
            local_error = error
        try:  # where a local read failed midway, the archive continues at the same offset
            async for chunk in self.archive.open(key, start=offset, end=end):
                yield chunk
        except BlobMissing:
            raise local_error from None

    async def stat(self, key: str) -> StoredBlob | None:
        blob = await self.local.stat(key)
        return await self.archive.stat(key) if blob is None and self._may_archive(key) else blob

    def _may_archive(self, key: str) -> bool:
        return not key.endswith(THUMBNAIL_SUFFIX)

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

    A stream was paid for and cannot be restarted, so `put` probes the archive before it consumes it. While
    the archive fails, blobs go to the local store, from which the outbox uploads them later. Thumbnails go
    where images do.
    """

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        try:
            await self.archive.stat(key)
        except StorageError:
            return await self.local.put(key, chunks, content_type=content_type)
        blob = await self.archive.put(key, chunks, content_type=content_type)
        await self.local.delete(key)  # an earlier version there would be read first
        return blob

    async def delete(self, key: str) -> None:
        await self.local.delete(key)
        await self.archive.delete(key)

    def _may_archive(self, key: str) -> bool:
        return True
