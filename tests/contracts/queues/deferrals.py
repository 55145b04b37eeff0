"""Tasks that are not due yet."""

from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.queues.claims import AMPLE_LIMITS, enqueue, ids
from tests.contracts.samples import NOW, a_task, later


class Deferrals:
    """Nothing is claimed before it is due."""

    async def test_not_before_is_honoured(self, repository: TaskRepository, queue: Queue) -> None:
        """A deferred task is not claimed before it is due; then it is claimed like any other."""
        task, other = a_task(), a_task()
        await enqueue(repository, queue, task, other)
        (claimed,) = await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
        back = claimed.requeue(not_before=later(10), is_retry=True)
        await repository.save(back, claimed.fence)
        await queue.enqueue(back)

        demand = await queue.demand(now=later(9.999), limit=9)
        too_early = await queue.claim("me", limit=2, now=later(9.999), provider_limits=AMPLE_LIMITS)
        in_time = await queue.claim("me", limit=2, now=later(10), provider_limits=AMPLE_LIMITS)

        assert later(10) == demand.next_due
        assert [ids([other]), ids([task])] == [ids(too_early), ids(in_time)]
        assert in_time[0].not_before is None
        assert (await queue.demand(now=later(10), limit=9)).next_due is None

    async def test_locked_tasks_are_released(self, repository: TaskRepository, queue: Queue) -> None:
        """What waits for the master key is due once released; what waits for a provider is not."""
        locked, limited = a_task(), a_task()
        await enqueue(repository, queue, locked, limited)
        claimed = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)
        for task, is_locked in zip(claimed, (True, False), strict=True):
            await repository.save(task.requeue(not_before=later(300), locked=is_locked), task.fence)
        stored = await repository.get(locked.task_id)

        await queue.release_locked()
        again = await queue.claim("me", limit=2, now=later(2), provider_limits=AMPLE_LIMITS)

        assert (True, True, False) == (stored.locked, stored.not_before == later(300), again[0].locked)
        assert [locked.task_id] == ids(again)

    async def test_a_clock_that_was_set_back(self, repository: TaskRepository, queue: Queue) -> None:
        """A task does not wait for days if the clock was days ahead when it was deferred."""
        another_clocks, own = a_task(not_before=later(3 * 86_400)), a_task(not_before=later(3_600))
        await enqueue(repository, queue, another_clocks, own)

        claimed = await queue.claim("me", limit=2, now=NOW, provider_limits=AMPLE_LIMITS)

        assert ids([another_clocks]) == ids(claimed)

    async def test_a_due_task_is_no_longer_deferred(self, repository: TaskRepository, queue: Queue) -> None:
        """A due task that could not be claimed does not make its worker spin on a time in the past."""
        await enqueue(repository, queue, a_task(not_before=later(1)), a_task(not_before=later(9)))

        claimed = await queue.claim("me", limit=2, now=later(2), provider_limits={})

        assert () == claimed
        assert later(9) == (await queue.demand(now=later(2), limit=9)).next_due

    async def test_what_is_due_is_not_deferred_again(self, repository: TaskRepository, queue: Queue) -> None:
        """After `demand` a due task waits like any other, even while its provider is at its limit."""
        await enqueue(repository, queue, a_task(not_before=later(1)), a_task(not_before=later(9)))

        demand = await queue.demand(now=later(2), limit=9)

        assert ({"demo": 0}, later(9)) == (dict(demand.processing), demand.next_due)
