"""Store the end of a task, and notify its subscribers."""

import logging
from collections.abc import Iterable

import attrs

from imagegen_core.attempt import Attempt
from imagegen_core.errors import StorageError, Unavailable
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Fence, Task, TaskStatus

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class EndTask:
    """The only way for a task to end.

    With ``keep_inputs`` the input images that its caller sent are kept for good. Without, they are removed
    if it is completed, and stay in the spool for a retry otherwise.
    """

    repository: TaskRepository
    events: EventBus
    records: ImageRecords
    spool: Spool
    keep_inputs: bool

    async def __call__(
        self, *, task: Task, holder: RunningTask | Fence, attempts: Iterable[Attempt] = ()
    ) -> None:
        """Store ``task``, which is final, end those of its ``attempts`` that are active, and announce it.

        Args:
            task: as it ends.
            holder: the run of it, or the fence of the stored task that is ended without one.
            attempts: what it may have been charged for stays as it is known.

        Raises:
            StaleTask: it is no longer the holder's; nothing is stored.
            StorageError: the disk is full or has failed; nothing is stored.
        """
        ended = [
            attempt.ended_with_task(task.completed_at, task.failure)
            for attempt in attempts
            if attempt.is_active and task.failure is not None and task.completed_at is not None
        ]
        if isinstance(holder, Fence):
            await self.repository.save(task, holder, ended)
        else:
            await holder.save(task, ended)
        await self._release_inputs(task)
        await self._announce(task, None if isinstance(holder, Fence) else holder.image_count)

    async def _release_inputs(self, task: Task) -> None:
        """Keep what is to be kept of the spooled input images, and remove the others."""
        if not task.request.inputs:
            return
        try:
            if self.keep_inputs:
                await self.spool.keep(task.task_id, task.request.sent_inputs)
            elif task.status is TaskStatus.COMPLETED:
                await self.spool.remove(task.task_id)
        except StorageError:  # the next sweep does it
            _log.warning("the inputs of a task stay spooled for now", extra={"task_id": task.task_id})

    async def _announce(self, task: Task, images: int | None) -> None:
        """Notify the subscribers of a task whose end is stored, and log it with the number of its images.

        Every task logs its end, so that the log alone accounts for what was paid for; the prompt is not
        logged.
        """
        await self.events.notify(task.task_id)
        if images is None:
            images = await self._image_count(task)
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

    async def _image_count(self, task: Task) -> int | None:
        try:
            return len(await self.records.by_task(task.task_id))
        except (StorageError, Unavailable):
            return None  # only the log line needs it
