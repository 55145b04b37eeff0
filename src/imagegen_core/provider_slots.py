"""How many tasks and calls of one provider run at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SlotsClosed(Exception):
    """The service stops: a call that still waited for its turn does not get one."""


class ProviderSlots:
    """Counts the running tasks of each provider, and bounds its calls in flight."""

    def __init__(self, *, default_limit: int) -> None:
        self._default = default_limit
        self._limits: dict[str, int] = {}
        self._tasks: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._freed = asyncio.Condition()
        self.closed = False

    def enter(self, provider_name: str, limit: int | None) -> bool:
        """Take a place for one task; False when ``limit`` tasks of the provider run already."""
        self._limits[provider_name] = limit or self._default
        if provider_name in self.full():
            return False
        self._tasks[provider_name] = self._tasks.get(provider_name, 0) + 1
        return True

    def leave(self, provider_name: str) -> None:
        """Give the task's place back."""
        self._tasks[provider_name] -= 1

    def full(self) -> frozenset[str]:
        """Return the providers that take no further task now."""
        return frozenset(n for n, limit in self._limits.items() if self._tasks.get(n, 0) >= limit)

    @asynccontextmanager
    async def call(self, provider_name: str) -> AsyncIterator[None]:
        """Hold one of the provider's calls in flight; waits for one.

        Raises:
            SlotsClosed: no call begins any more.
        """
        limit = self._limits.get(provider_name, self._default)
        async with self._freed:
            await self._freed.wait_for(lambda: self.closed or self._calls.get(provider_name, 0) < limit)
            if self.closed:
                raise SlotsClosed
            self._calls[provider_name] = self._calls.get(provider_name, 0) + 1
        try:
            yield
        finally:
            self._calls[provider_name] -= 1
            async with self._freed:
                self._freed.notify_all()

    async def close(self) -> None:
        """Let no further call begin; those in flight go on."""
        async with self._freed:
            self.closed = True
            self._freed.notify_all()
