"""Hands pending tasks to workers, each to one."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

import attrs

from imagegen_core.tasks import Task

LONGEST_WAIT = timedelta(hours=2)
"""Beyond any delay that a task is put off for; what is due later than that was put off by another clock."""


@attrs.frozen(kw_only=True)
class QueueCounts:
    """How many tasks wait, and how many are worked on."""

    pending: int
    processing: int


class Queue(Protocol):
    """Carries ids; `TaskRepository` holds the truth. First in, first out, put-back tasks by their age."""

    async def enqueue(self, task: Task) -> None:
        """Make a stored pending task claimable (from its ``not_before`` on) and wake a worker."""
        ...

    async def claim(
        self, owner: str, *, limit: int, now: datetime, skip_providers: Collection[str] = ()
    ) -> tuple[Task, ...]:
        """Move up to ``limit`` due tasks from pending to processing, durably, and return them.

        A task that is put off for more than `LONGEST_WAIT` is due: the clock was set back meanwhile.
        No task is ever returned to two callers. Tasks of ``skip_providers`` stay.
        """
        ...

    async def wait(self, timeout: float) -> None:
        """Return when there may be something to claim, after ``timeout`` seconds at the latest."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the earliest task that is put off becomes due; None when none is put off."""
        ...

    async def counts(self) -> QueueCounts:
        """Return how many tasks are pending and processing."""
        ...

    async def position(self, task_id: str) -> int | None:
        """Return the place of a pending task, 1 for the next; None when it is not pending."""
        ...
