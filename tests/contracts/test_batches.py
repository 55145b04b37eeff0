"""Batches: their tasks are added with their cursor, below their ceiling, and the last end ends them."""

import asyncio

import attrs
import pytest

from imagegen_adapters.system import new_id
from imagegen_core.attempt import Charge
from imagegen_core.batch import (
    Batch,
    BatchItem,
    BatchPlan,
    BatchStatus,
)
from imagegen_core.costs import Basis, Cost
from imagegen_core.errors import BatchNotFound, Failure, FailureCode, IdempotencyKeyReused
from imagegen_core.messages import FailureReason, ProblemCode
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.ports.webhooks import Webhook
from imagegen_core.search import Paging
from imagegen_core.secrets import Secret
from imagegen_core.task import BatchPlace, Target, TaskStatus
from tests.contracts.samples import NOW, a_task, an_attempt, an_image, later

pytestmark = pytest.mark.anyio

PLAN = BatchPlan(
    template="一只{animal}",
    variables={"animal": ("猫", "狗", "鸟")},
    params={"width": 64},
    targets=(Target(provider_name="demo", model_id="demo-1"),),
)
PAGE = Paging(page=1, page_size=20, after=None)
FAILURE = Failure(FailureCode.REJECTED, FailureReason.DEFECT())
UNIT = 10**10  # ticks


def yuan(amount, basis=Basis.KNOWN):
    return Cost.from_ticks(int(amount * UNIT), "CNY", basis)


def a_batch(**changes):
    return Batch(**{"batch_id": new_id(), "size": 3, "concurrency": 2, "created_at": NOW, **changes})


def an_item(batch, item, *, quote=0, **changes):
    """Return the task of an item, with a quote in yuan."""
    place = BatchPlace(batch_id=batch.batch_id, item=item, quote_ticks=int(quote * UNIT))
    return a_task(batch=place, **changes)


async def submit(batches, batch, *tasks, queue_size=999):
    """Submit tasks at the batch's present position."""
    stored = await batches.get(batch.batch_id)
    return await batches.submit(stored, tasks, queue_size=queue_size)


async def end(tasks, task, how="complete", *, cost=None, charge=Charge.CERTAIN, images=0):
    """Run a pending task to its end, with one attempt of that cost."""
    running = task.claim("node", NOW)
    await tasks.save(task.fence, task=running)
    ends = {
        "complete": lambda: running.complete(later(9)),
        "fail": lambda: running.fail(later(9), FAILURE),
        "cancel": lambda: running.cancel(later(9)),
    }
    attempt = attrs.evolve(an_attempt(task), cost=cost, charge=charge)
    yielded = [an_image(attempt, position=n) for n in range(images)]
    await tasks.save(running.fence, task=ends[how](), attempts=(attempt,), images=yielded)


async def test_a_batch_comes_back_whole(batches):
    """With what it makes, its ceiling and its estimate; an unknown one is refused."""
    items = (BatchItem(prompt="猫", params={"seed": 7}, target=Target(provider_name="b", model_id="m")),)
    batch = a_batch(
        name="夜里",
        on_failure="stop",
        max_cost=yuan(5),
        estimate=(yuan(1, Basis.ESTIMATED), Cost.unknown()),
    )
    await batches.add(batch, PLAN)
    other = attrs.evolve(PLAN, template=None, variables={}, items=items)
    await batches.add(a_batch(batch_id="other"), other)

    stored = await batches.get(batch.batch_id)

    assert attrs.evolve(batch, counts=dict.fromkeys(TaskStatus, 0)) == stored
    assert [PLAN, other] == [await batches.plan(one) for one in (batch.batch_id, "other")]
    for reading in (batches.get, batches.plan):
        with pytest.raises(BatchNotFound):
            await reading("nothing")


async def test_a_key_creates_one_batch(batches):
    """However often and at once it comes; another body is refused."""
    key = {"idempotency_key": "k", "body_digest": "aa"}
    added = await asyncio.gather(*(batches.add(a_batch(**key), PLAN) for _ in range(5)))

    assert {added[0].batch_id} == {batch.batch_id for batch in added}
    assert added[0].batch_id == (await batches.replay(a_batch(**key))).batch_id
    assert await batches.replay(a_batch(idempotency_key="other", body_digest="aa")) is None
    for act in (batches.replay, lambda batch: batches.add(batch, PLAN)):
        with pytest.raises(IdempotencyKeyReused):
            await act(a_batch(idempotency_key="k", body_digest="bb"))
    assert 1 == (await batches.find(None, PAGE)).total


