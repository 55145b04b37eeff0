"""The turn of a cluster in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from imagegen_core.ports.nodes import Nodes

POLL_SECONDS = 1.0


@attrs.frozen(eq=False)
class _Holder:
    node: str


class MemoryTurn:
    """Who waits looks every ``poll_seconds`` whether the turn is free, or its holder is no longer alive."""

    def __init__(self, nodes: Nodes, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._nodes = nodes
        self._poll_seconds = poll_seconds
        self._holder: _Holder | None = None

    @asynccontextmanager
    async def hold(self, node: str) -> AsyncIterator[None]:
        mine = _Holder(node)
        while not await self._take(mine):  # noqa: ASYNC110 - nobody announces the death of a holder
            await asyncio.sleep(self._poll_seconds)
        try:
            yield
        finally:
            if self._holder is mine:  # it may have been thought dead
                self._holder = None

    async def _take(self, mine: _Holder) -> bool:
        """Return whether it holds the turn from now on."""
        alive = await self._nodes.alive(mine.node)
        if self._holder is not None and self._holder.node in alive:
            return False
        self._holder = mine
        return True
