"""Claims, and what is claimed first."""

import asyncio

from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task, TaskStatus
from tests.contracts.samples import NOW, a_task, later

AMPLE_LIMITS = {"demo": 1000, "busy": 1000, "free": 1000}
"""Limits that no provider of these tests reaches."""


def ids(tasks: tuple[Task, ...] | list[Task]) -> list[str]:
    """Return the ids of tasks."""
    return [task.task_id for task in tasks]


async def enqueue(repository: TaskRepository, queue: Queue, *tasks: Task) -> None:
    """Store new tasks in this order and make them claimable."""
    for task in tasks:
        await repository.add(task, queue_size=100_000)
        await queue.enqueue(task)


class Claims:
    """Each task goes to one worker, oldest first."""

    async def test_claims_are_first_in_first_out(self, repository: TaskRepository, queue: Queue) -> None:
        """A claim takes the oldest tasks, at most ``limit`` of them."""
        tasks = [a_task() for _ in range(3)]
        await enqueue(repository, queue, *tasks)

        first = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)
        second = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)
        third = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)

        assert [ids(tasks[:2]), ids(tasks[2:]), []] == [ids(first), ids(second), ids(third)]

    async def test_a_claimed_task_is_in_the_repository(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """A claim returns the task as it is stored: processing, with owner, epoch and start."""
        task = a_task(override="sealed")
        await enqueue(repository, queue, task)

        (claimed,) = await queue.claim("me", limit=1, now=later(1), provider_limits=AMPLE_LIMITS)

        assert task.claim("me", later(1)) == claimed
        assert claimed == await repository.get(task.task_id)

    async def test_no_task_is_claimed_twice(self, repository: TaskRepository, queue: Queue) -> None:
        """Workers that claim concurrently never get the same task."""
        tasks = [a_task() for _ in range(60)]
        await enqueue(repository, queue, *tasks)

        claims = await asyncio.gather(
            *(
                queue.claim(f"worker {n}", limit=1 + n % 3, now=NOW, provider_limits=AMPLE_LIMITS)
                for n in range(60)
            )
        )

        claimed = [task.task_id for claim in claims for task in claim]
        assert sorted(ids(tasks)) == sorted(claimed)

    async def test_a_requeued_task_keeps_its_age(self, repository: TaskRepository, queue: Queue) -> None:
        """A requeued task precedes those added after it; it keeps its first start and gets a new epoch."""
        old, new = a_task(), a_task()
        await enqueue(repository, queue, old, new)
        (claimed,) = await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
        back = claimed.requeue(is_retry=True)
        await repository.save(back, claimed.fence)
        await queue.enqueue(back)

        again = await queue.claim("me", limit=2, now=later(5), provider_limits=AMPLE_LIMITS)

        assert ids([old, new]) == ids(again)
        assert (2, NOW, 1) == (again[0].epoch, again[0].started_at, again[0].retries)

    async def test_ended_tasks_are_not_claimed(self, repository: TaskRepository, queue: Queue) -> None:
        """A task cancelled while pending is no longer in the queue."""
        task = a_task()
        await enqueue(repository, queue, task)
        await repository.save(task.cancel(NOW), task.fence)

        claimed = await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

        assert () == claimed

    async def test_a_restart_finds_every_task(self, repository: TaskRepository, queue: Queue) -> None:
        """Tasks of a dead worker are orphans until they are rescued and claimed by the next one."""
        task = a_task()
        await enqueue(repository, queue, task)
        await queue.claim("dead", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
        (orphan,) = await repository.orphans(alive=["alive"], running=[])
        rescued = orphan.rescue(attempts=orphan.attempts, is_recovery=True)
        await repository.save(rescued, orphan.fence)
        await queue.enqueue(rescued)

        (claimed,) = await queue.claim("alive", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

        assert (TaskStatus.PROCESSING, 3, 1) == (claimed.status, claimed.epoch, claimed.recoveries)
