"""Distributes pending tasks to workers, each to exactly one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import attrs

from imagegen_core.task import Task

MAX_DEFERRAL = timedelta(hours=2)
"""Longer than any deferral of a task; one due later than this was deferred before the clock was set back."""


@attrs.frozen(kw_only=True)
class QueueCounts:
    """How many tasks are pending, and how many are processing."""

    pending: int
    processing: int


@attrs.frozen(kw_only=True)
class Demand:
    """What waits: the providers that have due tasks, each with the number of its tasks that are processing.

    ``next_due`` is when the earliest deferred task becomes due; None if none is deferred.
    """

    processing: Mapping[str, int]
    next_due: datetime | None = None


class Queue(Protocol):
    """First in, first out; a requeued task keeps its age. `TaskRepository` is the source of truth.

    A task deferred by more than `MAX_DEFERRAL` is due: the clock was set back meanwhile.
    """

    async def enqueue(self, task: Task) -> None:
        """Make a stored pending task claimable, from its ``not_before`` on, and wake a worker."""
        ...

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        """Return what waits: at most ``limit`` providers, those whose tasks have waited longest first.

        From then on a deferred task that is due counts as waiting like any other.

        Raises:
            StorageError: that change could not be stored.
        """
        ...

    async def claim(
        self, owner: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        """Move due tasks from pending to processing, durably, and return them, oldest first.

        At most ``limit`` tasks, and only as many of each provider as keep its processing tasks, whoever
        claimed them, within its limit in ``provider_limits``; providers without a limit there are skipped. No
        task is ever returned to two callers.
        """
        ...

    async def release_locked(self) -> None:
        """Make the tasks due that are deferred until the master key is back: this process may have it.

        Raises:
            StorageError: that change could not be stored.
        """
        ...

    async def wait(self, timeout: float) -> None:
        """Return once something has been enqueued since the last `demand`, or after ``timeout`` seconds."""
        ...

    async def counts(self) -> QueueCounts:
        """Return how many tasks are pending and processing."""
        ...

    async def position(self, task_id: str) -> int | None:
        """Return the position of a pending task, 1 for its provider's next one; None if it is not pending.

        Deferred tasks do not count.
        """
        ...
