"""A task with all that is shown of it: its images and its place in the queue."""

import asyncio

import attrs

from imagegen_core.images import Image
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskFilter, TaskRepository
from imagegen_core.search.pages import Page, Paging
from imagegen_core.tasks.task import Task, TaskStatus


@attrs.frozen(kw_only=True)
class TaskView:
    """``queue_position`` is 1 for the next one, None when the task does not wait."""

    task: Task
    images: tuple[Image, ...]
    queue_position: int | None = None


@attrs.frozen(kw_only=True)
class ShowTask:
    """One task, in full."""

    repository: TaskRepository
    records: ImageRecords
    queue: Queue

    async def __call__(self, *, task_id: str) -> TaskView:
        """Return the task.

        Raises:
            TaskNotFound: there is none.
        """
        return await self.of(await self.repository.get(task_id))

    async def of(self, task: Task) -> TaskView:
        """Return the view of a task that was read already."""
        images = () if task.started_at is None else await self.records.by_task(task.task_id)
        position = await self.queue.position(task.task_id) if task.status is TaskStatus.PENDING else None
        return TaskView(task=task, images=images, queue_position=position)


@attrs.frozen(kw_only=True)
class ListTasks:
    """Tasks, newest first, each in full."""

    repository: TaskRepository
    show: ShowTask

    async def __call__(self, *, criteria: TaskFilter, paging: Paging) -> Page[TaskView]:
        """Return one page."""
        page = await self.repository.find(criteria, paging)
        views = await asyncio.gather(*(self.show.of(task) for task in page.items))
        return Page(
            items=tuple(views),
            total=page.total,
            has_more=page.has_more,
            total_is_exact=page.total_is_exact,
            last=page.last,
        )
