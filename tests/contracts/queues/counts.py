"""What waits, and at which position."""

from imagegen_core.ports.queue import Queue, QueueCounts
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.queues.claims import AMPLE_LIMITS, enqueue
from tests.contracts.samples import NOW, a_task, later


class Counts:
    """Demand, counts and positions."""

    async def test_demand_names_the_providers_that_have_due_tasks(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """Providers whose tasks have waited longest come first, each with its number of processing tasks."""
        await enqueue(repository, queue, *(a_task(provider_name="busy") for _ in range(3)))
        await queue.claim("another", limit=2, now=NOW, provider_limits=AMPLE_LIMITS)
        await enqueue(repository, queue, a_task(provider_name="demo"), a_task(provider_name="free"))
        await enqueue(repository, queue, a_task(provider_name="off", not_before=later(9)))
        await enqueue(repository, queue, a_task(provider_name="due", not_before=later(1)))

        demand = await queue.demand(now=later(1), limit=9)
        first = await queue.demand(now=later(1), limit=2)

        assert [("busy", 2), ("demo", 0), ("free", 0), ("due", 0)] == list(demand.processing.items())
        assert ["busy", "demo"] == list(first.processing)

    async def test_there_is_no_demand_when_nothing_waits(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """Processing and ended tasks create no demand."""
        running, ended = a_task(), a_task(provider_name="free")
        await enqueue(repository, queue, running, ended)
        await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
        await repository.save(ended.cancel(NOW), ended.fence)

        assert {} == dict((await queue.demand(now=NOW, limit=9)).processing)

    async def test_counts_follow_every_change(self, repository: TaskRepository, queue: Queue) -> None:
        """The counts follow claims, requeues and ends."""
        tasks = [a_task() for _ in range(4)]
        await enqueue(repository, queue, *tasks)
        counts = [await queue.counts()]
        one, two, _ = await queue.claim("me", limit=3, now=NOW, provider_limits=AMPLE_LIMITS)
        counts.append(await queue.counts())
        await repository.save(one.requeue(is_retry=True), one.fence)
        await repository.save(two.complete(NOW), two.fence)
        counts.append(await queue.counts())

        assert [(4, 0), (1, 3), (2, 1)] == [(c.pending, c.processing) for c in counts]
        assert QueueCounts(pending=2, processing=1) == counts[-1]

    async def test_positions_count_from_one(self, repository: TaskRepository, queue: Queue) -> None:
        """The next task has position 1; a task that is not pending has none."""
        tasks = [a_task() for _ in range(3)]
        await enqueue(repository, queue, *tasks)
        await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

        places = [await queue.position(task.task_id) for task in tasks]

        assert [None, 1, 2] == places
        assert await queue.position("nobody") is None

    async def test_positions_are_among_the_provider_s_own(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """Neither tasks of other providers nor deferred tasks count."""
        names = ["busy", "busy", "free", "busy", "free"]
        tasks = [a_task(provider_name=name) for name in names]
        await enqueue(repository, queue, *tasks)
        (first,) = await queue.claim("me", limit=1, now=NOW, provider_limits={"busy": 1})
        await repository.save(first.requeue(not_before=later(60), is_retry=True), first.fence)

        assert [1, 1, 1, 2, 2] == [await queue.position(task.task_id) for task in tasks]
