"""A spool in memory."""

import io
from collections.abc import AsyncIterator, Collection, Mapping
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
        self._inputs: dict[str, dict[str, bytes]] = {}
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
        return io.BytesIO(self._content(owner, name))

    def _content(self, owner: str, name: str) -> bytes:
        for files in (self._files, self._inputs):
            if name in files.get(owner, {}):
                return files[owner][name]
        raise BlobMissing(f"{owner}/{name}")

    async def chunks(
        self, owner: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        content = self._content(owner, name)[start:end]
        for place in range(0, len(content), _CHUNK_BYTES):
            yield content[place : place + _CHUNK_BYTES]

    async def keep(self, owner: str, names: Collection[str]) -> None:
        files = self._files.pop(owner, {})
        self._written.pop(owner, None)
        inputs = self._inputs.get(owner, {}) | {name: data for name, data in files.items() if name in names}
        if inputs:
            self._inputs[owner] = inputs

    async def files(self, owner: str) -> Mapping[str, int]:
        files = {**self._inputs.get(owner, {}), **self._files.get(owner, {})}
        return {name: len(files[name]) for name in sorted(files)}

    async def holds(self, owners: Collection[str]) -> frozenset[str]:
        return frozenset(owner for owner in owners if owner in self._files or owner in self._inputs)

    async def remove(self, owner: str) -> None:
        for files in (self._files, self._inputs):
            files.pop(owner, None)
        self._written.pop(owner, None)

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = self._clock.monotonic() - older_than_seconds
        return tuple(sorted(owner for owner, written in self._written.items() if written <= limit))
