"""The store of tasks and their attempts, the source of truth."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from imagegen_core.attempt import Attempt
from imagegen_core.costs import Cost, Usage, UsageGrouping
from imagegen_core.images import Image
from imagegen_core.search import Page, Paging
from imagegen_core.task import Fence, Task, TaskStatus


@attrs.frozen(kw_only=True)
class IdempotencyClaim:
    """A caller's idempotency key within its ``scope`` (token and operation), and its request's digest.

    Without a digest it is only looked for.
    """

    scope: str
    key: str
    body_sha256: str | None = None
    expires_at: datetime


@attrs.frozen(kw_only=True)
class StoredKey:
    """An idempotency key, and the task that it created."""

    key: str
    task_id: str


@attrs.frozen(kw_only=True)
class AddedTask:
    """The stored task; ``replayed`` if the same key and body had created it before."""

    task: Task
    replayed: bool = False


@attrs.frozen(kw_only=True)
class TaskFilter:
    """Which tasks; None means any. ``created_from`` is inclusive, ``created_to`` exclusive."""

    status: TaskStatus | None = None
    provider_name: str | None = None
    batch_id: str | None = None
    owner: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


@attrs.frozen(kw_only=True)
class ChangedTask:
    """A task as it is now; the feed goes on behind it at ``position``."""

    task: Task
    position: int


@attrs.frozen(kw_only=True)
class ChangedTasks:
    """Changes, oldest first; the feed goes on at ``position``. ``has_more``: there may be more."""

    changes: tuple[ChangedTask, ...] = ()
    position: int
    has_more: bool = False


class TaskRepository(Protocol):
    """Every write is durable (survives a power cut) when its method returns.

    A change of a task or its attempts is stored only if the stored task still has its ``fence``: the
    `Task.fence` of the value that was read or stored before.

    All tasks are one feed of changes, in which each stands once, at its latest change; an image of it is a
    change, too. Positions only grow. A change takes its place before others can see it, so none is ever
    missed. Near the end of the feed one may be shown twice.

    A task counts as used once, when it ends, whatever becomes of its images. Usage is added up by quarters of
    an hour (`quarter_of`); bounds are inclusive, None is no bound. Its cost depends on the number of
    quarters, not of tasks.
    """

    async def add(self, task: Task, *, queue_size: int, claim: IdempotencyClaim | None = None) -> AddedTask:
        """Store a new pending task with its idempotency key, in one transaction, and queue it.

        If an unexpired claim with the same digest exists, its task is returned as it is now. Of concurrent
        adds, one creates the task.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
            QueueFull: ``queue_size`` tasks are already pending.
        """

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        """Return the present task of the same key and body; None for a new or expired key.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
        """

    async def keys(
        self, scope: str, prefix: str, *, now: datetime, unanswered_since: datetime | None = None
    ) -> tuple[StoredKey, ...]:
        """Return at most 20 unexpired keys that start with ``prefix``, those of the newest tasks first.

        With ``unanswered_since``: at most 2,000, oldest tasks first, that are not marked as answered and
        whose task is running or ended after that.
        """

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        """Record durably that the callers of the task's keys have received the response.

        Idempotent; a task without a key is no error.
        """

    async def get(self, task_id: str) -> Task:
        """Return the task.

        Raises:
            TaskNotFound: there is none.
        """

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        """Return tasks, newest first; totals are exact up to 10,000."""

    async def counts(self, statuses: Collection[TaskStatus] = tuple(TaskStatus)) -> Mapping[TaskStatus, int]:
        """Return how many tasks have each of the statuses, exactly. Never waits for other reads."""

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        """Return all attempts of a task, oldest first; empty for an unknown task."""

    async def save(
        self,
        fence: Fence,
        *,
        task: Task | None = None,
        attempts: Sequence[Attempt] = (),
        images: Sequence[Image] = (),
    ) -> tuple[Image, ...]:
        """Store a changed task, new or changed ``attempts`` of it, and ``images`` that they yielded.

        All of it in one transaction; without ``task``, the task stays as it is. With the end of the task its
        final event is stored, and its attempts lose configuration, price and, unless they keep it, response,
        whatever their phase: nothing resumes them. A cancellation requested meanwhile stays requested.

        Images are returned with their ids (increasing integers, never reused), and are searchable from then
        on. One whose (attempt_id, position) is stored already is not stored twice. The event of each new
        image precedes the final one. Subscribers see these events only after `Queue.notify`.

        Raises:
            StaleTask: the stored task has ended, or is not the fence's any more; nothing is written.
            TaskNotFound: there is none.
        """

    async def request_cancel(self, task_id: str) -> Task:
        """Record that a caller cancels a processing task; return the task, unchanged in another status.

        Its runner goes on meanwhile, so nothing else of it is written.

        Raises:
            TaskNotFound: there is none.
        """

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        """Return those of the tasks that are processing and whose cancellation was requested."""

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        """Return the processing tasks, oldest first, but for ids ``running`` and owners ``alive``.

        Those in a batch job are none.
        """

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        """Wipe the responses of ended attempts whose last change is older than that."""

    async def changes(self, since: int | None = None, *, limit: int = 100) -> ChangedTasks:
        """Return about ``limit`` tasks that have changed from a position on.

        None is the end, behind all changes so far; so is a position beyond it, as after a restore.
        """

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        """Return what the attempts of tasks cost, or may have; a task that cost nothing is missing."""

    async def usage(
        self, by: UsageGrouping, *, first: int | None = None, last: int | None = None
    ) -> Mapping[str, Usage]:
        """Return the totals of each provider, or of each model at all providers, that was used."""

    async def usage_by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        """Return the totals from each of the quarters (ascending) to before the next."""

    async def usage_span(self) -> tuple[int, int] | None:
        """Return the first and last quarter in which a task ended; None if none has."""
