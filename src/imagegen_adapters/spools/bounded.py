"""The bound on the bytes of a spooled file."""

from collections.abc import AsyncIterator

from imagegen_core.ports.spool import SpoolOverflow


async def bounded(chunks: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the chunks; raise before a chunk with which they would be more than ``max_bytes``.

    Raises:
        SpoolOverflow: they are more.
    """
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise SpoolOverflow
        yield chunk
