"""What cancelling does to a task, and what it says of the cost."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import Phase
from imagegen_core.ports.cluster import CANCELLATIONS
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over, refused, resume
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


async def test_a_waiting_task_is_cancelled_at_once():
    """Cancelling before a worker has claimed it costs nothing."""
    provider = ScriptedProvider()
    imagegen = imagegen_over(provider)
    task = await imagegen.submit("猫")

    cancelled = await imagegen.tasks.cancel(task_id=task.task_id)

    assert (TaskStatus.CANCELLED, 0, False) == (
        cancelled.status,
        provider.charged,
        cancelled.failure.possible_charge,
    )


async def test_cancelling_a_requeued_task_says_what_it_may_have_cost():
    """One of two images is stored, the other was rate-limited: the first is shown and was paid for."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True, retry_after=60)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫", num=2)
    (claimed,) = await imagegen.parts.queue.claim(
        "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.runner.run(claimed)

    cancelled = await imagegen.tasks.cancel(task_id=task.task_id)

    view = await imagegen.tasks.show(task_id=task.task_id)
    assert (TaskStatus.CANCELLED, True) == (cancelled.status, cancelled.failure.possible_charge)
    assert (TaskStatus.CANCELLED, 1) == (view.task.status, len(view.images))


@pytest.mark.parametrize(
    ("phase", "charged"),
    [(Phase.RESERVED, False), (Phase.SUBMITTING, True), (Phase.ACCEPTED, True), (Phase.RECEIVED, True)],
)
async def test_cancelling_after_a_crash_says_what_it_may_have_cost(phase, charged):
    """The task ends at once, and so do its attempts."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    imagegen = imagegen_over(provider, adapters=adapters)
    task_id = await crash_in(imagegen, phase)
    await resume(imagegen, "another")

    cancelled = await imagegen.tasks.cancel(task_id=task_id)

    attempts = await adapters.tasks.attempts(task_id)
    assert (TaskStatus.CANCELLED, charged) == (cancelled.status, cancelled.failure.possible_charge)
    assert [Phase.FAILED] == [a.phase for a in attempts]


class OvertakenRepository:
    """A memory repository in which a worker claims a task just before it is first saved."""

    def __init__(self, adapters):
        self._adapters, self.claimed = adapters, None

    def __getattr__(self, name):
        return getattr(self._adapters.tasks, name)

    async def save(self, fence, *, task=None, attempts=(), images=()):
        if self.claimed is None:
            now = self._adapters.clock.now()
            (self.claimed,) = await self._adapters.queue.claim(
                "a worker", limit=1, now=now, provider_limits={"scripted": 9}
            )
        return await self._adapters.tasks.save(fence, task=task, attempts=attempts, images=images)


async def test_a_cancellation_is_not_lost_to_a_concurrent_claim():
    """The task was claimed after it was read as pending: the running task gets the cancellation."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider}, clock=ManualClock())
    repository = OvertakenRepository(adapters)
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=repository))
    task = await imagegen.submit("猫")

    requested = await imagegen.tasks.cancel(task_id=task.task_id)
    await imagegen.runner.run(await adapters.tasks.get(task.task_id))

    ended = await adapters.tasks.get(task.task_id)
    assert (TaskStatus.PROCESSING, True) == (requested.status, requested.cancel_requested)
    assert (TaskStatus.CANCELLED, 0) == (ended.status, provider.charged)


async def test_a_running_call_is_cancelled_with_the_upstream():
    """The provider is asked to stop; when it does, the task ends as cancelled."""
    provider = ScriptedProvider()
    started = asyncio.Event()

    async def until_cancelled():
        started.set()
        await provider.release.wait()
        raise refused(FailureCode.CANCELLED)

    provider.submits = [until_cancelled]
    async with imagegen_over(provider) as imagegen:
        task = await imagegen.submit("猫")
        await started.wait()
        requested = await imagegen.tasks.cancel(task_id=task.task_id)
        done = await imagegen.wait(task.task_id, timeout=60)

    assert (TaskStatus.PROCESSING, TaskStatus.CANCELLED, [None]) == (
        requested.status,
        done.status,
        provider.cancelled,
    )


async def test_an_image_that_arrives_after_cancelling_is_stored():
    """It was paid for."""
    provider = ScriptedProvider()
    started = asyncio.Event()

    async def anyway():
        started.set()
        await provider.release.wait()

    provider.submits = [anyway]
    async with imagegen_over(provider) as imagegen:
        task = await imagegen.submit("猫")
        await started.wait()
        await imagegen.tasks.cancel(task_id=task.task_id)
        done = await imagegen.wait(task.task_id, timeout=60)
        images = await imagegen.parts.images.of_task(task.task_id)

    assert (TaskStatus.COMPLETED, 1) == (done.status, len(images))


@pytest.mark.parametrize("hint", [None, "", "its own"])
async def test_a_task_that_another_node_runs_is_cancelled_there(hint):
    """Whoever runs it looks, also on a hint, for requests that were stored elsewhere, and forwards it."""
    provider, started = ScriptedProvider(), asyncio.Event()

    async def until_cancelled():
        started.set()
        await provider.release.wait()
        raise refused(FailureCode.CANCELLED)

    provider.submits = [until_cancelled]
    adapters = memory_adapters(providers={"scripted": provider})
    elsewhere = imagegen_over(provider, adapters=adapters)
    beat_seconds = 0 if hint is None else 600
    async with imagegen_over(provider, adapters=adapters, beat_seconds=beat_seconds) as imagegen:
        task = await imagegen.submit("猫")
        await started.wait()
        requested = await elsewhere.tasks.cancel(task_id=task.task_id)
        if hint is not None:
            adapters.cluster.tell(CANCELLATIONS, hint and task.task_id)
        done = await imagegen.wait(task.task_id, timeout=60)

    assert (TaskStatus.PROCESSING, True) == (requested.status, requested.cancel_requested)
    assert (TaskStatus.CANCELLED, [None]) == (done.status, provider.cancelled)
