"""Limits on all outgoing connections together, over all pools."""

import asyncio
from collections.abc import Callable

import attrs
import httpcore
import httpx


@attrs.frozen(kw_only=True)
class PoolLimits:
    """Limits on connections.

    Args:
        connections: over all hosts and proxies together.
        idle_per_host: kept open while idle, for each origin.
        idle_seconds: after which an idle connection is closed.
        connect_seconds: for resolving a name and connecting.
    """

    connections: int = 50
    idle_per_host: int = 10
    idle_seconds: float = 30.0
    connect_seconds: float = 10.0


class ConnectionSlots:
    """Limits the calls in flight over all pools, and makes pools close idle connections for each other."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self.pools: list[httpcore.AsyncConnectionPool] = []
        self._free = asyncio.Semaphore(limits.connections)

    async def acquire(self, seconds: float | None) -> None:
        """Wait for a slot.

        Raises:
            httpx.PoolTimeout: none became free in time.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are in use") from error

    def release(self) -> None:
        """Give the slot to the next waiting call."""
        self._free.release()

    async def make_room(self, pool: httpcore.AsyncConnectionPool) -> None:
        """Close idle connections of other pools while the limit of all connections is reached."""

        def surplus() -> list[httpcore.AsyncConnectionInterface]:
            connections = [c for p in self.pools for c in p.connections if not c.is_closed()]
            idle = [c for p in self.pools if p is not pool for c in p.connections if is_idle(c)]
            return idle[: max(0, len(connections) - self.limits.connections + 1)]

        await close_surplus(surplus)


async def close_surplus(surplus: Callable[[], list[httpcore.AsyncConnectionInterface]]) -> None:
    """Close surplus connections, counted again after each: another call may have taken one meanwhile."""
    while connections := surplus():
        await connections[0].aclose()


def is_idle(connection: httpcore.AsyncConnectionInterface) -> bool:
    """Return whether it is open and unused; one that failed to connect counts as closed."""
    return connection.is_idle() and not connection.is_closed()
