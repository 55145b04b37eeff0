"""Lists of tasks."""

import asyncio

from imagegen_core.ports.task_repository import TaskFilter, TaskRepository
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_task
from tests.contracts.tasks.additions import add


class Lists:
    """Finding tasks."""

    async def test_lists_are_newest_first(self, repository: TaskRepository) -> None:
        """Pages divide the list without gaps; has_more is false on the last one; totals count all."""
        tasks = [a_task() for _ in range(5)]
        await add(repository, *tasks)

        pages = [await repository.find(TaskFilter(), Paging(page=n, page_size=2)) for n in (1, 2, 3, 4)]

        assert [[4, 3], [2, 1], [0], []] == [[tasks.index(t) for t in page.items] for page in pages]
        assert [True, True, False, False] == [page.has_more for page in pages]
        assert [(5, True)] * 4 == [(page.total, page.total_is_exact) for page in pages]

    async def test_a_cursor_goes_on_where_the_page_ended(self, repository: TaskRepository) -> None:
        """Tasks added meanwhile do not shift the pages; the total is that of the whole list."""
        tasks = [a_task() for _ in range(5)]
        await add(repository, *tasks)
        first = await repository.find(TaskFilter(), Paging(page_size=2))
        await add(repository, a_task())

        second = await repository.find(TaskFilter(), Paging(page_size=2, after=first.last))
        third = await repository.find(TaskFilter(), Paging(page_size=2, after=second.last))
        fourth = await repository.find(TaskFilter(), Paging(page_size=2, after=third.last))

        assert [tasks[2], tasks[1], tasks[0]] == [*second.items, *third.items]
        assert (True, False, False) == (second.has_more, third.has_more, fourth.has_more)
        assert ((), None, 6) == (fourth.items, fourth.last, fourth.total)

    async def test_tasks_are_counted_by_status(self, repository: TaskRepository) -> None:
        """Each status has its number, from the first on, and a task counts where it is now."""
        none = await repository.counts()
        cat, dog, owl = a_task("cat"), a_task("dog"), a_task("owl")
        await add(repository, cat, dog, owl)
        await repository.save(owl.cancel(NOW), owl.fence)

        counts = await repository.counts()

        assert dict.fromkeys(TaskStatus, 0) == dict(none)
        assert {**none, TaskStatus.PENDING: 2, TaskStatus.CANCELLED: 1} == dict(counts)

    async def test_filters_combine(self, repository: TaskRepository) -> None:
        """Status and provider both restrict the list and its total."""
        cat, dog, owl = a_task("cat"), a_task("dog", provider_name="other"), a_task("owl")
        await add(repository, cat, dog, owl)
        await repository.save(owl.cancel(NOW), owl.fence)

        pages = [
            await repository.find(TaskFilter(status=status, provider_name=provider), Paging())
            for status, provider in (
                (TaskStatus.PENDING, None),
                (None, "demo"),
                (TaskStatus.PENDING, "demo"),
                (TaskStatus.FAILED, "demo"),
            )
        ]

        prompts = [[task.request.prompt for task in page.items] for page in pages]
        assert [["dog", "cat"], ["owl", "cat"], ["cat"], []] == prompts
        assert [2, 2, 1, 0] == [page.total for page in pages]

    async def test_totals_are_exact_up_to_ten_thousand(self, repository: TaskRepository) -> None:
        """A total of 10,000 is exact; with one more task it only means "at least"."""
        await asyncio.gather(*(repository.add(a_task(), queue_size=20_000) for _ in range(10_000)))
        exact = await repository.find(TaskFilter(provider_name="demo"), Paging())
        await add(repository, a_task())

        beyond = await repository.find(TaskFilter(), Paging(page=501))

        assert (10_000, True) == (exact.total, exact.total_is_exact)
        assert (10_000, False, 1) == (beyond.total, beyond.total_is_exact, len(beyond.items))
