"""What a task costs, for every way in which its calls can end."""

import asyncio
from decimal import Decimal

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import Charge, Phase
from imagegen_core.costs import Basis, Cost, ReportedUsage, UsageGrouping
from imagegen_core.errors import CallError
from imagegen_core.facts import parse_price
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over, outcome, refused
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio

PRICE = parse_price({"currency": "CNY", "rates": [{"amount": 0.2}]}, "price")
MANY = Cost.from_amount(Decimal("0.6"), "CNY", Basis.ESTIMATED)


def cny(amount, basis=Basis.ESTIMATED):
    return Cost.from_amount(Decimal(amount), "CNY", basis)


def priced(**options):
    provider = ScriptedProvider(**options)
    provider.price = PRICE
    return provider


async def costs(imagegen, task):
    """Return what the task, its attempts and its images cost."""
    view = await imagegen.tasks.show(task_id=task.task_id)
    attempts = await imagegen.parts.tasks.attempts(task.task_id)
    return view.costs, [a.cost for a in attempts], [image.cost for image in view.images]


async def usage_of(imagegen):
    """Return the amounts of all days: known, estimated, possible; and the calls whose amount is unknown."""
    (usage,) = (await imagegen.tasks.usage(grouping=UsageGrouping.PROVIDER)).values()
    amounts = usage.amounts("known"), usage.amounts("estimated"), usage.amounts("possible")
    return (*amounts, usage.unknown_attempts)


async def test_an_image_costs_its_price():
    """Attempt, task and usage say so, as an estimate."""
    imagegen = imagegen_over(priced())

    task = await outcome(imagegen)

    assert ((cny("0.2"),), [cny("0.2")], [cny("0.2")]) == await costs(imagegen, task)
    assert ({}, {"CNY": Decimal("0.2")}, {}, 0) == await usage_of(imagegen)


async def test_what_the_provider_says_is_known():
    """It is split over the images without a rest."""
    provider = priced()
    provider.images = [png((shade, 0, 0)) for shade in range(3)]
    provider.usage = ReportedUsage.from_values("0.1", currency="USD")
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    whole = Cost.from_amount(Decimal("0.1"), "USD", Basis.KNOWN)
    of_task, of_attempts, of_images = await costs(imagegen, task)
    assert ((whole,), [whole]) == (of_task, of_attempts)
    assert ["0.0333333334", "0.0333333333", "0.0333333333"] == [cost.text for cost in of_images]
    assert ({"USD": Decimal("0.1")}, {}, {}, 0) == await usage_of(imagegen)


async def test_a_partial_success_costs_what_was_made():
    """Two images of three, of which one cannot be read: it was made all the same."""
    provider = priced()
    provider.images = [png(), b"no image"]
    provider.failures = (refused(FailureCode.CONTENT_POLICY),)
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert ((cny("0.4"),), [cny("0.4")], [cny("0.2")]) == await costs(imagegen, task)
    assert TaskStatus.COMPLETED is task.status


async def test_an_image_that_could_not_be_read_is_paid_for():
    """Although its task failed; what it cost is what the response says."""
    provider = priced()
    provider.images = [b"no image"]
    provider.usage = ReportedUsage.from_values("0.3", currency="CNY")
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    assert (FailureCode.INVALID_IMAGE, True) == (task.failure.code, task.failure.possible_charge)
    assert ({"CNY": Decimal("0.3")}, {}, {}, 0) == await usage_of(imagegen)


async def test_an_unknown_outcome_may_have_cost_what_was_asked_for():
    """It is possible, and neither known nor estimated."""
    provider = priced()
    provider.submits = [refused(FailureCode.OUTCOME_UNKNOWN)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert ((MANY,), [MANY], []) == await costs(imagegen, task)
    assert ({}, {}, {"CNY": Decimal("0.6")}, 0) == await usage_of(imagegen)


async def test_a_refusal_costs_nothing():
    """Nor does it show in the sums."""
    provider = priced()
    provider.submits = [refused(FailureCode.CONTENT_POLICY)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    assert ((), [None], []) == await costs(imagegen, task)
    assert ({}, {}, {}, 0) == await usage_of(imagegen)


async def test_without_a_price_the_cost_is_unknown():
    """Also if it is only possible."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.OUTCOME_UNKNOWN)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=2)

    assert ((Cost.unknown(),), [Cost.unknown()] * 2, [Cost.unknown()]) == await costs(imagegen, task)
    assert ({}, {}, {}, 2) == await usage_of(imagegen)


async def test_what_nobody_bills_costs_nothing():
    """It is not unknown either."""
    provider = ScriptedProvider()
    provider.billed = False
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    assert ((), [None], [None]) == await costs(imagegen, task)
    assert ({}, {}, {}, 0) == await usage_of(imagegen)


async def test_each_call_costs_although_the_task_failed_in_between():
    """One part is refused before it starts and sent again; nothing is counted twice."""
    provider = priced(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=2)

    assert (cny("0.4"),) == (await costs(imagegen, task))[0]
    assert ({}, {"CNY": Decimal("0.4")}, {}, 0) == await usage_of(imagegen)


async def test_the_price_is_that_of_the_moment_of_sending():
    """One that changes between two starts, while a job runs, changes no cost, and is not kept after it."""
    provider = priced(as_job=True)
    polling = asyncio.Event()

    async def forever():
        polling.set()
        await asyncio.Event().wait()

    provider.polls = [forever]
    adapters = memory_adapters(providers={"scripted": provider})
    async with imagegen_over(provider, adapters=adapters) as first:
        task = await first.submit("猫")
        await polling.wait()
    provider.price = attrs.evolve(PRICE, rates=(attrs.evolve(PRICE.rates[0], amount=Decimal(9)),))
    async with imagegen_over(provider, adapters=adapters) as second:
        await second.wait(task.task_id, timeout=60)

    (attempt,) = await adapters.tasks.attempts(task.task_id)
    assert (Phase.STORED, Charge.CERTAIN, cny("0.2"), None) == (
        attempt.phase,
        attempt.charge,
        attempt.cost,
        attempt.price,
    )


async def test_a_call_that_a_stop_interrupts_may_have_cost_what_was_asked_for():
    """Its outcome is unknown."""
    provider = priced()
    started = asyncio.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    provider.submits = [forever]
    imagegen = imagegen_over(provider)
    async with imagegen:
        await imagegen.submit("猫", num=3)
        await started.wait()

    assert ({}, {}, {"CNY": Decimal("0.6")}, 0) == await usage_of(imagegen)


async def test_a_call_that_a_dead_process_left_may_have_cost_what_was_asked_for():
    """The next start ends it."""
    provider = priced()
    imagegen = imagegen_over(provider)
    task_id = await crash_in(imagegen, Phase.SUBMITTING, quoted=cny("0.2"))
    async with imagegen:
        await imagegen.wait(task_id, timeout=60)

    assert ({}, {}, {"CNY": Decimal("0.2")}, 0) == await usage_of(imagegen)


async def test_a_download_that_fails_is_paid_for():
    """The image was made, and nobody has it."""
    provider = priced()
    provider.collects = [CallError(FailureCode.BAD_RESPONSE, "not what was agreed")]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert ((MANY,), [MANY], []) == await costs(imagegen, task)
    assert ({}, {"CNY": Decimal("0.6")}, {}, 0) == await usage_of(imagegen)
