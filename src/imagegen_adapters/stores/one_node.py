"""A cluster of one node."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager


class OneNode:
    """Nodes of one process: each is alive until it leaves."""

    def __init__(self) -> None:
        self._joined: set[str] = set()
        self._slots: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._hearers: dict[str, list[Callable[[str], object]]] = defaultdict(list)

    async def join(self, node: str) -> None:
        self._joined.add(node)

    async def beat(self, node: str) -> None:
        self._joined.add(node)

    async def alive(self, observer: str) -> frozenset[str]:
        return frozenset(self._joined)

    async def leave(self, node: str) -> None:
        self._joined.discard(node)

    def slot(self, name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        return self._slots.setdefault((name, limit), asyncio.Semaphore(limit))

    def hear(self, topic: str, hearer: Callable[[str], object]) -> None:
        self._hearers[topic].append(hearer)

    def tell(self, topic: str, key: str = "") -> None:
        for hearer in self._hearers[topic]:
            hearer(key)
