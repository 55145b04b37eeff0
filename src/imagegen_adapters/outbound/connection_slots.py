"""Limits on all outgoing connections together, and the idle ones that later calls may use."""

import asyncio
import logging
from collections.abc import Callable, Hashable

import attrs
import httpcore
import httpx

_log = logging.getLogger(__name__)


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
    """Limits the calls in flight, and keeps the connections of some of them for the next ones.

    A route says which connections are alike: one that was opened for it serves later calls on it only.
    """

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self._free = asyncio.Semaphore(limits.connections)
        self._calls = 0
        self._active: set[httpcore.AsyncConnectionInterface] = set()
        self._idle: list[tuple[Hashable, httpcore.AsyncConnectionInterface]] = []
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._sweep: asyncio.Task[None] | None = None

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
        self._calls += 1

    def release(self) -> None:
        """Give the slot to the next waiting call."""
        self._calls -= 1
        self._free.release()

    async def begin(
        self, route: Hashable | None, new: Callable[[], httpcore.AsyncConnectionInterface]
    ) -> httpcore.AsyncConnectionInterface:
        """Return a connection for a call that has a slot: the latest idle one on its route, or a new one.

        The oldest idle connections are closed while there are too many.
        """
        closing = []
        connection = None
        for entry in [e for e in reversed(self._idle) if e[0] == route]:
            self._idle.remove(entry)
            if not entry[1].has_expired():
                connection = entry[1]
                break
            closing.append(entry)
        if connection is None:
            connection = new()
            surplus = max(0, self._calls + len(self._idle) - self.limits.connections)
            closing += self._idle[:surplus]
            del self._idle[:surplus]
        self._active.add(connection)
        for _, unused in closing:
            await _close(unused)
        return connection

    async def end(self, connection: httpcore.AsyncConnectionInterface, route: Hashable | None) -> None:
        """Keep a connection for the next call on its route; close it if it has none, or is of no more use."""
        self._active.discard(connection)
        alike = [entry for entry in self._idle if entry[0] == route]
        if route is None or not connection.is_idle() or len(alike) >= self.limits.idle_per_host:
            await _close(connection)
            return
        self._idle.append((route, connection))
        if self._sweep_timer is None:
            self._schedule_sweep()

    async def aclose(self) -> None:
        """Close all connections."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        if self._sweep is not None:
            self._sweep.cancel()
        connections = [*self._active, *(connection for _, connection in self._idle)]
        self._active.clear()
        self._idle.clear()
        for connection in connections:
            await _close(connection)

    def _schedule_sweep(self) -> None:
        """Close expired connections after a while, whether or not another call comes."""
        seconds = self.limits.idle_seconds * 1.02 + 0.01
        self._sweep_timer = asyncio.get_running_loop().call_later(seconds, self._start_sweep)

    def _start_sweep(self) -> None:
        self._sweep = asyncio.get_running_loop().create_task(self._close_expired())

    async def _close_expired(self) -> None:
        expired = [entry for entry in self._idle if entry[1].has_expired()]
        self._idle = [entry for entry in self._idle if entry not in expired]
        self._sweep_timer = None
        if self._idle:
            self._schedule_sweep()
        for _, connection in expired:
            await _close(connection)


async def _close(connection: httpcore.AsyncConnectionInterface) -> None:
    """Close a connection that nobody needs any more."""
    try:
        await connection.aclose()
    except Exception:  # noqa: BLE001 - logged; it is being discarded
        _log.debug("a connection could not be closed", exc_info=True)
