"""Hands pending tasks to workers, each to one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import attrs

from imagegen_core.tasks.task import Task

MAX_DEFERRAL = timedelta(hours=2)
"""Beyond any delay that a task is put off for; what is due later than that was put off by another clock."""


@attrs.frozen(kw_only=True)
class QueueCounts:
    """How many tasks wait, and how many are worked on."""

    pending: int
    processing: int


class Queue(Protocol):
    """Carries ids; `TaskRepository` holds the truth. First in, first out, put-back tasks by their age.

    A task that is put off for more than `MAX_DEFERRAL` is due: the clock was set back meanwhile.
    """

    async def enqueue(self, task: Task) -> None:
        """Make a stored pending task claimable (from its ``not_before`` on) and wake a worker."""
        ...

    async def demand(self, *, now: datetime, limit: int) -> Mapping[str, int]:
        """Return the providers that have due tasks, each with how many of its tasks are processing.

        At most ``limit`` providers, those whose tasks wait longest first. A task that was put off and is due
        waits like any other from then on.

        Raises:
            StorageError: that could not be stored.
        """
        ...

    async def claim(
        self, owner: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        """Move due tasks from pending to processing, durably, and return them, oldest first.

        At most ``limit``, and of each provider only as many as keep those that are processing, whoever
        claimed them, within its limit in ``provider_limits``; tasks of other providers stay. No task is
        ever returned to two callers.
        """
        ...

    async def wait(self, timeout: float) -> None:
        """Return when something was enqueued since `demand` was last asked, or after ``timeout`` seconds."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the earliest task that is put off becomes due; None when none is put off."""
        ...

    async def counts(self) -> QueueCounts:
        """Return how many tasks are pending and processing."""
        ...

    async def position(self, task_id: str) -> int | None:
        """Return the place of a pending task, 1 for the next of its provider; None when it is not pending.

        Older ones that are put off do not count.
        """
        ...
