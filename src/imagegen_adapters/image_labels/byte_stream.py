"""Reads a stream of chunks by byte counts."""

from collections.abc import AsyncIterator


class ByteStream:
    """A buffered reader over chunks. The stream may end at any byte."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._ended = False

    async def peek(self, count: int) -> bytes:
        """Return the next bytes without consuming them; fewer only at the end."""
        while len(self._buffer) < count and not self._ended:
            await self._read_more()
        return bytes(self._buffer[:count])

    async def take(self, count: int) -> bytes:
        """Return and consume the next bytes; fewer only at the end."""
        data = await self.peek(count)
        del self._buffer[: len(data)]
        return data

    async def forward(self, count: int) -> AsyncIterator[bytes]:
        """Yield the next ``count`` bytes as they arrive; fewer only at the end."""
        while count > 0:
            if not self._buffer:
                await self._read_more()
            if not self._buffer:
                return
            chunk = bytes(self._buffer[:count])
            del self._buffer[: len(chunk)]
            count -= len(chunk)
            yield chunk

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield all remaining bytes."""
        if self._buffer:
            yield bytes(self._buffer)
            self._buffer.clear()
        async for chunk in self._chunks:
            yield chunk

    async def _read_more(self) -> None:
        try:
            self._buffer += await anext(self._chunks)
        except StopAsyncIteration:
            self._ended = True
