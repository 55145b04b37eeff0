"""What is tried again, how often, and when."""

import asyncio
from datetime import timedelta

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, Limits, TaskStatus
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import imagegen_over, outcome, refused, run_until_it_ended
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


async def test_a_connection_that_fails_is_tried_again_and_counts():
    """Two refused connections, then an image: three attempts, one charge."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.UNAVAILABLE, not_started=True) for _ in range(2)]

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.COMPLETED, 3, 1) == (task.status, task.attempts, provider.charged)


async def test_a_connection_that_never_works_ends_as_unavailable():
    """After max_retries the task says so, and nothing was charged."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.UNAVAILABLE, not_started=True) for _ in range(9)]

    task = await outcome(imagegen_over(provider))

    assert (FailureCode.UNAVAILABLE, False, 4, 5) == (
        task.failure.code,
        task.failure.possible_charge,
        task.attempts,
        len(provider.submits),
    )


async def test_a_rate_limit_consumes_no_attempt():
    """A 429 requeues the task; the next attempt is still the first."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True, retry_after=0.01)]

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.COMPLETED, 1, 1) == (task.status, task.attempts, task.retries)


async def test_a_rate_limit_occupies_no_worker():
    """While one task waits for its Retry-After, the only worker runs another task."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True, retry_after=60)]
    imagegen = imagegen_over(
        provider, limits=Limits(default_provider="scripted", workers=1, shutdown_grace_seconds=0)
    )
    async with imagegen:
        limited = await imagegen.submit("被限流")
        other = await imagegen.submit("不受影响")
        done = await imagegen.wait(other.task_id, timeout=60)
        waiting = await imagegen.parts.tasks.get(limited.task_id)

    assert (TaskStatus.COMPLETED, TaskStatus.PENDING) == (done.status, waiting.status)
    assert timedelta(seconds=59) < waiting.not_before - waiting.started_at < timedelta(seconds=90)


async def test_endless_rate_limits_end_as_rate_limited():
    """After max_retries requeues the task fails without a charge."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True) for _ in range(9)]

    task = await outcome(imagegen_over(provider))

    assert (FailureCode.RATE_LIMITED, 3, 5) == (task.failure.code, task.retries, len(provider.submits))


async def test_only_the_part_that_was_limited_is_sent_again():
    """A 429 for one of three calls requeues the task; the two charged calls are not repeated."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert (TaskStatus.COMPLETED, 3, ()) == (task.status, provider.charged, task.warnings)
    assert 3 == len(await imagegen.parts.images.of_task(task.task_id))


async def test_no_more_calls_run_at_once_than_the_provider_takes():
    """max_concurrency holds over tasks and over the calls within them."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=2)

    async def slowly():
        await asyncio.sleep(0)

    provider.submits = [slowly for _ in range(20)]
    async with imagegen_over(provider) as imagegen:
        tasks = [await imagegen.submit(f"第 {i} 张", num=4) for i in range(5)]
        done = [await imagegen.wait(task.task_id, timeout=60) for task in tasks]

    assert {TaskStatus.COMPLETED} == {task.status for task in done}
    assert 2 == provider.most_in_flight


async def test_a_changed_configuration_counts_while_nothing_is_paid():
    """A call that was rejected started nothing, so the task is split again."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫", num=3)
    (claimed,) = await adapters.queue.claim("w", limit=1, now=clock.now(), provider_limits={"scripted": 9})
    await imagegen.runner.run(claimed)
    provider.fan_out = True

    ended = await run_until_it_ended(imagegen, task, clock)

    assert (TaskStatus.COMPLETED, 3) == (ended.status, provider.charged)
