"""Chunks on their way to an archive, joined."""

from collections.abc import AsyncIterator

_BATCH_BYTES = 256 * 1024


async def batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join chunks to batches of at least 256 KiB but for the last, since each costs a hop to a thread."""
    batch: list[bytes] = []
    batch_size = 0
    async for chunk in chunks:
        batch.append(chunk)
        batch_size += len(chunk)
        if batch_size >= _BATCH_BYTES:
            yield b"".join(batch)
            batch, batch_size = [], 0
    if batch_size:
        yield b"".join(batch)
