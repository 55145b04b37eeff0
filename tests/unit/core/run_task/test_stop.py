"""What a stop of the service leaves to the next start."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, Limits, TaskStatus
from imagegen_core.attempt import Phase
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import ProblemCode
from imagegen_core.ports.provider import GeneratedImage
from imagegen_core.task import EventKind
from tests.unit.core.scripted_imagegen import begun, crash_in, imagegen_over, refused, resume
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


async def test_a_hard_stop_stores_an_unknown_outcome():
    """A synchronous call in flight at the end of the grace time becomes outcome_unknown."""
    provider = ScriptedProvider()
    started = asyncio.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    provider.submits = [forever]
    imagegen = imagegen_over(provider)
    async with imagegen:
        task = await imagegen.submit("猫")
        await started.wait()

    stopped = await imagegen.parts.tasks.get(task.task_id)
    assert (TaskStatus.FAILED, FailureCode.OUTCOME_UNKNOWN, True) == (
        stopped.status,
        stopped.failure.code,
        stopped.failure.possible_charge,
    )


async def test_a_hard_stop_hides_no_image_that_is_stored():
    """One of two images is stored already; the other is lost in flight and reported as missing."""
    provider = ScriptedProvider(fan_out=True)
    started = asyncio.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    adapters = memory_adapters(providers={"scripted": provider})
    async with imagegen_over(provider, adapters=adapters) as first:
        task = await first.submit("猫", num=2)
        while not await first.parts.images.of_task(task.task_id):  # noqa: ASYNC110 - the second try has begun then, or does
            await asyncio.sleep(0)
        provider.submits.append(forever)
        await started.wait()
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 1, 1) == (done.status, provider.charged, len(done.warnings))
    assert "outcome_unknown" in str(done.warnings[0])


async def test_no_call_begins_while_the_service_stops():
    """Calls that wait for a slot are sent at the next start; running ones may finish."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=1)
    started = asyncio.Event()

    async def until_released():
        started.set()
        await provider.release.wait()

    provider.submits = [until_released]
    adapters = memory_adapters(providers={"scripted": provider})
    first = imagegen_over(
        provider, adapters=adapters, limits=Limits(default_provider="scripted", shutdown_grace_seconds=10)
    )
    async with first:
        task = await first.submit("猫", num=3)
        await started.wait()
        stopping = asyncio.create_task(first.stop())
        while not first.slots.closed:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        provider.release.set()
        await stopping
    between = await adapters.tasks.get(task.task_id)
    charged_before = provider.charged
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=60)

    assert (TaskStatus.PENDING, 1) == (between.status, charged_before)
    assert (TaskStatus.COMPLETED, 3, ()) == (done.status, provider.charged, done.warnings)


async def test_a_hard_stop_leaves_an_accepted_job_for_the_next_start():
    """The job continues at the provider; the next process polls it by its id and pays nothing more."""
    provider = ScriptedProvider(as_job=True)
    polling = asyncio.Event()

    async def forever():
        polling.set()
        await asyncio.Event().wait()

    provider.polls = [forever]
    adapters = memory_adapters(providers={"scripted": provider})
    async with imagegen_over(provider, adapters=adapters) as first:
        task = await first.submit("猫")
        await polling.wait()
    between = await adapters.tasks.get(task.task_id)
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=60)

    assert (TaskStatus.PENDING, TaskStatus.COMPLETED, 1) == (between.status, done.status, provider.charged)
    assert (["job-1", "job-1"], 1) == (provider.polled, done.attempts)


