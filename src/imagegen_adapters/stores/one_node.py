"""The only node: nobody has to listen for its beat, nor waits for its places or its turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext


class LocalNodes:
    """Each node is alive until it leaves, as long as this process is."""

    def __init__(self) -> None:
        self._joined: set[str] = set()

    async def join(self, node: str) -> None:
        self._joined.add(node)

    async def beat(self, node: str) -> None:
        self._joined.add(node)

    async def alive(self, observer: str) -> frozenset[str]:
        return frozenset(self._joined)

    async def leave(self, node: str) -> None:
        self._joined.discard(node)


class LocalSlots:
    """Grants every place at once: the node bounds its calls before it asks, and nobody else makes any."""

    def hold(self, provider_name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        return _GRANTED


_GRANTED = nullcontext()


class LocalTurn:
    """The node gets the turn as soon as its own earlier passes have ended."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, node: str) -> AsyncIterator[None]:
        async with self._lock:
            yield
