"""Looks whether any task has changed, once for all who follow them."""

import asyncio
from contextlib import suppress

import attrs

from imagegen_core.errors import StorageError, Unavailable
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import Clock

LOOK_SECONDS = 0.25
"""How late a change is told at most; in the meantime a task may change again, and is told of once."""


@attrs.define
class FeedWatch:
    """Wakes those who wait for the feed to go on; while nobody waits, it looks at nothing."""

    tasks: TaskRepository
    clock: Clock
    _end: int = 0
    _waiting: set[asyncio.Event] = attrs.field(factory=set)
    _looking: asyncio.Task[None] | None = None

    async def moved(self, position: int) -> None:
        """Return once something has changed at the position or behind it."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look(), name="task feed")
            while self._end <= position:
                woken.clear()
                await woken.wait()
        finally:
            self._waiting.discard(woken)

    async def _look(self) -> None:
        while self._waiting:
            with suppress(StorageError, Unavailable):  # the next look may succeed, and nothing is missed
                self._end = (await self.tasks.changes()).position
            for woken in self._waiting:
                woken.set()
            await self.clock.sleep(LOOK_SECONDS)
