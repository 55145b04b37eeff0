"""Store the end of a task, and notify its subscribers."""

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
    """Ends a running task; unless it is completed, its input images are kept for a retry."""

    events: EventBus
    records: ImageRecords
    spool: Spool

    async def __call__(self, *, run: RunningTask, task: Task) -> None:
        """Store ``task``, which is final.

        Raises:
            StaleTask: another worker has claimed it.
            StorageError: the disk is full or has failed.
        """
        await run.save(task)
        await self.announce(task)
        if task.status is TaskStatus.COMPLETED:
            await self.spool.remove(task.task_id)

    async def announce(self, task: Task) -> None:
        """Notify the subscribers of a task whose end is stored, and log it.

        Every task logs its end, so that the log alone accounts for what was paid for; the prompt is not
        logged.
        """
        await self.events.notify(task.task_id)
        try:
            images = len(await self.records.by_task(task.task_id))
        except (StorageError, Unavailable):
            images = None  # only the log line needs it
        ended, started = task.completed_at or task.created_at, task.started_at or task.created_at
        _log.info(
            "the task is completed" if task.failure is None else "the task failed or was cancelled",
            extra={
                "task_id": task.task_id,
                "error": None if task.failure is None else task.failure.code,
                "provider": task.provider_name,
                "model": task.model_id,
                "images": images,
                "seconds": round((ended - started).total_seconds(), 3),
            },
        )
