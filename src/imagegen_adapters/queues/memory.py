"""A queue over the tasks in memory."""

from collections.abc import Collection
from datetime import datetime

import attrs

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.queues.bell import Bell
from imagegen_core.ports.queue import LONGEST_WAIT, QueueCounts
from imagegen_core.tasks import Task, TaskStatus


class MemoryQueue:
    """The pending tasks of ``state``; it must be the one of the task repository."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._bell = Bell()

    async def enqueue(self, task: Task) -> None:
        self._bell.ring()

    async def claim(
        self, owner: str, *, limit: int, now: datetime, skip_providers: Collection[str] = ()
    ) -> tuple[Task, ...]:
        self._bell.hush()
        pending = self._state.with_status(TaskStatus.PENDING)
        due = [t for t in pending if not t.not_before or not now < t.not_before <= now + LONGEST_WAIT]
        for task in due:
            self._state.put(attrs.evolve(task, not_before=None))
        wanted = [t for t in due if t.provider_name not in skip_providers][:limit]
        claimed = tuple(task.claim(owner, now) for task in wanted)
        for task in claimed:
            self._state.put(task)
        if claimed and len(claimed) == limit:
            self._bell.ring()
        return claimed

    async def wait(self, timeout: float) -> None:
        await self._bell.wait(timeout)

    async def next_due(self) -> datetime | None:
        pending = self._state.with_status(TaskStatus.PENDING)
        return min((task.not_before for task in pending if task.not_before), default=None)

    async def counts(self) -> QueueCounts:
        return QueueCounts(
            pending=self._state.count(TaskStatus.PENDING),
            processing=self._state.count(TaskStatus.PROCESSING),
        )

    async def position(self, task_id: str) -> int | None:
        pending = (task.task_id for task in self._state.with_status(TaskStatus.PENDING))
        return next((place for place, waiting in enumerate(pending, 1) if waiting == task_id), None)
