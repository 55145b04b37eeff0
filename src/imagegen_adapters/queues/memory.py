"""A queue over tasks in memory."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import attrs

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.queues.wake_signal import WakeSignal
from imagegen_core.ports.queue import MAX_DEFERRAL, Demand, QueueCounts
from imagegen_core.task import Task, TaskStatus


class MemoryQueue:
    """The pending tasks of ``state``, which must be shared with the task repository."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._wake_signal = WakeSignal()

    async def enqueue(self, task: Task) -> None:
        self._wake_signal.notify()

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        self._wake_signal.reset()
        for task in self._due(now):
            self._state.put(attrs.evolve(task, not_before=None))
        names = list(dict.fromkeys(task.provider_name for task in self._due(now)))[:limit]
        processing = self._processing()
        pending = self._state.with_status(TaskStatus.PENDING)
        return Demand(
            processing={name: processing[name] for name in names},
            next_due=min((task.not_before for task in pending if task.not_before), default=None),
        )

    async def claim(
        self, owner: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        processing = self._processing()
        claimed: list[Task] = []
        for due in self._due(now):
            task, name = attrs.evolve(due, not_before=None), due.provider_name
            if len(claimed) < limit and processing[name] < provider_limits.get(name, 0):
                task = task.claim(owner, now)
                processing[name] += 1
                claimed.append(task)
            self._state.put(task)
        if claimed and len(claimed) == limit:
            self._wake_signal.notify()
        return tuple(claimed)

    async def release_locked(self) -> None:
        for task in list(self._state.with_status(TaskStatus.PENDING)):
            if task.locked:
                self._state.put(attrs.evolve(task, not_before=None))
        self._wake_signal.notify()

    async def wait(self, timeout: float) -> None:
        await self._wake_signal.wait(timeout)

    async def counts(self) -> QueueCounts:
        return QueueCounts(
            pending=self._state.count(TaskStatus.PENDING),
            processing=self._state.count(TaskStatus.PROCESSING),
        )

    async def position(self, task_id: str) -> int | None:
        before: Counter[str] = Counter()
        for task in self._state.with_status(TaskStatus.PENDING):
            if task.task_id == task_id:
                return before[task.provider_name] + 1
            before[task.provider_name] += task.not_before is None
        return None

    def _due(self, now: datetime) -> list[Task]:
        pending = self._state.with_status(TaskStatus.PENDING)
        return [t for t in pending if not t.not_before or not now < t.not_before <= now + MAX_DEFERRAL]

    def _processing(self) -> Counter[str]:
        return Counter(task.provider_name for task in self._state.with_status(TaskStatus.PROCESSING))