async def test_batches_are_listed_newest_first(batches):
    """All of them, or those in one status."""
    added = [await batches.add(a_batch(name=str(n)), PLAN) for n in range(3)]
    await batches.change(added[1].batch_id, "pause", now=NOW)

    page = await batches.find(None, Paging(page=1, page_size=2, after=None))
    rest = await batches.find(None, Paging(page=1, page_size=2, after=page.last))
    paused = await batches.find(BatchStatus.PAUSED, PAGE)

    assert (["2", "1"], ["0"]) == ([b.name for b in page.items], [b.name for b in rest.items])
    assert (3, True, False) == (page.total, page.has_more, rest.has_more)
    assert [added[1].batch_id] == [b.batch_id for b in paused.items]


async def test_a_retry_that_comes_again_changes_nothing(batches, tasks):
    """What it makes again is not made a third time, and a batch in which nothing has failed stays ended."""
    batch = await batches.add(a_batch(size=1), PLAN)
    first = an_item(batch, 0)
    await submit(batches, batch, first)
    await end(tasks, first, "fail")
    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    begun = await batches.get(batch.batch_id)
    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    again = an_item(batch, 0, retry_of=first.task_id)
    await submit(batches, batch, again)
    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    running = await batches.get(batch.batch_id)
    await end(tasks, again)
    ended = await batches.get(batch.batch_id)
    await batches.change(batch.batch_id, "retry_failed", now=NOW)

    assert begun.retried_until == running.retried_until
    assert BatchStatus.COMPLETED is ended.status
    assert ended == await batches.get(batch.batch_id)


async def test_items_become_tasks_up_to_the_concurrency(batches, tasks):
    """They are pending tasks that know their batch, and the batch knows how many it has submitted."""
    batch = await batches.add(a_batch(), PLAN)
    first, second, third = (an_item(batch, n) for n in range(3))

    added = await submit(batches, batch, first, second, third)

    (unfinished,) = await batches.unfinished()
    assert (2, 2, 2) == (added, unfinished.submitted, unfinished.open)
    assert [second, first] == [*(await tasks.find(TaskFilter(batch_id=batch.batch_id), PAGE)).items]
    assert 0 == await submit(batches, batch, third)
    await end(tasks, first)
    assert 1 == await submit(batches, batch, third)
    assert [second, first] != [*(await tasks.find(TaskFilter(batch_id="another"), PAGE)).items]


async def test_an_item_is_submitted_once(batches, tasks):
    """Of those who submit from the same position, one does."""
    batch = await batches.add(a_batch(size=9, concurrency=9), PLAN)

    added = await asyncio.gather(
        *(batches.submit(batch, [an_item(batch, 0), an_item(batch, 1)], queue_size=99) for _ in range(6))
    )

    assert [0, 0, 0, 0, 0, 2] == sorted(added)
    assert 2 == (await tasks.find(TaskFilter(batch_id=batch.batch_id), PAGE)).total
    assert 2 == (await batches.get(batch.batch_id)).submitted


async def test_a_full_queue_takes_no_item(batches, tasks):
    """What does not fit is submitted later, from where it was."""
    batch = await batches.add(a_batch(size=9, concurrency=9), PLAN)
    items = [an_item(batch, n) for n in range(3)]

    assert 2 == await submit(batches, batch, *items, queue_size=2)
    assert 0 == await submit(batches, batch, items[2], queue_size=2)
    await end(tasks, items[0])
    assert 1 == await submit(batches, batch, items[2], queue_size=2)


async def test_tasks_of_batches_are_claimed_last(batches, tasks, queue):
    """Behind every other task, also one that came later; their positions say so."""
    batch = await batches.add(a_batch(size=9), PLAN)
    items = [an_item(batch, 0), an_item(batch, 1)]
    await submit(batches, batch, *items)
    single = a_task()
    await tasks.add(single, queue_size=99)

    positions = [await queue.position(task.task_id) for task in (single, *items)]
    elsewhere = a_task(provider_name="other")
    await tasks.add(elsewhere, queue_size=99)
    demand = await queue.demand(now=NOW, limit=9)
    limits = {"demo": 9, "other": 9}
    claims = [await queue.claim("me", limit=1, now=NOW, provider_limits=limits) for _ in range(4)]

    assert [1, 2, 3] == positions
    assert ["demo", "other"] == [*demand.processing]
    expected = [task.task_id for task in (single, elsewhere, *items)]
    assert expected == [task.task_id for claimed in claims for task in claimed]