@pytest.mark.parametrize(("fan_out", "charged"), [(False, 1), (True, 3)])
async def test_a_changed_configuration_changes_no_calls_that_are_paid(fan_out, charged):
    """Whether three images take one call or three is decided when the first is sent."""
    provider = ScriptedProvider(as_job=True, fan_out=fan_out)
    begun = asyncio.Event()

    async def forever():
        if provider.charged == charged:
            begun.set()
        await asyncio.Event().wait()

    provider.polls = [forever] * charged
    adapters = memory_adapters(providers={"scripted": provider})
    async with imagegen_over(provider, adapters=adapters) as first:
        task = await first.submit("猫", num=3)
        await begun.wait()
    provider.fan_out, provider.polled = not fan_out, []
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, charged, 1) == (done.status, provider.charged, done.attempts)
    assert [f"job-{n}" for n in range(1, charged + 1)] == sorted(provider.polled)


@pytest.mark.parametrize(("fan_out", "charged"), [(False, 1), (True, 3)])
async def test_an_accepted_call_that_a_newer_version_would_refuse_is_finished(fan_out, charged):
    """It is paid for: what is checked before a call is sent counts for new ones alone."""
    provider = ScriptedProvider(as_job=True, fan_out=fan_out)
    begun = asyncio.Event()

    async def forever():
        if provider.charged == charged:
            begun.set()
        await asyncio.Event().wait()

    def refuses(*_):
        raise ValidationFailed.for_field("params.size", ProblemCode.REQUIRED())

    provider.polls = [forever] * charged
    adapters = memory_adapters(providers={"scripted": provider})
    async with imagegen_over(provider, adapters=adapters) as first:
        task = await first.submit("猫", num=3)
        await begun.wait()
    provider.split = refuses
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=60)
        images = await second.parts.images.of_task(task.task_id)

    assert (TaskStatus.COMPLETED, charged, charged) == (done.status, provider.charged, len(images))


async def test_an_image_that_was_shown_before_a_stop_is_not_shown_again():
    """One image of a response was stored, another had to wait, and another call was still running."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [_at_once, asyncio.Event().wait]
    refusals = [refused(FailureCode.STORAGE_FAILED)]

    async def collect(call, receipt, exchange):
        result = await ScriptedProvider.collect(provider, call, receipt, exchange)
        return attrs.evolve(result, images=(*result.images, GeneratedImage(chunks=second)))

    async def second():
        if refusals:
            raise refusals.pop()
        yield png((1, 2, 3))

    provider.collect = collect
    imagegen = imagegen_over(provider)
    events = imagegen.parts.queue
    async with imagegen:
        task = await imagegen.submit("猫", num=2)
        async for event in events.events(task.task_id):
            if event.kind is EventKind.IMAGE:
                break
    async with imagegen_over(provider, adapters=imagegen.parts) as second_run:
        done = await second_run.wait(task.task_id, timeout=60)
        kinds = [event.kind async for event in events.events(task.task_id)]

    assert (TaskStatus.COMPLETED, 0, 2) == (done.status, done.recoveries, kinds.count(EventKind.IMAGE))


async def test_a_stop_before_its_calls_are_prepared_gives_no_attempt_back():
    """The attempt that an earlier process made stays counted."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    imagegen = imagegen_over(provider, adapters=adapters)
    task_id = await crash_in(imagegen, Phase.RECEIVED)
    await resume(imagegen, "the next")
    (claimed,) = await adapters.queue.claim(
        "the next", limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9}
    )

    await imagegen.runner.stop(begun(imagegen, claimed))

    stopped = await adapters.tasks.get(task_id)
    assert (TaskStatus.PENDING, 1) == (stopped.status, stopped.attempts)


async def test_the_end_of_a_run_leaves_the_next_one_of_its_task():
    """A requeued task may be claimed before its run has ended; a cancellation must still find the next."""
    provider, following = ScriptedProvider(), []

    async def claimed_again():
        (run,) = imagegen.runner.runs.values()
        following.append(begun(imagegen, run.task))

    provider.submits = [claimed_again]
    imagegen = imagegen_over(provider)
    async with imagegen:
        task = await imagegen.submit("猫")
        await imagegen.wait(task.task_id, timeout=60)

    assert following == [imagegen.runner.runs.get(task.task_id)]


async def _at_once():
    """Answer."""
