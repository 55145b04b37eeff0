"""Reads a stream of chunks by counted bytes."""

from collections.abc import AsyncIterator


class ByteStream:
    """What was read is gone; what was only looked at stays. A stream may end at any byte."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._ended = False

    async def peek(self, count: int) -> bytes:
        """Return the next bytes without taking them; fewer only at the end."""
        while len(self._buffer) < count and not self._ended:
            await self._read_more()
        return bytes(self._buffer[:count])

    async def take(self, count: int) -> bytes:
        """Return the next bytes and take them; fewer only at the end."""
        taken = await self.peek(count)
        del self._buffer[: len(taken)]
        return taken

    async def forward(self, count: int) -> AsyncIterator[bytes]:
        """Yield so many bytes as they come; fewer only at the end."""
        while count > 0:
            if not self._buffer:
                await self._read_more()
            if not self._buffer:
                return
            piece = bytes(self._buffer[:count])
            del self._buffer[: len(piece)]
            count -= len(piece)
            yield piece

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield everything up to the end."""
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
