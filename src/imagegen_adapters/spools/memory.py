"""A spool in memory."""

import io
from collections.abc import AsyncIterator
from typing import BinaryIO

from imagegen_core.errors import BlobMissing
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.spool import SpoolOverflow

_CHUNK_BYTES = 512 * 1024


class MemorySpool:
    """Keeps the files of each owner in a dictionary; ``clock`` determines their age."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, dict[str, bytes]] = {}
        self._written: dict[str, float] = {}

    async def put(self, owner: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > max_bytes:
                raise SpoolOverflow
        self._files.setdefault(owner, {})[name] = bytes(data)
        self._written[owner] = self._clock.monotonic()
        return len(data)

    async def bring(self, owner: str) -> None:
        """All files are in this process already."""

    def open(self, owner: str, name: str) -> BinaryIO:
        try:
            return io.BytesIO(self._files[owner][name])
        except KeyError:
            raise BlobMissing(f"{owner}/{name}") from None

    async def chunks(self, owner: str, name: str) -> AsyncIterator[bytes]:
        with self.open(owner, name) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    async def remove(self, owner: str) -> None:
        self._files.pop(owner, None)
        self._written.pop(owner, None)

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = self._clock.monotonic() - older_than_seconds
        return tuple(sorted(owner for owner, written in self._written.items() if written <= limit))
