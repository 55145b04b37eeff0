"""A spool on the local disk: files are ``root/folder/name``, kept ones ``inputs/folder/name``."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from imagegen_adapters.files.local import LocalBlobStore, disk_errors, make_directory, sync_directory
from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.ports.blobs import bounded, check_key, is_key
from imagegen_core.ports.tools import Clock

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
