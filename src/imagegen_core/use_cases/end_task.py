"""Store that a task has ended, and tell those who follow it."""

import logging

import attrs

from imagegen_core.errors import StorageError, Unavailable
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.spool import Spool
from imagegen_core.tasks.task import Task, TaskStatus

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class EndTask:
    """Ends a running task; its input images are kept for a retry unless it is completed."""

    events: EventBus
    records: ImageRecords
    spool: Spool

    async def __call__(self, *, run: RunningTask, task: Task) -> None:
        """Store ``task``, which is final.

        Raises:
            StaleTask: it is no longer ours.
            StorageError: the disk is full or failed.
        """
        await run.save(task)
        await self.announce(task)
        if task.status is TaskStatus.COMPLETED:
            await self.spool.remove(task.task_id)

    async def announce(self, task: Task) -> None:
        """Tell those who follow a task that its end is stored, and leave a line about it.

        Every end has one, so that the log alone accounts for what was paid for; no prompt.
        """
        await self.events.notify(task.task_id)
        try:
            images = len(await self.records.by_task(task.task_id))
        except (StorageError, Unavailable):
            images = None  # the task has ended all the same
        ended, begun = task.completed_at or task.created_at, task.started_at or task.created_at
        _log.info(
            "the task is completed" if task.failure is None else "the task ended without what was asked for",
            extra={
                "task_id": task.task_id,
                "error": None if task.failure is None else task.failure.code,
                "provider": task.provider_name,
                "model": task.model_id,
                "images": images,
                "seconds": round((ended - begun).total_seconds(), 3),
            },
        )