async def test_a_provider_with_tasks_of_batches_alone_comes_last(batches, tasks, queue):
    """In what demand returns, too."""
    batch = await batches.add(a_batch(), PLAN)
    await submit(batches, batch, an_item(batch, 0, provider_name="busy"))
    await tasks.add(a_task(), queue_size=99)

    assert ["demo", "busy"] == [*(await queue.demand(now=NOW, limit=9)).processing]


async def test_the_last_end_ends_the_batch(batches, tasks):
    """With the time of that end, whatever became of its tasks; its counts and costs tell."""
    batch = await batches.add(a_batch(concurrency=3), PLAN)
    items = [an_item(batch, n) for n in range(3)]
    await submit(batches, batch, *items)

    await end(tasks, items[0], cost=yuan(0.2), images=1)
    await end(tasks, items[1], "fail", cost=yuan(0.3), charge=Charge.POSSIBLE)
    going_on = await batches.get(batch.batch_id)
    await end(tasks, items[2], "cancel", cost=yuan(0.4), charge=Charge.NONE)
    ended = await batches.get(batch.batch_id)

    assert (BatchStatus.RUNNING, None) == (going_on.status, going_on.completed_at)
    assert (BatchStatus.COMPLETED, later(9)) == (ended.status, ended.completed_at)
    assert (yuan(0.5),) == ended.costs
    counts = {TaskStatus.COMPLETED: 1, TaskStatus.FAILED: 1, TaskStatus.CANCELLED: 1}
    assert dict.fromkeys(TaskStatus, 0) | counts == ended.counts
    assert () == await batches.unfinished()


async def test_costs_of_all_kinds_are_added_up(batches, tasks):
    """By currency; a cost that nobody knows makes the sums unknown."""
    batch = await batches.add(a_batch(concurrency=3), PLAN)
    items = [an_item(batch, n) for n in range(3)]
    await submit(batches, batch, *items)

    await end(tasks, items[0], cost=yuan(1))
    await end(tasks, items[1], cost=Cost.from_ticks(7, "USD", Basis.ESTIMATED))
    costs = (await batches.get(batch.batch_id)).costs
    await end(tasks, items[2], cost=Cost.unknown())

    assert (yuan(1), Cost.from_ticks(7, "USD", Basis.ESTIMATED)) == costs
    assert {Basis.UNKNOWN} == {cost.basis for cost in (await batches.get(batch.batch_id)).costs}


async def test_last_ends_at_once_end_the_batch(batches, tasks):
    """Neither may take the other for open."""
    for _ in range(5):
        batch = await batches.add(a_batch(size=8, concurrency=8), PLAN)
        items = [an_item(batch, n) for n in range(8)]
        await submit(batches, batch, *items)

        await asyncio.gather(*(end(tasks, item, cost=yuan(0.1)) for item in items))

        ended = await batches.get(batch.batch_id)
        assert (BatchStatus.COMPLETED, (yuan(0.8),)) == (ended.status, ended.costs)


async def test_the_ceiling_is_never_passed(batches, tasks):
    """What ended counts by its cost, what is open by its quote; a tick too much stays out."""
    batch = await batches.add(a_batch(size=9, concurrency=9, max_cost=yuan(1)), PLAN)
    first, second, third = (an_item(batch, n, quote=0.4) for n in range(3))

    assert 2 == await submit(batches, batch, first, second, third)
    await end(tasks, first, cost=yuan(0.4))
    assert 0 == await submit(batches, batch, third)
    assert BatchStatus.RUNNING is (await batches.get(batch.batch_id)).status
    await end(tasks, second, "fail", cost=yuan(0.4), charge=Charge.NONE)
    over = attrs.evolve(third, batch=attrs.evolve(third.batch, quote_ticks=int(0.6 * UNIT) + 1))
    assert 0 == await submit(batches, batch, over)
    paused = await batches.get(batch.batch_id)
    await batches.change(batch.batch_id, "resume", now=NOW)
    exact = attrs.evolve(third, batch=attrs.evolve(third.batch, quote_ticks=int(0.6 * UNIT)))
    assert 1 == await submit(batches, batch, exact)

    assert (BatchStatus.PAUSED, "max_cost", 2) == (paused.status, paused.reason, paused.submitted)


