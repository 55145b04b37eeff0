"""Where tasks and their attempts are kept; the truth."""

from datetime import datetime
from typing import Protocol

import attrs

from imagegen_core.images import Image
from imagegen_core.search.pages import Page, Paging
from imagegen_core.tasks.attempt import Attempt
from imagegen_core.tasks.task import Task, TaskStatus


@attrs.frozen(kw_only=True)
class IdempotencyClaim:
    """A caller's key within its ``scope`` (token and operation), and the digest of the canonical body."""

    scope: str
    key: str
    body_sha256: str
    expires_at: datetime


@attrs.frozen(kw_only=True)
class AddedTask:
    """The stored task; ``replayed`` when the same key and body had made it before."""

    task: Task
    replayed: bool = False


@attrs.frozen(kw_only=True)
class TaskFilter:
    """Which tasks; None means any."""

    status: TaskStatus | None = None
    provider_name: str | None = None


class TaskRepository(Protocol):
    """Every write is durable (survives a power cut) when its method returns."""

    async def add(
        self, task: Task, *, queue_size: int, idempotency: IdempotencyClaim | None = None
    ) -> AddedTask:
        """Store a new pending task, together with its idempotency key, in one transaction.

        A claim that is there already, unexpired, and has the same digest gives back its task, as it is now;
        so do any number of equal adds at once. Being stored is being queued.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
            QueueFull: ``queue_size`` tasks are pending already.
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

    async def save(self, task: Task) -> None:
        """Store a changed task.

        With one that has ended its last event is stored, of which nobody is told until `EventBus.notify`,
        and the sealed configurations of its attempts are wiped, all in one transaction.

        Raises:
            StaleTask: the stored one has ended, or has a higher epoch. Nothing is written.
            TaskNotFound: there is none.
        """
        ...

    async def save_attempt(self, attempt: Attempt, images: tuple[Image, ...] = ()) -> tuple[Image, ...]:
        """Store a new or changed attempt with the images that it yielded, in one transaction.

        Images get their ids (increasing integers, never used again) and are searchable from then on.
        An image whose (attempt_id, position) is stored already is not stored twice.
        """
        ...

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        """Return all attempts of a task, oldest first; none for an unknown task."""
        ...

    async def orphans(self, owner: str) -> tuple[Task, ...]:
        """Return the tasks that are processing in other hands than ``owner``'s, oldest first."""
        ...
