"""What tasks cost."""

from datetime import timedelta
from decimal import Decimal

import pytest

from imagegen_core.attempt import Receipt
from imagegen_core.costs import MAX_AMOUNT, Basis, Cost, Ticks, Usage, UsageGrouping
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import FailureReason
from imagegen_core.values import quarter_of
from tests.contracts.samples import NOW, a_task, add_ended, an_attempt

pytestmark = pytest.mark.anyio

_UNKNOWN = Failure(FailureCode.OUTCOME_UNKNOWN, FailureReason.STOPPED_MIDWAY())

_REFUSED = Failure(FailureCode.REJECTED, FailureReason.DEFECT(), possible_charge=False)

_QUARTER = quarter_of(NOW)


def cny(amount, basis=Basis.ESTIMATED):
    """Return a cost in yuan."""
    return Cost.from_amount(Decimal(amount), "CNY", basis)


def _submitted(task, quoted, *, part=0):
    return an_attempt(task, part=part).submitting(NOW, quoted=quoted)


def _stored(task, cost, *, part=0):
    return _submitted(task, cost, part=part).received(NOW, Receipt()).stored(NOW)


async def test_an_empty_ledger_has_nothing(ledger):
    """No key has totals, and no task costs."""
    assert ({}, {}) == (await ledger.usage(UsageGrouping.PROVIDER), await ledger.usage(UsageGrouping.MODEL))
    assert (None, (Usage(),)) == (await ledger.usage_span(), await ledger.usage_by_interval([0, 10**7]))
    assert {} == await ledger.costs(["unknown", "\ud800"])


async def test_a_task_counts_once_when_it_ends(repository, ledger):
    """With its images, in the quarter of its end; until then it counts as nothing."""
    await repository.add(a_task(), queue_size=100)
    await add_ended(repository, lambda t: _stored(t, cny("0.2")), images=2, seconds=1000)

    expected = Usage(tasks=1, images=2, currencies={"CNY": Ticks(estimated_ticks=2_000_000_000)})
    bounds = range(_QUARTER, _QUARTER + 4)
    assert (Usage(), expected, Usage()) == await ledger.usage_by_interval(bounds)
    assert (_QUARTER + 1, _QUARTER + 1) == await ledger.usage_span()


async def test_sums_are_by_basis_and_charge(repository, ledger):
    """What was only possibly charged is in no other sum, and what cost nothing is in none."""
    await add_ended(
        repository,
        lambda t: _stored(t, cny("0.0000000001", Basis.KNOWN), part=0),
        lambda t: _stored(t, cny("0.2"), part=1),
        lambda t: _submitted(t, cny("0.4"), part=2).failed(NOW, _UNKNOWN),
        lambda t: _submitted(t, cny("0.8"), part=3).failed(NOW, _REFUSED),
        lambda t: _stored(t, None, part=4),
    )

    ticks = Ticks(known_ticks=1, estimated_ticks=2_000_000_000, possible_ticks=4_000_000_000)
    assert {"demo": Usage(tasks=1, currencies={"CNY": ticks})} == await ledger.usage(UsageGrouping.PROVIDER)


async def test_failed_tasks_are_counted(repository, ledger):
    """Among those that ended; one that was cancelled is none of them."""
    for end in (lambda t: t.fail(NOW, _REFUSED), lambda t: t.cancel(NOW)):
        claimed = (task := a_task()).claim("a node", NOW)
        await repository.add(task, queue_size=100)
        await repository.save(task.fence, task=claimed)
        await repository.save(claimed.fence, task=end(claimed))
    await add_ended(repository, lambda t: _stored(t, cny("0.2")))

    ticks = Ticks(estimated_ticks=2_000_000_000)
    expected = Usage(tasks=3, failed=1, currencies={"CNY": ticks})
    assert {"demo": expected} == await ledger.usage(UsageGrouping.PROVIDER)
    assert (expected,) == await ledger.usage_by_interval([_QUARTER, _QUARTER + 1])


async def test_unknown_amounts_are_counted(repository, ledger):
    """Whether they were charged or only may have been."""
    await add_ended(
        repository,
        lambda t: _stored(t, Cost.unknown(), part=0),
        lambda t: _submitted(t, Cost.unknown(), part=1).failed(NOW, _UNKNOWN),
        lambda t: _submitted(t, Cost.unknown(), part=2).failed(NOW, _REFUSED),
    )

    assert {"demo-1": Usage(tasks=1, unknown_attempts=2)} == await ledger.usage(UsageGrouping.MODEL)