@pytest.mark.parametrize("cost", [Cost.unknown(), Cost.from_ticks(1, "USD", Basis.KNOWN)])
async def test_a_cost_that_cannot_be_compared_leaves_no_room(batches, tasks, cost):
    """Nobody could say whether the ceiling is kept."""
    batch = await batches.add(a_batch(size=9, max_cost=yuan(1)), PLAN)
    first = an_item(batch, 0, quote=0.1)
    await submit(batches, batch, first)
    await end(tasks, first, cost=cost)

    assert 0 == await submit(batches, batch, an_item(batch, 1, quote=0.1))
    assert "max_cost" == (await batches.get(batch.batch_id)).reason


async def test_only_a_running_batch_submits(batches):
    """A paused one goes on where it was; one that is cancelled never does."""
    batch = await batches.add(a_batch(), PLAN)
    item = an_item(batch, 0)
    pause = {"reason": "failure", "detail": ProblemCode.PRICE_UNKNOWN()}
    await batches.change(batch.batch_id, "pause", now=NOW, **pause)
    await batches.change(batch.batch_id, "pause", now=NOW)
    paused = await batches.get(batch.batch_id)

    assert ("failure", ProblemCode.PRICE_UNKNOWN()) == (paused.reason, paused.detail)
    assert () == await batches.unfinished()
    assert 0 == await submit(batches, batch, item)
    await batches.change(batch.batch_id, "resume", now=NOW)
    resumed = await batches.get(batch.batch_id)
    assert (BatchStatus.RUNNING, None, None) == (resumed.status, resumed.reason, resumed.detail)
    await batches.change(batch.batch_id, "cancel", now=later(1))
    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    assert 0 == await submit(batches, batch, item)
    cancelled = await batches.get(batch.batch_id)
    assert (BatchStatus.CANCELLED, later(1)) == (cancelled.status, cancelled.completed_at)


async def test_a_cancelled_batch_has_ended_with_its_last_task(batches, tasks):
    """Until then it is unfinished, as long as tasks of it wait to be cancelled."""
    batch = await batches.add(a_batch(), PLAN)
    items = [an_item(batch, 0), an_item(batch, 1)]
    await submit(batches, batch, *items)

    await batches.change(batch.batch_id, "cancel", now=later(1))
    (unfinished,) = await batches.unfinished()
    await end(tasks, items[0])
    open_still = await batches.get(batch.batch_id)
    await end(tasks, items[1], "cancel")
    ended = await batches.get(batch.batch_id)
    await batches.change(batch.batch_id, "cancel", now=later(99))

    assert batch.batch_id == unfinished.batch_id
    assert (BatchStatus.CANCELLED, None) == (open_still.status, open_still.completed_at)
    assert (BatchStatus.CANCELLED, later(9)) == (ended.status, ended.completed_at)
    assert ended == await batches.get(batch.batch_id)


async def test_a_failure_pauses_a_batch_that_stops_at_it(batches, tasks):
    """Unless it was the last task: then all have ended."""
    batch = await batches.add(a_batch(size=2, concurrency=1, on_failure="stop"), PLAN)
    first, second = an_item(batch, 0), an_item(batch, 1)
    await submit(batches, batch, first)

    await end(tasks, first, "fail")
    paused = await batches.get(batch.batch_id)
    await batches.change(batch.batch_id, "resume", now=NOW)
    await submit(batches, batch, second)
    await end(tasks, second, "fail")

    assert (BatchStatus.PAUSED, "failure") == (paused.status, paused.reason)
    assert BatchStatus.COMPLETED is (await batches.get(batch.batch_id)).status


