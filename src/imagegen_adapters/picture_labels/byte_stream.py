"""Reads a stream of chunks by counted bytes."""

from collections.abc import AsyncIterator


class ByteStream:
    """What was read is gone; what was only looked at stays. A stream may end at any byte."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()
        self._ended = False

    async def peek(self, count: int) -> bytes:
        """Return the next bytes without taking them; fewer only at the end."""
        while len(self._held) < count and not self._ended:
            await self._more()
        return bytes(self._held[:count])

    async def take(self, count: int) -> bytes:
        """Return the next bytes and take them; fewer only at the end."""
        taken = await self.peek(count)
        del self._held[: len(taken)]
        return taken

    async def pass_on(self, count: int) -> AsyncIterator[bytes]:
        """Yield so many bytes as they come; fewer only at the end."""
        while count > 0:
            if not self._held:
                await self._more()
            if not self._held:
                return
            piece = bytes(self._held[:count])
            del self._held[: len(piece)]
            count -= len(piece)
            yield piece

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield everything up to the end."""
        if self._held:
            yield bytes(self._held)
            self._held.clear()
        async for chunk in self._chunks:
            yield chunk

    async def _more(self) -> None:
        try:
            self._held += await anext(self._chunks)
        except StopAsyncIteration:
            self._ended = True
