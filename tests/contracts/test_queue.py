"""Each task goes to one worker, oldest first."""

import asyncio

import pytest

from imagegen_core.errors import FailureCode
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_task, later

pytestmark = pytest.mark.anyio

AMPLE_LIMITS = {"demo": 1000, "busy": 1000, "free": 1000}
"""Limits that no provider of these tests reaches."""


def ids(tasks):
    """Return the ids of tasks."""
    return [task.task_id for task in tasks]


async def enqueue(repository, queue, *tasks):
    """Store new tasks in this order and make them claimable."""
    for task in tasks:
        await repository.add(task, queue_size=100_000)
        await queue.wake()


async def test_claims_are_first_in_first_out(repository, queue):
    """A claim takes the oldest tasks, at most ``limit`` of them."""
    tasks = [a_task() for _ in range(3)]
    await enqueue(repository, queue, *tasks)

    first = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)
    second = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)
    third = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)

    assert [ids(tasks[:2]), ids(tasks[2:]), []] == [ids(first), ids(second), ids(third)]


async def test_a_claimed_task_is_in_the_repository(repository, queue):
    """A claim returns the task as it is stored: processing, with owner, epoch and start."""
    task = a_task(override="sealed")
    await enqueue(repository, queue, task)

    (claimed,) = await queue.claim("me", limit=1, now=later(1), provider_limits=AMPLE_LIMITS)

    assert task.claim("me", later(1)) == claimed
    assert claimed == await repository.get(task.task_id)


async def test_no_task_is_claimed_twice(repository, queue):
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


async def test_a_requeued_task_keeps_its_age(repository, queue):
    """A requeued task precedes those added after it; it keeps its first start and gets a new epoch."""
    old, new = a_task(), a_task()
    await enqueue(repository, queue, old, new)
    (claimed,) = await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
    back = claimed.requeue(retry_for=FailureCode.UNAVAILABLE, store_failed=True)
    await repository.save(claimed.fence, task=back)
    await queue.wake()

    again = await queue.claim("me", limit=2, now=later(5), provider_limits=AMPLE_LIMITS)

    assert ids([old, new]) == ids(again)
    assert (2, NOW, 1, 1) == (
        again[0].epoch,
        again[0].started_at,
        again[0].retries,
        again[0].store_failures,
    )


async def test_ended_tasks_are_not_claimed(repository, queue):
    """A task cancelled while pending is no longer in the queue."""
    task = a_task()
    await enqueue(repository, queue, task)
    await repository.save(task.fence, task=task.cancel(NOW))

    claimed = await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

    assert () == claimed


