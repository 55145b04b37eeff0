"""How many tasks of a provider are claimed."""

import asyncio

from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.queues.claims import AMPLE_LIMITS, enqueue, ids
from tests.contracts.samples import NOW, a_task


class ProviderLimits:
    """No provider has more tasks than its limit."""

    async def test_providers_without_a_limit_stay(self, repository: TaskRepository, queue: Queue) -> None:
        """Tasks of a provider without a limit are skipped, and come first once it has one."""
        busy, free = a_task(provider_name="busy"), a_task(provider_name="free")
        await enqueue(repository, queue, busy, free)

        passing = await queue.claim("me", limit=2, now=NOW, provider_limits={"free": 9, "elsewhere": 9})
        rest = await queue.claim("me", limit=2, now=NOW, provider_limits=AMPLE_LIMITS)

        assert [ids([free]), ids([busy])] == [ids(passing), ids(rest)]

    async def test_a_claim_respects_the_limit_of_a_provider(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """A processing task counts against the limit, whoever claimed it, until it ends or is requeued."""
        tasks = [a_task(provider_name="busy") for _ in range(6)]
        await enqueue(repository, queue, *tasks)
        limits = {"busy": 2}

        one, two = await queue.claim("me", limit=9, now=NOW, provider_limits=limits)
        none = await queue.claim("another", limit=9, now=NOW, provider_limits=limits)
        await repository.save(one.complete(NOW), one.fence)
        (three,) = await queue.claim("another", limit=9, now=NOW, provider_limits=limits)
        await repository.save(two.requeue(), two.fence)
        (again,) = await queue.claim("me", limit=9, now=NOW, provider_limits=limits)
        more = await queue.claim("me", limit=9, now=NOW, provider_limits={"busy": 4})
        less = await queue.claim("me", limit=9, now=NOW, provider_limits={"busy": 1})

        assert ids(tasks[:3]) == ids([one, two, three])
        assert [(), two.task_id, ids(tasks[3:5]), ()] == [none, again.task_id, ids(more), less]

    async def test_the_oldest_go_first_whatever_their_provider(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """Only limits decide which tasks are skipped; a claim returns the tasks by age."""
        names = ["free", "busy", "busy", "busy", "demo", "free", "busy", "free"]
        tasks = [a_task(provider_name=name) for name in names]
        await enqueue(repository, queue, *tasks)

        claimed = await queue.claim("me", limit=5, now=NOW, provider_limits={"busy": 2, "free": 9, "demo": 1})

        assert ids([tasks[n] for n in (0, 1, 2, 4, 5)]) == ids(claimed)

    async def test_concurrent_claims_never_exceed_a_limit(
        self, repository: TaskRepository, queue: Queue
    ) -> None:
        """However many workers claim concurrently, the limit holds."""
        await enqueue(repository, queue, *(a_task() for _ in range(20)))

        claims = await asyncio.gather(
            *(queue.claim(f"worker {n}", limit=2, now=NOW, provider_limits={"demo": 3}) for n in range(10))
        )

        assert 3 == sum(map(len, claims))
