"""Wait until a task has ended, or a timeout has passed."""

import asyncio

import attrs

from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class WaitForTask:
    """Woken by the final event of the task, but decides by the stored task."""

    repository: TaskRepository
    events: EventBus

    async def __call__(self, *, task_id: str, timeout: float | None = None) -> Task:
        """Return the task once it has ended, or in its present state after ``timeout`` seconds.

        Raises:
            TaskNotFound: there is none.
        """
        task = await self.repository.get(task_id)
        if task.status.final:
            return task
        try:
            async with asyncio.timeout(timeout):
                async for event in self.events.subscribe(task_id):
                    if event.kind.final:
                        break
        except TimeoutError:
            pass
        return await self.repository.get(task_id)
