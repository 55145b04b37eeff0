"""Who waits for what: workers for tasks, and followers for the events of a task."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

import attrs

from imagegen_core.task import Task, TaskEvent

__path__: list[str] = []  # whoever imports what was here is told what moved
MAX_DEFERRAL = timedelta(hours=2)
"""A task due later than this was deferred before the clock was set back."""


@attrs.frozen(kw_only=True)
class Demand:
    """The providers that have due tasks, each with the number of its tasks that are processing.

    ``next_due`` is when the earliest deferred task becomes due; None if none is deferred.
    """

    processing: Mapping[str, int]
    next_due: datetime | None = None


class Queue(Protocol):
    """Gives each pending task to exactly one worker, and delivers the events of tasks.

    First in, first out; a requeued task keeps its age. `TaskRepository` is the source of truth. A task
    deferred by more than `MAX_DEFERRAL` is due: the clock was set back.

    Events of a task have increasing ids and can be replayed from any of them. `TaskRepository.save` stores
    those of images and the final one.

    Raises:
        StorageError: a change could not be stored.
    """

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        """Return the providers that have claimable tasks, longest-waiting first, at most ``limit``.

        Also moves deferred tasks that are now due back into the queue.
        """

    async def claim(
        self, node: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        """Move due tasks from pending to processing, durably, and return them, oldest first.

        No task is ever returned to two callers. ``provider_limits`` bounds the processing tasks of each
        provider at all nodes; a provider without a limit there is skipped.
        """

    async def position(self, task_id: str) -> int | None:
        """Return a pending task's position among its provider's, from 1, without deferred ones; or None."""

    async def wake(self, *, locked: bool = False) -> None:
        """Wake workers, since a pending task was stored; it is claimable from its ``not_before`` on.

        With ``locked``, tasks deferred until the master key is back become due: this process may have it.
        """

    async def wait(self, timeout: float) -> None:
        """Return once workers were woken since the last `demand`, or after ``timeout`` seconds."""

    async def publish(self, event: TaskEvent) -> TaskEvent:
        """Store the event, wake the task's followers, and return the event with its id."""

    async def notify(self, task_id: str) -> None:
        """Wake the followers of a task of which the repository has stored an event."""

    def follow(self, task_id: str) -> AbstractContextManager[asyncio.Event]:
        """An `asyncio.Event` of the follower's own, set whenever the task may have a new event."""

    def events(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        """Yield the stored events with ids above ``after``, then new ones, up to a final event."""

    async def last_event_id(self, task_id: str) -> int:
        """Return the id of the task's latest event; 0 if it has none."""
