"""Tasks in memory, for tests and for library users who need no persistence."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from imagegen_adapters.databases.memory import MemoryState, StoredClaim
from imagegen_adapters.stores.rows import list_page
from imagegen_core.attempt import Attempt
from imagegen_core.errors import IdempotencyKeyReused, QueueFull, StaleTask, TaskNotFound
from imagegen_core.images import Image
from imagegen_core.ports.task_repository import AddedTask, IdempotencyClaim, TaskFilter
from imagegen_core.search import Page, Paging
from imagegen_core.task import Fence, Task, TaskStatus, image_event, last_event


class MemoryTaskRepository:
    """The tasks of ``state``, which are lost when the process ends."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add(
        self, task: Task, *, queue_size: int, idempotency: IdempotencyClaim | None = None
    ) -> AddedTask:
        replayed = self._replayed(task, idempotency)
        if replayed is not None:
            return AddedTask(task=replayed, replayed=True)
        if self._state.count(TaskStatus.PENDING) >= queue_size:
            raise QueueFull(queue_size)
        self._state.put(task)
        if idempotency is not None:
            self._state.idempotency_keys[idempotency.scope, idempotency.key] = StoredClaim(
                body_sha256=idempotency.body_sha256, task_id=task.task_id, expires_at=idempotency.expires_at
            )
        return AddedTask(task=task)

    async def get(self, task_id: str) -> Task:
        return self._get(task_id)

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        return list_page(
            (
                (self._state.task_numbers[task.task_id], task)
                for task in reversed(self._state.tasks.values())
                if criteria.status in (None, task.status)
                and criteria.provider_name in (None, task.provider_name)
            ),
            paging,
        )

    async def counts(self) -> Mapping[TaskStatus, int]:
        return {status: self._state.count(status) for status in TaskStatus}

    async def save(
        self, task: Task, fence: Fence, attempts: Sequence[Attempt] = (), images: Sequence[Image] = ()
    ) -> None:
        stored = self._get_fenced(task.task_id, fence)
        cancel_requested = stored.cancel_requested or task.cancel_requested
        self._state.put(attrs.evolve(task, cancel_requested=cancel_requested))
        for attempt in attempts:
            self._state.attempts[attempt.attempt_id] = attempt
        for image in images:
            self._add_image(image)
        if task.status.final:
            for attempt in await self.attempts(task.task_id):
                self._state.attempts[attempt.attempt_id] = attempt.after_task()
            self._state.add_event(last_event(task))

    async def save_attempt(
        self, attempt: Attempt, fence: Fence, images: tuple[Image, ...] = ()
    ) -> tuple[Image, ...]:
        self._get_fenced(attempt.task_id, fence)
        self._state.attempts[attempt.attempt_id] = attempt
        return tuple(map(self._add_image, images))

    async def request_cancel(self, task_id: str) -> Task:
        stored = self._get(task_id)
        if stored.status is TaskStatus.PROCESSING:
            self._state.put(stored.request_cancel())
        return self._get(task_id)

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        processing = self._state.with_status(TaskStatus.PROCESSING)
        return frozenset(t.task_id for t in processing if t.cancel_requested and t.task_id in task_ids)

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self._state.attempts.values() if attempt.task_id == task_id)

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        for attempt in list(self._state.attempts.values()):
            if not attempt.is_active and attempt.updated_at < ended_before:
                self._state.attempts[attempt.attempt_id] = attrs.evolve(attempt, response=None)

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        return tuple(
            task
            for task in self._state.with_status(TaskStatus.PROCESSING)
            if task.owner not in alive and task.task_id not in running
        )

    def _add_image(self, image: Image) -> Image:
        last = self._state.last_image_id
        stored = self._state.add_image(image)
        if stored.id > last:
            self._state.add_event(image_event(stored))
        return stored

    def _get(self, task_id: str) -> Task:
        try:
            return self._state.tasks[task_id]
        except KeyError:
            raise TaskNotFound(task_id) from None

    def _get_fenced(self, task_id: str, fence: Fence) -> Task:
        stored = self._get(task_id)
        if stored.status.final or stored.fence != fence:
            raise StaleTask(task_id)
        return stored

    def _replayed(self, task: Task, claim: IdempotencyClaim | None) -> Task | None:
        """Return the task created earlier with the key; the new task's creation time counts as now."""
        keys = self._state.idempotency_keys
        for key in [key for key, stored in keys.items() if stored.expires_at <= task.created_at]:
            del keys[key]
        stored = None if claim is None else keys.get((claim.scope, claim.key))
        if claim is None or stored is None:
            return None
        if stored.body_sha256 != claim.body_sha256:
            raise IdempotencyKeyReused
        return self._get(stored.task_id)
