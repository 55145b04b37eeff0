"""Idempotency keys with which tasks are added."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from imagegen_core.errors import IdempotencyKeyReused, QueueFull
from imagegen_core.ports.task_repository import TaskFilter, TaskRepository
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_claim, a_task
from tests.contracts.tasks.additions import add


class Idempotency:
    """Adding tasks with an idempotency key."""

    async def test_equal_adds_at_once_make_one_task(self, repository: TaskRepository) -> None:
        """Fifty concurrent callers with the same key and body get the same task, created by one of them."""
        added = await asyncio.gather(
            *(repository.add(a_task(), queue_size=50, idempotency=a_claim()) for _ in range(50))
        )

        assert 1 == len({one.task.task_id for one in added})
        assert 49 == sum(one.replayed for one in added)
        assert 1 == (await repository.find(TaskFilter(), Paging())).total

    async def test_a_replay_shows_the_task_as_it_is_now(self, repository: TaskRepository) -> None:
        """A replay succeeds although the queue is full, and has the task's present status."""
        task = a_task()
        await repository.add(task, queue_size=1, idempotency=a_claim())
        await add(repository, a_task())
        await repository.save(task.cancel(NOW), task.fence)

        replay = await repository.add(a_task(), queue_size=0, idempotency=a_claim())

        assert (True, TaskStatus.CANCELLED) == (replay.replayed, replay.task.status)

    async def test_a_key_belongs_to_one_body(self, repository: TaskRepository) -> None:
        """The same key with another body is refused, and nothing is stored."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        with pytest.raises(IdempotencyKeyReused):
            await repository.add(a_task(), queue_size=9, idempotency=a_claim(body="bb"))
        assert 1 == (await repository.find(TaskFilter(), Paging())).total

    async def test_scopes_part_keys(self, repository: TaskRepository) -> None:
        """The same key in another scope is a different key."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        other = await repository.add(a_task(), queue_size=9, idempotency=a_claim(body="bb", scope="other"))

        assert not other.replayed

    async def test_a_refused_add_does_not_use_up_its_key(self, repository: TaskRepository) -> None:
        """After the queue was full, the same key creates the task later."""
        with pytest.raises(QueueFull):
            await repository.add(a_task(), queue_size=0, idempotency=a_claim())

        added = await repository.add(a_task(), queue_size=1, idempotency=a_claim())

        assert not added.replayed

    async def test_an_expired_key_can_be_used_again(self, repository: TaskRepository) -> None:
        """An expired key creates a new task, whatever the body, and is valid for a day again."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())
        tomorrow = NOW + timedelta(days=1)
        claim = attrs.evolve(a_claim(body="bb"), expires_at=tomorrow + timedelta(days=1))
        task = a_task(created_at=tomorrow)

        first = await repository.add(task, queue_size=9, idempotency=claim)
        second = await repository.add(a_task(created_at=tomorrow), queue_size=9, idempotency=claim)

        assert (False, True) == (first.replayed, second.replayed)
        assert task.task_id == second.task.task_id
