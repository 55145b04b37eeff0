"""Show tasks with their images and their positions in the queue."""

import asyncio
from collections.abc import Sequence

import attrs

from imagegen_core.costs import Cost, total
from imagegen_core.images import Image
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskFilter, TaskRepository
from imagegen_core.ports.usage_ledger import UsageLedger
from imagegen_core.search import Page, Paging
from imagegen_core.task import Task, TaskStatus
from imagegen_core.use_cases.show_inputs import InputView, ShowInputs


@attrs.frozen(kw_only=True)
class TaskView:
    """A task as it is shown; ``queue_position`` is 1 for the next task, None if it is not pending.

    ``costs`` are what its attempts cost or may have cost, by currency; empty if that is nothing.
    """

    task: Task
    images: tuple[Image, ...]
    inputs: tuple[InputView, ...] = ()
    queue_position: int | None = None
    costs: tuple[Cost, ...] = ()


@attrs.frozen(kw_only=True)
class ShowTask:
    """Shows one task."""

    repository: TaskRepository
    records: ImageRecords
    queue: Queue
    ledger: UsageLedger
    inputs: ShowInputs

    async def __call__(self, *, task_id: str) -> TaskView:
        """Return the task.

        Raises:
            TaskNotFound: there is none.
        """
        return await self.view(await self.repository.get(task_id))

    async def view(self, task: Task) -> TaskView:
        """Return the view of a task that has already been read."""
        (view,) = await self.views((task,))
        return view

    async def views(self, tasks: Sequence[Task]) -> tuple[TaskView, ...]:
        """Return the views of tasks that have already been read."""
        started = [task.task_id for task in tasks if task.started_at is not None]
        costs = await self.ledger.costs(started) if started else {}
        inputs = await self.inputs(tasks=tasks)
        views = (
            self._view(task, total(costs.get(task.task_id, ())), inputs.get(task.task_id, ()))
            for task in tasks
        )
        return tuple(await asyncio.gather(*views))

    async def _view(self, task: Task, costs: tuple[Cost, ...], inputs: tuple[InputView, ...]) -> TaskView:
        images = () if task.started_at is None else await self.records.by_task(task.task_id)
        position = await self.queue.position(task.task_id) if task.status is TaskStatus.PENDING else None
        return TaskView(task=task, images=images, inputs=inputs, queue_position=position, costs=costs)


@attrs.frozen(kw_only=True)
class ListTasks:
    """Lists tasks, newest first."""

    repository: TaskRepository
    show: ShowTask

    async def __call__(self, *, criteria: TaskFilter, paging: Paging) -> Page[TaskView]:
        """Return one page."""
        page = await self.repository.find(criteria, paging)
        return page.with_items(await self.show.views(page.items))