async def test_failed_tasks_are_made_again_once(batches, tasks):
    """A successor takes the item over, so that each item counts once. What was running and failed is, too."""
    batch = await batches.add(a_batch(), PLAN)
    items = [an_item(batch, n) for n in range(2)]
    await submit(batches, batch, *items)
    await end(tasks, items[0], "fail", cost=yuan(1))
    assert () == await batches.failed(await batches.get(batch.batch_id), limit=9)

    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    await end(tasks, items[1], "fail")
    stored = await batches.get(batch.batch_id)
    failed = await batches.failed(stored, limit=9)
    successors = [an_item(batch, n, retry_of=task.task_id) for n, task in enumerate(failed)]
    added = await batches.submit(stored, successors, queue_size=99)
    await end(tasks, successors[0], cost=yuan(2))
    twice = await submit(batches, batch, an_item(batch, 0, retry_of=items[0].task_id))
    await end(tasks, successors[1], "fail")
    third = an_item(batch, 2)
    await submit(batches, batch, third)
    await end(tasks, third)

    ended, first = await batches.get(batch.batch_id), await tasks.get(items[0].task_id)
    assert [item.task_id for item in items] == [task.task_id for task in failed]
    assert (2, 0) == (added, twice)
    assert BatchPlace(batch_id=batch.batch_id, item=None) == first.batch
    assert (2, 1) == (ended.counts[TaskStatus.COMPLETED], ended.counts[TaskStatus.FAILED])
    assert (BatchStatus.COMPLETED, (yuan(3),)) == (ended.status, ended.costs)
    assert 5 == (await tasks.find(TaskFilter(batch_id=batch.batch_id), PAGE)).total


async def test_a_retry_that_finds_no_room_is_made_later(batches, tasks):
    """Its item stays with the task that failed."""
    batch = await batches.add(a_batch(size=1), PLAN)
    item = an_item(batch, 0)
    await submit(batches, batch, item)
    await end(tasks, item, "fail")
    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    await tasks.add(a_task(), queue_size=1)
    again = an_item(batch, 0, retry_of=item.task_id)

    assert 0 == await submit(batches, batch, again, queue_size=1)
    assert 1 == await submit(batches, batch, again, queue_size=2)


async def test_webhooks_hear_of_each_end_of_a_batch_once(batches, tasks, webhooks):
    """In the transaction of its last task's end; one that is made again and ends again is another event."""
    await webhooks.add(Webhook(url="https://a.example/", secret=Secret("whsec_000"), created_at=NOW))
    batch = await batches.add(a_batch(size=1), PLAN)
    item = an_item(batch, 0)
    await submit(batches, batch, item)
    await end(tasks, item, "fail")
    await batches.change(batch.batch_id, "retry_failed", now=NOW)
    again = an_item(batch, 0, retry_of=item.task_id)
    await submit(batches, batch, again)
    await end(tasks, again)

    (target,) = await webhooks.demand()
    deliveries, _ = await webhooks.claim({target: 9}, now=later(9), until=later(99))
    of_batches = [delivery for delivery in deliveries if delivery.type == "batch.completed"]
    assert [batch.batch_id] * 2 == [delivery.batch_id for delivery in of_batches]
    assert 2 == len({delivery.event_id for delivery in of_batches})
    assert {None} == {delivery.task_id for delivery in of_batches}


async def test_images_of_a_batch_are_listed(batches, tasks, records):
    """In pages, from either end; those of other tasks are not among them."""
    batch = await batches.add(a_batch(), PLAN)
    items = [an_item(batch, 0), an_item(batch, 1)]
    await submit(batches, batch, *items)
    single = a_task()
    await tasks.add(single, queue_size=99)
    await end(tasks, items[0], images=2)
    await end(tasks, single, images=1)
    await end(tasks, items[1], images=1)

    page = await records.of_batch(batch.batch_id, Paging(page=1, page_size=2, after=None))
    rest = await records.of_batch(batch.batch_id, Paging(page=1, page_size=2, after=page.last))

    shown = [image.task_id for image in (*page.items, *rest.items)]
    assert [items[1].task_id, items[0].task_id, items[0].task_id] == shown
    assert (3, True, False) == (page.total, page.has_more, rest.has_more)
    oldest = await records.of_batch(batch.batch_id, Paging(page_size=2, oldest_first=True))
    last = await records.of_batch(batch.batch_id, Paging(after=oldest.last, oldest_first=True))
    assert [*page.items, *rest.items][::-1] == [*oldest.items, *last.items]
