"""A spool in a directory on the local disk: ``root/owner/name``."""

import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from imagegen_adapters.blob_stores.keys import check_key
from imagegen_adapters.blob_stores.local import LocalBlobStore
from imagegen_adapters.spools.bounded import bounded
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.clock import Clock

_CLOCK_STEP_SECONDS = 0.001
"""The clock is truncated to milliseconds, modification times are not."""


class LocalSpool:
    """Writes files atomically and durably, like a blob store; they are readable by their owner only.

    Args:
        root: the directory; created with the first file.
        clock: the time that modification times are compared with.
    """

    def __init__(self, root: Path, *, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._files = LocalBlobStore(root)

    async def put(self, owner: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        blob = await self._files.put(
            f"{owner}/{name}", bounded(chunks, max_bytes), content_type="application/octet-stream"
        )
        return blob.size_bytes

    async def bring(self, owner: str) -> None:
        """All files are in the directory already."""

    def open(self, owner: str, name: str) -> BinaryIO:
        key = check_key(f"{owner}/{name}")
        try:
            return (self._root / key).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(key) from error

    def chunks(self, owner: str, name: str) -> AsyncIterator[bytes]:
        return self._files.open(f"{owner}/{name}")

    async def remove(self, owner: str) -> None:
        directory = self._root / check_key(owner)
        if directory.exists():
            await self._files.run(lambda: shutil.rmtree(directory, ignore_errors=True))

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = (self._clock.now() - timedelta(seconds=older_than_seconds)).timestamp()
        return await self._files.run(lambda: self._owners(limit))

    async def sweep_temporary(self) -> int:
        """Remove temporary files left by unfinished puts of an earlier process, and return their number.

        Complete files stay. Call this only at the start, while nothing is being written.
        """
        return await self._files.sweep_temporary()

    def close(self) -> None:
        """Shut the threads down."""
        self._files.close()

    def _owners(self, limit: float) -> tuple[str, ...]:
        if not self._root.is_dir():
            return ()
        with os.scandir(self._root) as entries:
            return tuple(sorted(e.name for e in entries if _written_before(e, limit)))


def _written_before(entry: os.DirEntry[str], limit: float) -> bool:
    """Return whether it is a directory last modified before ``limit``; False if it was removed meanwhile."""
    try:
        return entry.is_dir() and entry.stat().st_mtime < limit + _CLOCK_STEP_SECONDS
    except FileNotFoundError:
        return False
