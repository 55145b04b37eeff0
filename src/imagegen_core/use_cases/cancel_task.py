"""Cancel a task: at once if it is pending; while it runs, as far as the provider allows."""

import attrs

from imagegen_core.attempt import may_be_charged
from imagegen_core.errors import StaleTask
from imagegen_core.execution.running_tasks import RunningTasks
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task, TaskStatus
from imagegen_core.use_cases.end_task import EndTask

_MAX_TRIES = 50
_PAUSE_SECONDS = 0.02


@attrs.frozen(kw_only=True)
class CancelTask:
    """Idempotent: a task that has ended is returned unchanged.

    That a running task is to be cancelled is stored, and then its run is told, if it is one of this process.
    """

    repository: TaskRepository
    running: RunningTasks
    end: EndTask
    clock: Clock
    owner: str

    async def __call__(self, *, task_id: str) -> Task:
        """Return the task: cancelled, already ended, or still running with its cancellation requested.

        Raises:
            TaskNotFound: there is none.
        """
        task = await self.repository.get(task_id)
        while not task.status.final:
            if task.status is TaskStatus.PROCESSING:
                task = await self.repository.request_cancel(task_id)
                if task.status is TaskStatus.PROCESSING:
                    await self._notify(task)
                    return task
            else:
                try:
                    return await self._cancel_waiting(task)
                except StaleTask:
                    task = await self.repository.get(task_id)
        return task

    async def _notify(self, task: Task) -> None:
        """Tell the run of a task of this process; one that was just claimed may start a moment later."""
        for _ in range(_MAX_TRIES):
            run = self.running.get(task.task_id)
            if run is not None:
                run.cancelled.set()
            if run is not None or task.owner != self.owner:
                return
            await self.clock.sleep(_PAUSE_SECONDS)

    async def _cancel_waiting(self, task: Task) -> Task:
        """Cancel a pending task, which may have been requeued after an attempt that reached the provider."""
        now = self.clock.now()
        attempts = await self.repository.attempts(task.task_id)
        cancelled = task.cancel(now, possible_charge=may_be_charged(attempts))
        await self.end(task=cancelled, holder=task.fence, attempts=attempts)
        return cancelled
