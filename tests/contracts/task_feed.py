"""The contract of a task feed, as tests to subclass.

A subclass provides the fixtures ``repository`` and ``feed``, over the same tasks::

    class TestMyTaskFeed(TaskFeedContract):
        @pytest.fixture
        def repository(self, database):
            return MyTaskRepository(database)

        @pytest.fixture
        def feed(self, database):
            return MyTaskFeed(database)
"""

import pytest

from imagegen_core.ports.task_feed import TaskFeed
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task
from tests.contracts.samples import NOW, a_task, an_attempt, an_image


async def _add(repository: TaskRepository, *prompts: str) -> list[Task]:
    return [(await repository.add(a_task(prompt), queue_size=99)).task for prompt in prompts]


async def _prompts(feed: TaskFeed, position: int, limit: int = 99) -> list[str]:
    page = await feed.since(position, limit=limit)
    return [change.task.request.prompt for change in page.changes]


class TaskFeedContract:
    """Following all tasks."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the repository whose tasks are followed."""
        raise NotImplementedError

    @pytest.fixture
    def feed(self) -> TaskFeed:
        """Return the feed under test."""
        raise NotImplementedError

    async def test_a_new_task_is_a_change(self, feed: TaskFeed, repository: TaskRepository) -> None:
        """From the end on, only what comes later is shown."""
        await _add(repository, "before")
        end = await feed.end()
        await _add(repository, "cat", "dog")

        assert ["cat", "dog"] == await _prompts(feed, end)
        assert [] == await _prompts(feed, await feed.end())

    async def test_a_task_stands_at_its_latest_change(
        self, feed: TaskFeed, repository: TaskRepository
    ) -> None:
        """Once, as it is now."""
        end = await feed.end()
        cat, _ = await _add(repository, "cat", "dog")
        await repository.save(cat.cancel(NOW), cat.fence)

        page = await feed.since(end, limit=99)

        assert [("dog", "pending"), ("cat", "cancelled")] == [
            (change.task.request.prompt, change.task.status) for change in page.changes
        ]

    async def test_an_image_is_a_change(self, feed: TaskFeed, repository: TaskRepository) -> None:
        """Also one that is stored while others are still being made."""
        cat, _ = await _add(repository, "cat", "dog")
        end = await feed.end()
        attempt = an_attempt(cat)
        await repository.save_attempt(attempt, cat.fence, (an_image(attempt),))

        assert ["cat"] == await _prompts(feed, end)

    async def test_a_page_goes_on_where_the_one_before_ended(
        self, feed: TaskFeed, repository: TaskRepository
    ) -> None:
        """Until there is no more, and what changes meanwhile comes at the end."""
        position, shown, more = await feed.end(), list[str](), True
        await _add(repository, *"abcde")
        while more:
            page = await feed.since(position, limit=2)
            shown += [change.task.request.prompt for change in page.changes]
            position, more = page.position, page.has_more
        await _add(repository, "f")

        assert list("abcde") == shown
        assert ["f"] == await _prompts(feed, position)

    async def test_the_feed_goes_on_behind_each_task(
        self, feed: TaskFeed, repository: TaskRepository
    ) -> None:
        """What stood before it is not shown again, and nothing behind it is missed."""
        end = await feed.end()
        await _add(repository, *"abc")

        page = await feed.since(end, limit=99)

        assert ["bc", "c", ""] == ["".join(await _prompts(feed, change.position)) for change in page.changes]

    async def test_a_position_beyond_the_end_is_the_end(
        self, feed: TaskFeed, repository: TaskRepository
    ) -> None:
        """A database may have been restored since it was told."""
        await _add(repository, "before")
        page = await feed.since(2**62, limit=9)
        await _add(repository, "after")

        assert ((), False) == (page.changes, page.has_more)
        assert ["after"] == await _prompts(feed, page.position)
