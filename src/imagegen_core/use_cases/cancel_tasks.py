"""Cancel all tasks that a filter selects."""

import asyncio
from collections.abc import AsyncIterator

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.ports.task_repository import TaskFilter, TaskRepository
from imagegen_core.problems import ProblemCode
from imagegen_core.search import Paging
from imagegen_core.task import Task, TaskStatus
from imagegen_core.use_cases.cancel_task import CancelTask

_UNFINISHED = tuple(status for status in TaskStatus if not status.final)


@attrs.frozen(kw_only=True)
class CancelTasks:
    """Cancels each task as `CancelTask` does; those that are submitted meanwhile are left alone."""

    repository: TaskRepository
    cancel: CancelTask

    async def __call__(self, *, criteria: TaskFilter) -> int:
        """Return how many tasks were cancelled, or while they run were asked to stop.

        Pending ones are cancelled before those that run, whose places they would take otherwise.

        Raises:
            ValidationFailed: ``criteria`` ask for tasks that have ended.
        """
        if criteria.status is not None and criteria.status.final:
            raise ValidationFailed.for_field("status", ProblemCode.NOT_ONE_OF(choices=_UNFINISHED))
        statuses = _UNFINISHED if criteria.status is None else (criteria.status,)
        cancelled = 0
        for status in statuses:
            async for tasks in self._pages(attrs.evolve(criteria, status=status)):
                ended = await asyncio.gather(*(self.cancel(task_id=task.task_id) for task in tasks))
                cancelled += sum(t.status is TaskStatus.CANCELLED or t.cancel_requested for t in ended)
        return cancelled

    async def _pages(self, criteria: TaskFilter) -> AsyncIterator[tuple[Task, ...]]:
        """Yield the tasks that there are now, newest first, in pages."""
        paging = Paging(page=1, page_size=MAX_PAGE_SIZE, after=None)
        while True:
            page = await self.repository.find(criteria, paging)
            if page.items:
                yield page.items
            if not page.has_more:
                return
            paging = attrs.evolve(paging, after=page.last)