async def test_a_restart_finds_every_task(repository, queue):
    """Tasks of a dead worker are orphans until they are rescued and claimed by the next one."""
    task = a_task()
    await enqueue(repository, queue, task)
    await queue.claim("dead", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
    (orphan,) = await repository.orphans(alive=["alive"], running=[])
    rescued = orphan.rescue(attempts=orphan.attempts, is_recovery=True)
    await repository.save(orphan.fence, task=rescued)
    await queue.wake()

    (claimed,) = await queue.claim("alive", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

    assert (TaskStatus.PROCESSING, 3, 1) == (claimed.status, claimed.epoch, claimed.recoveries)


async def test_not_before_is_honoured(repository, queue):
    """A deferred task is not claimed before it is due; then it is claimed like any other."""
    task, other = a_task(), a_task()
    await enqueue(repository, queue, task, other)
    (claimed,) = await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
    back = claimed.requeue(not_before=later(10), retry_for=FailureCode.UNAVAILABLE)
    await repository.save(claimed.fence, task=back)
    await queue.wake()

    demand = await queue.demand(now=later(9.999), limit=9)
    too_early = await queue.claim("me", limit=2, now=later(9.999), provider_limits=AMPLE_LIMITS)
    in_time = await queue.claim("me", limit=2, now=later(10), provider_limits=AMPLE_LIMITS)

    assert later(10) == demand.next_due
    assert [ids([other]), ids([task])] == [ids(too_early), ids(in_time)]
    assert in_time[0].not_before is None
    assert (await queue.demand(now=later(10), limit=9)).next_due is None


async def test_locked_tasks_are_released(repository, queue):
    """What waits for the master key is due once released; what waits for a provider is not."""
    locked, limited = a_task(), a_task()
    await enqueue(repository, queue, locked, limited)
    claimed = await queue.claim("me", limit=2, now=later(1), provider_limits=AMPLE_LIMITS)
    for task, is_locked in zip(claimed, (True, False), strict=True):
        await repository.save(task.fence, task=task.requeue(not_before=later(300), locked=is_locked))
    stored = await repository.get(locked.task_id)

    await queue.wake(locked=True)
    again = await queue.claim("me", limit=2, now=later(2), provider_limits=AMPLE_LIMITS)

    assert (True, True, False) == (stored.locked, stored.not_before == later(300), again[0].locked)
    assert [locked.task_id] == ids(again)


async def test_a_clock_that_was_set_back(repository, queue):
    """A task does not wait for days if the clock was days ahead when it was deferred."""
    another_clocks, own = a_task(not_before=later(3 * 86_400)), a_task(not_before=later(3_600))
    await enqueue(repository, queue, another_clocks, own)

    claimed = await queue.claim("me", limit=2, now=NOW, provider_limits=AMPLE_LIMITS)

    assert ids([another_clocks]) == ids(claimed)


async def test_a_due_task_is_no_longer_deferred(repository, queue):
    """A due task that could not be claimed does not make its worker spin on a time in the past."""
    await enqueue(repository, queue, a_task(not_before=later(1)), a_task(not_before=later(9)))

    claimed = await queue.claim("me", limit=2, now=later(2), provider_limits={})

    assert () == claimed
    assert later(9) == (await queue.demand(now=later(2), limit=9)).next_due


async def test_what_is_due_is_not_deferred_again(repository, queue):
    """After `demand` a due task waits like any other, even while its provider is at its limit."""
    await enqueue(repository, queue, a_task(not_before=later(1)), a_task(not_before=later(9)))

    demand = await queue.demand(now=later(2), limit=9)

    assert ({"demo": 0}, later(9)) == (dict(demand.processing), demand.next_due)


async def test_providers_without_a_limit_stay(repository, queue):
    """Tasks of a provider without a limit are skipped, and come first once it has one."""
    busy, free = a_task(provider_name="busy"), a_task(provider_name="free")
    await enqueue(repository, queue, busy, free)

    passing = await queue.claim("me", limit=2, now=NOW, provider_limits={"free": 9, "elsewhere": 9})
    rest = await queue.claim("me", limit=2, now=NOW, provider_limits=AMPLE_LIMITS)

    assert [ids([free]), ids([busy])] == [ids(passing), ids(rest)]


async def test_a_claim_respects_the_limit_of_a_provider(repository, queue):
    """A processing task counts against the limit, whoever claimed it, until it ends or is requeued."""
    tasks = [a_task(provider_name="busy") for _ in range(6)]
    await enqueue(repository, queue, *tasks)
    limits = {"busy": 2}

    one, two = await queue.claim("me", limit=9, now=NOW, provider_limits=limits)
    none = await queue.claim("another", limit=9, now=NOW, provider_limits=limits)
    await repository.save(one.fence, task=one.complete(NOW))
    (three,) = await queue.claim("another", limit=9, now=NOW, provider_limits=limits)
    await repository.save(two.fence, task=two.requeue())
    (again,) = await queue.claim("me", limit=9, now=NOW, provider_limits=limits)
    more = await queue.claim("me", limit=9, now=NOW, provider_limits={"busy": 4})
    less = await queue.claim("me", limit=9, now=NOW, provider_limits={"busy": 1})

    assert ids(tasks[:3]) == ids([one, two, three])
    assert [(), two.task_id, ids(tasks[3:5]), ()] == [none, again.task_id, ids(more), less]


async def test_the_oldest_go_first_whatever_their_provider(repository, queue):
    """Only limits decide which tasks are skipped; a claim returns the tasks by age."""
    names = ["free", "busy", "busy", "busy", "demo", "free", "busy", "free"]
    tasks = [a_task(provider_name=name) for name in names]
    await enqueue(repository, queue, *tasks)

    claimed = await queue.claim("me", limit=5, now=NOW, provider_limits={"busy": 2, "free": 9, "demo": 1})

    assert ids([tasks[n] for n in (0, 1, 2, 4, 5)]) == ids(claimed)


async def test_concurrent_claims_never_exceed_a_limit(repository, queue):
    """However many workers claim concurrently, the limit holds."""
    await enqueue(repository, queue, *(a_task() for _ in range(20)))

    claims = await asyncio.gather(
        *(queue.claim(f"worker {n}", limit=2, now=NOW, provider_limits={"demo": 3}) for n in range(10))
    )

    assert 3 == sum(map(len, claims))


async def test_demand_names_the_providers_that_have_due_tasks(repository, queue):
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


async def test_there_is_no_demand_when_nothing_waits(repository, queue):
    """Processing and ended tasks create no demand."""
    running, ended = a_task(), a_task(provider_name="free")
    await enqueue(repository, queue, running, ended)
    await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)
    await repository.save(ended.fence, task=ended.cancel(NOW))

    assert {} == dict((await queue.demand(now=NOW, limit=9)).processing)


async def test_counts_follow_every_change(repository, queue):
    """The counts follow claims, requeues and ends."""
    tasks = [a_task() for _ in range(4)]
    await enqueue(repository, queue, *tasks)
    counts = [await repository.counts()]
    one, two, _ = await queue.claim("me", limit=3, now=NOW, provider_limits=AMPLE_LIMITS)
    counts.append(await repository.counts())
    await repository.save(one.fence, task=one.requeue(retry_for=FailureCode.UNAVAILABLE))
    await repository.save(two.fence, task=two.complete(NOW))
    counts.append(await repository.counts())

    assert [(4, 0), (1, 3), (2, 1)] == [(c[TaskStatus.PENDING], c[TaskStatus.PROCESSING]) for c in counts]
    assert counts[-1] == await repository.counts(tuple(TaskStatus))
    assert {TaskStatus.PENDING: 2} == await repository.counts((TaskStatus.PENDING,))


async def test_positions_count_from_one(repository, queue):
    """The next task has position 1; a task that is not pending has none."""
    tasks = [a_task() for _ in range(3)]
    await enqueue(repository, queue, *tasks)
    await queue.claim("me", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

    places = [await queue.position(task.task_id) for task in tasks]

    assert [None, 1, 2] == places
    assert await queue.position("nobody") is None


async def test_positions_are_among_the_provider_s_own(repository, queue):
    """Neither tasks of other providers nor deferred tasks count."""
    names = ["busy", "busy", "free", "busy", "free"]
    tasks = [a_task(provider_name=name) for name in names]
    await enqueue(repository, queue, *tasks)
    (first,) = await queue.claim("me", limit=1, now=NOW, provider_limits={"busy": 1})
    await repository.save(
        first.fence, task=first.requeue(not_before=later(60), retry_for=FailureCode.UNAVAILABLE)
    )

    assert [1, 1, 1, 2, 2] == [await queue.position(task.task_id) for task in tasks]


async def test_enqueueing_wakes_who_waits(repository, queue):
    """All waiters return at once."""
    waiting = [asyncio.create_task(queue.wait(60)) for _ in range(3)]
    await asyncio.sleep(0)

    await enqueue(repository, queue, a_task())

    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_a_task_between_claim_and_wait_is_noticed(repository, queue):
    """A task enqueued between a fruitless claim and the wait is not missed."""
    await queue.demand(now=NOW, limit=1)
    await enqueue(repository, queue, a_task())
    await queue.claim("another", limit=1, now=NOW, provider_limits={})

    async with asyncio.timeout(5):
        await queue.wait(60)


async def test_a_full_claim_wakes_the_next_worker(repository, queue):
    """When a claim returned as many as it could there may be more, so the next worker does not sleep."""
    await enqueue(repository, queue, a_task(), a_task())
    await queue.demand(now=NOW, limit=1)
    await queue.claim("one", limit=1, now=NOW, provider_limits=AMPLE_LIMITS)

    async with asyncio.timeout(5):
        await queue.wait(60)


async def test_waiting_ends_with_its_time(queue):
    """The wait returns even if nothing is enqueued."""
    await queue.demand(now=NOW, limit=1)

    async with asyncio.timeout(5):
        await queue.wait(0.001)
        await queue.wait(0)


async def test_a_damaged_row_blocks_no_other_task(queue, repository, rows):
    """Neither now nor at the next start, which finds both."""
    damaged, sound = a_task(), a_task()
    for task in (damaged, sound):
        await repository.add(task, queue_size=9)
    await rows(f"UPDATE tasks SET params = '1' WHERE task_id = '{damaged.task_id}'")  # noqa: S608 - of this test
    claimed = await queue.claim("me", limit=9, now=later(1), provider_limits={sound.provider_name: 9})
    orphans = await repository.orphans(alive=["another"], running=[])

    assert [[sound.task_id]] * 2 == [ids(claimed), ids(orphans)]
