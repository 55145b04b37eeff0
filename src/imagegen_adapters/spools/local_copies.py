"""Local copies of spooled files that are stored elsewhere, for those who seek in them."""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path
from typing import BinaryIO

import attrs

from imagegen_core.errors import BlobMissing

MAX_COPIED_BYTES = 1024**3


class NewCopy:
    """A copy that is being written. The first error of the disk ends that; `finish` raises it.

    Each write opens the file, so that a cancelled caller leaves no descriptor behind.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path: Path | None = None
        self._lock = threading.Lock()
        self._is_removed = False
        self._error: OSError | None = None
        self.size_bytes = 0

    async def written(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks, each after it was written."""
        async for chunk in chunks:
            await asyncio.to_thread(self._append, chunk)
            yield chunk

    async def finish(self) -> Path:
        """Return the file, which may be empty.

        Raises:
            OSError: not everything could be written.
        """
        await asyncio.to_thread(self._append, b"")
        if self._error is not None or self._path is None:
            raise self._error or FileNotFoundError
        return self._path

    async def remove(self) -> None:
        """Remove what was written, and write nothing any more."""
        await asyncio.to_thread(self._remove)

    def _append(self, chunk: bytes) -> None:
        with self._lock:
            if self._is_removed or self._error is not None:
                return
            try:
                self._path = self._path or self._created()
                with self._path.open("ab") as file:
                    file.write(chunk)
            except OSError as error:
                self._error = error
            self.size_bytes += len(chunk)

    def _created(self) -> Path:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._directory)
        os.close(descriptor)
        return Path(name)

    def _remove(self) -> None:
        with self._lock:
            self._is_removed = True
            if self._path is not None:
                self._path.unlink(missing_ok=True)


@attrs.frozen(kw_only=True)
class _Copy:
    file_id: int
    path: Path
    size_bytes: int


class LocalCopies:
    """A cache of files, in a directory that belongs to this process alone.

    Args:
        directory: created with the first copy.
        max_bytes: beyond that, the copies of the owner that got one longest ago are removed.
    """

    def __init__(self, directory: Path, *, max_bytes: int = MAX_COPIED_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._owners: dict[str, dict[str, _Copy]] = {}

    def new(self) -> NewCopy:
        """Return an empty copy, to be written and kept, or removed."""
        return NewCopy(self._directory)

    def holds(self, owner: str, name: str) -> bool:
        """Return whether there is a copy."""
        copy = self._owners.get(owner, {}).get(name)
        return copy is not None and copy.path.exists()

    def open(self, owner: str, name: str) -> BinaryIO:
        """Return the copy.

        Raises:
            BlobMissing: there is none.
        """
        try:
            return self._owners[owner][name].path.open("rb")
        except (KeyError, FileNotFoundError) as error:
            raise BlobMissing(f"{owner}/{name}") from error

    async def keep(self, new: NewCopy, owner: str, name: str, *, file_id: int) -> None:
        """Let a copy be opened from now on, in place of an earlier one.

        Raises:
            OSError: it could not be written.
        """
        path = await new.finish()
        copies = self._owners.pop(owner, {})
        outdated = [copies[name]] if name in copies else []
        copies[name] = _Copy(file_id=file_id, path=path, size_bytes=new.size_bytes)
        self._owners[owner] = copies  # as the newest
        await _unlink([*outdated, *self._exceeding()])

    async def retain(self, owner: str, file_ids: Collection[int]) -> None:
        """Remove the owner's copies of all other files."""
        copies = self._owners.pop(owner, {})
        retained = {name: copy for name, copy in copies.items() if copy.file_id in file_ids}
        if retained:
            self._owners[owner] = retained
        await _unlink(copy for copy in copies.values() if copy.file_id not in file_ids)

    async def clear(self) -> int:
        """Remove everything in the directory, and return the number of files."""
        self._owners.clear()
        return await asyncio.to_thread(_clear, self._directory)

    def _exceeding(self) -> list[_Copy]:
        """Forget the oldest copies, until the others are few enough; return what was forgotten."""
        total = sum(copy.size_bytes for copies in self._owners.values() for copy in copies.values())
        forgotten: list[_Copy] = []
        while total > self._max_bytes and len(self._owners) > 1:
            copies = self._owners.pop(next(iter(self._owners))).values()
            total -= sum(copy.size_bytes for copy in copies)
            forgotten += copies
        return forgotten


async def _unlink(copies: Iterable[_Copy]) -> None:
    for copy in copies:
        await asyncio.to_thread(copy.path.unlink, missing_ok=True)


def _clear(directory: Path) -> int:
    if not directory.is_dir():
        return 0
    names = os.listdir(directory)  # noqa: PTH208 - only their number
    shutil.rmtree(directory)
    return len(names)