async def test_currencies_stay_apart(repository, ledger):
    """Nothing is converted."""
    usd = Cost.from_amount(Decimal("0.03"), "USD", Basis.KNOWN)
    await add_ended(repository, lambda t: _stored(t, cny("0.2")), lambda t: _stored(t, usd, part=1))

    (usage,) = await ledger.usage_by_interval([_QUARTER, _QUARTER + 1])
    assert {"CNY": Decimal("0.2")} == usage.amounts("estimated")
    assert {"USD": Decimal("0.03")} == usage.amounts("known")


async def test_totals_are_by_provider_or_model(repository, ledger):
    """A model counts once, at whichever providers."""
    for provider, model, amount in (("a", "x", "0.1"), ("b", "x", "0.2"), ("b", "y", "0.4")):
        cost = cny(amount)
        await add_ended(
            repository, lambda t, cost=cost: _stored(t, cost), provider_name=provider, model_id=model
        )

    amounts = [
        {key: usage.amounts("estimated")["CNY"] for key, usage in usages.items()}
        for usages in (await ledger.usage(UsageGrouping.PROVIDER), await ledger.usage(UsageGrouping.MODEL))
    ]
    assert [
        {"a": Decimal("0.1"), "b": Decimal("0.6")},
        {"x": Decimal("0.3"), "y": Decimal("0.4")},
    ] == amounts


async def test_bounds_are_inclusive(repository, ledger):
    """From a first quarter to a last one; those of intervals are their beginnings."""
    for quarters in range(4):
        await add_ended(repository, seconds=timedelta(minutes=15 * quarters).total_seconds())

    intervals = await ledger.usage_by_interval([_QUARTER - 9, _QUARTER + 1, _QUARTER + 3])
    assert [1, 2] == [usage.tasks for usage in intervals]
    empty_ones = await ledger.usage_by_interval([_QUARTER, _QUARTER, _QUARTER + 1, _QUARTER + 1])
    assert [0, 1, 0] == [usage.tasks for usage in empty_ones]
    assert (_QUARTER, _QUARTER + 3) == await ledger.usage_span()
    assert 3 == (await ledger.usage(UsageGrouping.MODEL, first=_QUARTER + 1))["demo-1"].tasks
    assert 2 == (await ledger.usage(UsageGrouping.PROVIDER, last=_QUARTER + 1))["demo"].tasks


async def test_a_deleted_image_stays_paid(repository, records, ledger):
    """Its cost and its number do not change."""
    task = await add_ended(repository, lambda t: _stored(t, cny("0.2")), images=2)
    before = await ledger.usage(UsageGrouping.PROVIDER)

    for image in await records.of_task(task.task_id):
        await records.delete([image.id])

    assert before == await ledger.usage(UsageGrouping.PROVIDER)
    assert {task.task_id: (cny("0.2"),)} == await ledger.costs([task.task_id])


async def test_costs_are_those_of_the_attempts(repository, ledger):
    """In their order, without those that cost nothing; of running tasks, too."""
    ended = await add_ended(
        repository,
        lambda t: _stored(t, cny("0.2", Basis.KNOWN), part=0),
        lambda t: _submitted(t, cny("0.8"), part=1).failed(NOW, _REFUSED),
        lambda t: _submitted(t, Cost.unknown(), part=2).failed(NOW, _UNKNOWN),
    )
    running = a_task()
    await repository.add(running, queue_size=100)
    claimed = running.claim("a node", NOW)
    await repository.save(running.fence, task=claimed, attempts=[_submitted(claimed, cny("0.1"))])

    costs = await ledger.costs([ended.task_id, running.task_id, "unknown"])
    assert {
        ended.task_id: (cny("0.2", Basis.KNOWN), Cost.unknown()),
        running.task_id: (cny("0.1"),),
    } == costs


async def test_no_amount_keeps_a_task_from_ending(repository, ledger):
    """A thousand times the highest amount is added up, or stays at what a column holds."""
    cost = cny(str(MAX_AMOUNT))
    for _ in range(10):
        parts = [lambda t, part=part: _stored(t, cost, part=part) for part in range(100)]
        await add_ended(repository, *parts)

    (usage,) = (await ledger.usage(UsageGrouping.PROVIDER)).values()
    assert usage.amounts("estimated")["CNY"] >= 900 * MAX_AMOUNT
    assert 10 == usage.tasks
