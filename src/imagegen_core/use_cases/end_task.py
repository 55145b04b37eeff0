"""Store that a task has ended, and tell those who follow it."""

import logging

import attrs

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
        await self.events.notify(task.task_id)
        if task.status is TaskStatus.COMPLETED:
            await self.spool.remove(task.task_id)
        if task.failure is not None:
            _log.info(
                "the task ended without what was asked for",
                extra={"task_id": task.task_id, "error": task.failure.code, "provider": task.provider_name},
            )
