"""Store that a task has ended, and tell those who follow it."""

import logging

import attrs

from imagegen_core.events import EventKind, TaskEvent
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.spool import Spool
from imagegen_core.running_tasks import RunningTask
from imagegen_core.tasks import Task, TaskStatus

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class EndTask:
    """Ends a running task; its input pictures are kept for a retry unless it is completed."""

    events: EventBus
    spool: Spool

    async def __call__(self, *, run: RunningTask, task: Task) -> None:
        """Store ``task``, which is final.

        Raises:
            StaleTask: it is no longer ours.
            StorageError: the disk is full or failed.
        """
        await run.save(task)
        await announce_end(task, self.events)
        if task.status is TaskStatus.COMPLETED:
            await self.spool.remove(task.task_id)
        if task.failure is not None:
            _log.info(
                "the task ended without what was asked for",
                extra={"task_id": task.task_id, "error": task.failure.code, "provider": task.provider_name},
            )


async def announce_end(task: Task, events: EventBus) -> None:
    """Publish the last event of a task that has ended."""
    data = {} if task.failure is None else {"error": str(task.failure.code)}
    kind = EventKind(str(task.status))
    await events.publish(
        TaskEvent(task_id=task.task_id, kind=kind, at=task.completed_at or task.created_at, data=data)
    )
