"""Batches of what arrives one by one."""

from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def in_batches(items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """Yield the items in lists of ``size``; only the last one may be shorter."""
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
