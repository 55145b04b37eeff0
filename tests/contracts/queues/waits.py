"""Waiting for something to claim."""

import asyncio

from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.queues.claims import AMPLE_LIMITS, enqueue
from tests.contracts.samples import NOW, a_task


class Waits:
    """Whoever waits is woken."""

    async def test_enqueueing_wakes_who_waits(self, repository: TaskRepository, queue: Queue) -> None:
        """All waiters return at once."""
        waiting = [asyncio.create_task(queue.wait(60)) for _ in range(3)]
        await asyncio.sleep(0)

        await enqueue(repository, queue, a_task())

        async with asyncio.timeout(5):
            await asyncio.gather(*waiting)

    async def test_a_task_between_claim_and_wait_is_noticed(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """A task enqueued between a fruitless claim and the wait is not missed."""
        await queue.demand(now=NOW, limit=1)
        await enqueue(repository, queue, a_task())
        await queue.claim("another", limit=1, now=NOW, provider_limits={})

        async with asyncio.timeout(5):
            await queue.wait(60)

    async def test_a_full_claim_wakes_the_next_worker(self, repository: TaskRepository, queue: Queue) -> None:
        """When a claim returned as many as it could there may be more, so the next worker does not sleep."""
        await enqueue(repository, queue, a_task(), a_task())
        await queue.demand(now=NOW, limit=1)
        await queue.claim("one", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

        async with asyncio.timeout(5):
            await queue.wait(60)

    async def test_waiting_ends_with_its_time(self, queue: Queue) -> None:
        """The wait returns even if nothing is enqueued."""
        await queue.demand(now=NOW, limit=1)

        async with asyncio.timeout(5):
            await queue.wait(0.001)
            await queue.wait(0)
