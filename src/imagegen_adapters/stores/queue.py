"""The queue over the table of tasks, and the events of tasks. A pending task is a queued task."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from imagegen_adapters.stores.rows import row_to_event, to_timestamp
from imagegen_adapters.stores.sql import Sql
from imagegen_core.ports.tasks import MAX_DEFERRAL
from imagegen_core.task import TaskEvent

_RELEASE_LOCKED = """
UPDATE tasks INDEXED BY tasks_put_off SET not_before = NULL
WHERE status = 'pending' AND not_before IS NOT NULL AND locked
"""

_POSITION = """
SELECT (
    SELECT count(*) + 1 FROM tasks INDEXED BY tasks_ready
    WHERE status = 'pending' AND not_before IS NULL
        AND provider_name = mine.provider_name AND seq < mine.seq
)
FROM tasks AS mine WHERE mine.task_id = :task_id AND mine.status = 'pending'
"""

_EVENTS_AFTER = "SELECT * FROM events WHERE task_id = :task_id AND id > :after ORDER BY id LIMIT 500"

_LAST_EVENT = "SELECT * FROM events WHERE task_id = :task_id ORDER BY id DESC LIMIT 1"


class Waiting:
    """The waiters of this process: workers for tasks, followers for the events of a task."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def wake(self, _key: str = "") -> None:
        """Let waits return at once until `reset`: none misses a task added between claim and wait."""
        self._woken.set()

    def reset(self) -> None:
        """Let workers wait again. Call this before looking for tasks, never after."""
        self._woken.clear()

    async def wait(self, timeout: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._woken.wait()

    @contextmanager
    def follow(self, task_id: str) -> Iterator[asyncio.Event]:
        """Yield an `asyncio.Event` that is set whenever the task has a new event."""
        changed = asyncio.Event()
        self._followers[task_id].add(changed)
        try:
            yield changed
        finally:
            self._followers[task_id].discard(changed)
            if not self._followers[task_id]:
                del self._followers[task_id]

    @property
    def followed(self) -> list[str]:
        return list(self._followers)

    def notify(self, task_id: str) -> None:
        for changed in self._followers.get(task_id, ()):
            changed.set()


class SqlQueue:
    """The common part of both databases' queues, without demand, claims and `publish`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._waiting = Waiting()

    async def position(self, task_id: str) -> int | None:
        rows = await self._sql.rows(_POSITION, task_id=task_id)
        return int(rows[0][0]) if rows else None

    async def wake(self, *, locked: bool = False) -> None:
        if locked:
            await self._sql.change(_RELEASE_LOCKED)
        self._waiting.wake()

    async def wait(self, timeout: float) -> None:
        await self._waiting.wait(timeout)

    async def notify(self, task_id: str) -> None:
        self._waiting.notify(task_id)

    async def events(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self._waiting.follow(task_id) as changed:
            self._look_for_missed_hints()
            while True:
                changed.clear()
                rows = await self._sql.rows(_EVENTS_AFTER, task_id=task_id, after=after)
                for event in map(row_to_event, rows):
                    after = event.id
                    yield event
                    if event.kind.final:
                        return
                if rows:
                    continue
                last = await self._last_event(task_id)
                if last is None or (last.id <= after and not last.kind.final):
                    await changed.wait()
                elif last.id <= after:
                    if last.id < after:  # ids that the database lost, such as in a crash, are assigned again
                        yield last
                    return

    async def last_event_id(self, task_id: str) -> int:
        last = await self._last_event(task_id)
        return last.id if last else 0

    def _look_for_missed_hints(self) -> None:
        """Poll while tasks are followed, where other processes store events, too."""

    async def _last_event(self, task_id: str) -> TaskEvent | None:
        rows = await self._sql.rows(_LAST_EVENT, task_id=task_id)
        return row_to_event(rows[0]) if rows else None


def due_moments(now: datetime) -> dict[str, Any]:
    """Return until when deferred tasks are due, and after when they were deferred too far."""
    return {"now": to_timestamp(now), "beyond": to_timestamp(now + MAX_DEFERRAL)}
