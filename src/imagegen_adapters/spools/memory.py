"""A spool in memory."""

import io
from collections.abc import AsyncIterator
from typing import BinaryIO

from imagegen_core.errors import BlobMissing
from imagegen_core.ports.spool import SpoolOverflow

_CHUNK_BYTES = 512 * 1024


class MemorySpool:
    """Keeps the bytes of each owner's files in a dictionary; they have no age."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, bytes]] = {}

    async def put(self, owner: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > max_bytes:
                raise SpoolOverflow
        self._files.setdefault(owner, {})[name] = bytes(data)
        return len(data)

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

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        return tuple(sorted(self._files))
