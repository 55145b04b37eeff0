"""The turn of a process that is the only node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LocalTurn:
    """The node gets the turn as soon as its own earlier passes have ended."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, node: str) -> AsyncIterator[None]:
        async with self._lock:
            yield
