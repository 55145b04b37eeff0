"""The store of tasks and their attempts: the source of truth."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from imagegen_core.attempt import Attempt
from imagegen_core.images import Image
from imagegen_core.search import Page, Paging
from imagegen_core.task import Fence, Task, TaskStatus


@attrs.frozen(kw_only=True)
class IdempotencyClaim:
    """A caller's idempotency key within its ``scope`` (token and operation), and its request's digest."""

    scope: str
    key: str
    body_sha256: str
    expires_at: datetime


@attrs.frozen(kw_only=True)
class AddedTask:
    """The stored task; ``replayed`` if the same key and body had created it before."""

    task: Task
    replayed: bool = False


@attrs.frozen(kw_only=True)
class TaskFilter:
    """Which tasks; None means any."""

    status: TaskStatus | None = None
    provider_name: str | None = None


class TaskRepository(Protocol):
    """Every write is durable (survives a power cut) when its method returns.

    A change of a task or of its attempts is stored only if the stored task is still that of its ``fence``,
    which is the `Task.fence` of the value that was read or stored before.
    """

    async def add(
        self, task: Task, *, queue_size: int, idempotency: IdempotencyClaim | None = None
    ) -> AddedTask:
        """Store a new pending task, together with its idempotency key, in one transaction.

        If an unexpired claim with the same digest exists, its task is returned in its present state; so it is
        for concurrent adds, of which one creates the task. A stored task is queued.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
            QueueFull: ``queue_size`` tasks are already pending.
        """
        ...

    async def get(self, task_id: str) -> Task:
        """Return the task.

        Raises:
            TaskNotFound: there is none.
        """
        ...

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        """Return tasks, newest first; totals are exact up to 10,000."""
        ...

    async def counts(self) -> Mapping[TaskStatus, int]:
        """Return how many tasks have each status; all are exact."""
        ...

    async def save(
        self, task: Task, fence: Fence, attempts: Sequence[Attempt] = (), images: Sequence[Image] = ()
    ) -> None:
        """Store a changed task, new or changed ``attempts`` of it, and ``images`` that they yielded.

        All of it is stored in one transaction, images as by `save_attempt`. If the task has ended, its final
        event is stored after theirs, and its attempts as `Attempt.after_task` returns them; subscribers see
        the event only after `EventBus.notify`. A cancellation that was requested meanwhile stays requested.

        Raises:
            StaleTask: the stored task has ended, or is not the fence's any more; nothing is written.
            TaskNotFound: there is none.
        """
        ...

    async def save_attempt(
        self, attempt: Attempt, fence: Fence, images: tuple[Image, ...] = ()
    ) -> tuple[Image, ...]:
        """Store a new or changed attempt with the images that it yielded, in one transaction.

        Images are assigned ids (increasing integers, never reused) and are searchable from then on. An image
        whose (attempt_id, position) is already stored is not stored twice. The event of each new image is
        stored as well; subscribers see it only after `EventBus.notify`.

        Raises:
            StaleTask: as for `save`.
            TaskNotFound: the attempt's task is unknown.
        """
        ...

    async def request_cancel(self, task_id: str) -> Task:
        """Record that a caller cancels a task that is processing, and return the task.

        Whoever runs it goes on meanwhile, so nothing else of it is written. In another status it is returned
        unchanged.

        Raises:
            TaskNotFound: there is none.
        """
        ...

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        """Return those of the tasks that are processing and whose cancellation was requested."""
        ...

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        """Return all attempts of a task, oldest first; empty for an unknown task."""
        ...

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        """Wipe the responses that ended attempts have kept, if their last change is older than that."""
        ...

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        """Return the tasks that are processing, oldest first, but for those of owners in ``alive``.

        Those whose ids are in ``running`` are left out, too.
        """
        ...
