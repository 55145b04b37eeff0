"""How a task ends, for every way in which its calls can end."""

import asyncio
import logging
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.memory import in_memory, memory_adapters
from imagegen_adapters.testing.samples import an_attempt
from imagegen_core import FailureCode, ImageGen, Limits, TaskStatus
from imagegen_core.errors import CallError, StorageError, StorageUnreachable, ValidationFailed
from imagegen_core.ports.provider import GeneratedImage
from imagegen_core.problems import ProblemCode
from imagegen_core.providers.config import ConfigSource, ProviderConfig
from imagegen_core.providers.secrets import Secret
from imagegen_core.tasks.attempt import Charge, Phase, Receipt, UpstreamJob
from imagegen_core.tasks.events import EventKind
from imagegen_core.tasks.policies import RetryPolicy
from imagegen_core.tasks.task import MAX_RECOVERIES
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio

AT_ONCE = RetryPolicy(base=0.0, jitter=0.0)


def refused(code=FailureCode.CONTENT_POLICY, **more) -> CallError:
    return CallError(code, "the provider's words", **more)


def imagegen_over(provider, *, retry=AT_ONCE, extra_config=None, limits=None, adapters=None) -> ImageGen:
    config = ProviderConfig(
        provider_name="scripted", kind="scripted", source=ConfigSource.FILE, extra_config=extra_config or {}
    )
    return ImageGen(
        adapters or memory_adapters(providers={"scripted": provider}),
        limits=limits or Limits(default_provider="scripted", shutdown_grace_seconds=0),
        file_configs={"scripted": config},
        retry=retry,
    )


async def outcome(imagegen, **params):
    async with imagegen:
        task = await imagegen.submit("猫", **params)
        return await imagegen.wait(task.task_id, timeout=10)


async def test_a_synchronous_call_ends_as_a_stored_image():
    """One call, one charge, one image, and an attempt in its final phase."""
    provider = ScriptedProvider()
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    images = await imagegen.images(task.task_id)
    attempts = await imagegen.adapters.tasks.attempts(task.task_id)
    assert (TaskStatus.COMPLETED, 1, 1, 1.0) == (task.status, task.attempts, provider.charged, task.progress)
    assert png() == await imagegen.read(images[0])
    assert [(Phase.STORED, Charge.CERTAIN)] == [(a.phase, a.charge) for a in attempts]


async def test_an_accepted_job_is_polled_by_its_id():
    """The job's id is stored before the first poll and used by it."""
    provider = ScriptedProvider(as_job=True)
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    (attempt,) = await imagegen.adapters.tasks.attempts(task.task_id)
    assert (TaskStatus.COMPLETED, ["job-1"], "job-1") == (task.status, provider.polled, attempt.job.id)
    assert {} == attempt.job.data, "addresses of a provider may hold keys, and are of no use any more"


@pytest.mark.parametrize(
    ("code", "charge"),
    [
        (FailureCode.REJECTED, False),
        (FailureCode.CONTENT_POLICY, False),
        (FailureCode.AUTH_FAILED, False),
        (FailureCode.QUOTA_EXHAUSTED, False),
        (FailureCode.TIMEOUT, True),
        (FailureCode.OUTCOME_UNKNOWN, True),
        (FailureCode.BAD_RESPONSE, True),
    ],
)
async def test_what_may_have_started_is_never_sent_again(code, charge):
    """Any response that does not prove that nothing started ends the task after one call."""
    provider = ScriptedProvider()
    provider.submits = [refused(code), refused(code)]

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.FAILED, code, charge) == (
        task.status,
        task.failure.code,
        task.failure.possible_charge,
    )
    assert 1 == len(provider.submits)


@pytest.mark.parametrize(
    ("error", "charge"),
    [
        (refused(FailureCode.AUTH_FAILED, upstream_status=401), True),
        (refused(FailureCode.INTERNAL), True),
        (refused(FailureCode.REJECTED), True),
        (refused(FailureCode.UNAVAILABLE, not_started=True), True),
        (refused(FailureCode.RATE_LIMITED, not_started=True), True),
        (refused(FailureCode.REJECTED, upstream_status=200), False),
        (refused(FailureCode.CONTENT_POLICY), False),
    ],
)
@pytest.mark.parametrize("step", ["polls", "collects"])
async def test_only_the_upstream_can_say_that_an_accepted_job_was_free(step, error, charge):
    """A failure to poll it proves nothing, and the job is never sent again."""
    provider = ScriptedProvider(as_job=True)
    setattr(provider, step, [error])

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.FAILED, 1) == (task.status, provider.charged)
    assert (error.failure.code, charge) == (task.failure.code, task.failure.possible_charge)


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


async def test_why_a_task_is_requeued_is_in_the_log(caplog):
    """The status only says `pending`; the log says how the provider responded, and when it is tried next."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]

    with caplog.at_level(logging.INFO):
        task = await outcome(imagegen_over(provider))

    (line,) = [r for r in caplog.records if r.message == "the task waits for another try"]
    assert (task.task_id, "scripted", "rate_limited") == (line.task_id, line.provider, line.error)
    assert line.seconds >= 0


async def test_a_completed_task_leaves_a_log_line(caplog):
    """It says what was made, by which provider, and how long it took, but not the prompt."""
    with caplog.at_level(logging.INFO):
        task = await outcome(imagegen_over(ScriptedProvider()))

    (line,) = [r for r in caplog.records if r.message == "the task is completed"]
    assert (task.task_id, "scripted", task.model_id, 1, None) == (
        line.task_id,
        line.provider,
        line.model,
        line.images,
        line.error,
    )
    assert line.seconds >= 0
    assert "猫" not in str(vars(line))


async def test_a_failed_task_leaves_a_log_line_with_its_error(caplog):
    """The line has the failure's code."""
    provider = ScriptedProvider()
    provider.submits = [refused()]

    with caplog.at_level(logging.INFO):
        task = await outcome(imagegen_over(provider))

    (line,) = [r for r in caplog.records if r.message == "the task failed or was cancelled"]
    assert (task.task_id, "content_policy", 0) == (line.task_id, line.error, line.images)


async def test_a_task_that_is_cancelled_while_it_waits_leaves_a_log_line(caplog):
    """It may have been paid for before it was requeued."""
    imagegen = imagegen_over(ScriptedProvider())
    task = await imagegen.submit("猫")

    with caplog.at_level(logging.INFO):
        await imagegen.cancel_task(task_id=task.task_id)

    (line,) = [r for r in caplog.records if r.message == "the task failed or was cancelled"]
    assert (task.task_id, "cancelled", 0) == (line.task_id, line.error, line.images)


async def test_a_task_that_a_start_fails_leaves_a_log_line(caplog):
    """Its response crashed the service several times, and was paid for."""
    imagegen = imagegen_over(ScriptedProvider())
    adapters, task = imagegen.adapters, await imagegen.submit("猫")
    now = adapters.clock.now()
    (claimed,) = await adapters.queue.claim("dead", limit=1, now=now, provider_limits={"scripted": 1})
    await adapters.tasks.save(attrs.evolve(claimed, recoveries=MAX_RECOVERIES))
    reserved = an_attempt(claimed)
    await adapters.tasks.save_attempt(reserved.submitting(now).received(now, Receipt()))

    with caplog.at_level(logging.INFO):
        await imagegen.resume_tasks(owner="alive")

    (line,) = [r for r in caplog.records if r.message == "the task failed or was cancelled"]
    assert (task.task_id, "internal", 0) == (line.task_id, line.error, line.images)


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
        done = await imagegen.wait(other.task_id, timeout=10)
        waiting = await imagegen.adapters.tasks.get(limited.task_id)

    assert (TaskStatus.COMPLETED, TaskStatus.PENDING) == (done.status, waiting.status)
    assert timedelta(seconds=59) < waiting.not_before - waiting.started_at < timedelta(seconds=90)


async def test_endless_rate_limits_end_as_rate_limited():
    """After max_retries requeues the task fails without a charge."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True) for _ in range(9)]

    task = await outcome(imagegen_over(provider))

    assert (FailureCode.RATE_LIMITED, 3, 5) == (task.failure.code, task.retries, len(provider.submits))


async def test_several_calls_each_have_their_own_attempt():
    """Three images from a provider without a count are three calls, three charges, three attempts."""
    provider = ScriptedProvider(fan_out=True)
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    attempts = await imagegen.adapters.tasks.attempts(task.task_id)
    assert (3, 3, [0, 1, 2]) == (
        provider.charged,
        len(await imagegen.images(task.task_id)),
        sorted(a.part for a in attempts),
    )


async def test_a_partial_success_has_its_images_and_warnings_of_missing_ones():
    """If two of three calls yield an image, the task completes with a warning."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.CONTENT_POLICY)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert (TaskStatus.COMPLETED, 2) == (task.status, len(await imagegen.images(task.task_id)))
    assert "content_policy" in str(task.warnings[0])


async def test_only_the_part_that_was_limited_is_sent_again():
    """A 429 for one of three calls requeues the task; the two charged calls are not repeated."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert (TaskStatus.COMPLETED, 3, ()) == (task.status, provider.charged, task.warnings)
    assert 3 == len(await imagegen.images(task.task_id))


async def test_bytes_that_are_no_image_leave_nothing_behind():
    """HTML instead of an image fails the task and leaves no file."""
    provider = ScriptedProvider()
    provider.images = [b"<html>not an image</html>"]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    keys = [key async for key in imagegen.adapters.blobs.keys("")]
    assert (FailureCode.INVALID_IMAGE, True, []) == (task.failure.code, task.failure.possible_charge, keys)


async def test_a_cut_image_leaves_nothing_behind():
    """A truncated PNG is rejected after it was stored, and removed again."""
    provider = ScriptedProvider()
    provider.images = [png()[:60]]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    keys = [key async for key in imagegen.adapters.blobs.keys("")]
    assert (FailureCode.INVALID_IMAGE, []) == (task.failure.code, keys)


async def test_a_waiting_task_is_cancelled_at_once():
    """Cancelling before a worker has claimed it costs nothing."""
    provider = ScriptedProvider()
    imagegen = imagegen_over(provider)
    task = await imagegen.submit("猫")

    cancelled = await imagegen.cancel_task(task_id=task.task_id)

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
    (claimed,) = await imagegen.adapters.queue.claim(
        "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.run_task(task=claimed)

    cancelled = await imagegen.cancel_task(task_id=task.task_id)

    view = await imagegen.show_task(task_id=task.task_id)
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
    await imagegen.resume_tasks(owner="another")

    cancelled = await imagegen.cancel_task(task_id=task_id)

    attempts = await adapters.tasks.attempts(task_id)
    assert (TaskStatus.CANCELLED, charged) == (cancelled.status, cancelled.failure.possible_charge)
    assert [Phase.FAILED] == [a.phase for a in attempts]


class OvertakenRepository:
    """A memory repository in which a worker claims a task just before it is first saved."""

    def __init__(self, adapters):
        self._adapters, self.claimed = adapters, None

    def __getattr__(self, name):
        return getattr(self._adapters.tasks, name)

    async def save(self, task):
        if self.claimed is None:
            now = self._adapters.clock.now()
            (self.claimed,) = await self._adapters.queue.claim(
                "a worker", limit=1, now=now, provider_limits={"scripted": 9}
            )
        await self._adapters.tasks.save(task)


async def test_a_cancellation_is_not_lost_to_a_concurrent_claim():
    """The task was claimed after it was read as pending: the running task gets the cancellation."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider}, clock=ManualClock())
    repository = OvertakenRepository(adapters)
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=repository))
    task = await imagegen.submit("猫")

    requested = await imagegen.cancel_task(task_id=task.task_id)
    await imagegen.run_task(task=await adapters.tasks.get(task.task_id))

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
        requested = await imagegen.cancel_task(task_id=task.task_id)
        done = await imagegen.wait(task.task_id, timeout=10)

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
        await imagegen.cancel_task(task_id=task.task_id)
        done = await imagegen.wait(task.task_id, timeout=10)
        images = await imagegen.images(task.task_id)

    assert (TaskStatus.COMPLETED, 1) == (done.status, len(images))


async def test_no_more_calls_run_at_once_than_the_provider_takes():
    """max_concurrency holds over tasks and over the calls within them."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=2)

    async def slowly():
        await asyncio.sleep(0)

    provider.submits = [slowly for _ in range(20)]
    async with imagegen_over(provider) as imagegen:
        tasks = [await imagegen.submit(f"第 {i} 张", num=4) for i in range(5)]
        done = [await imagegen.wait(task.task_id, timeout=10) for task in tasks]

    assert {TaskStatus.COMPLETED} == {task.status for task in done}
    assert 2 == provider.most_in_flight


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

    stopped = await imagegen.adapters.tasks.get(task.task_id)
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
        while not await first.images(task.task_id):  # noqa: ASYNC110 - the second try has begun then, or does
            await asyncio.sleep(0)
        provider.submits.append(forever)
        await started.wait()
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=10)

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
        done = await second.wait(task.task_id, timeout=10)

    assert (TaskStatus.PENDING, 1) == (between.status, charged_before)
    assert (TaskStatus.COMPLETED, 3, ()) == (done.status, provider.charged, done.warnings)


async def test_a_defect_hides_no_charge_of_an_earlier_try():
    """One of two images is stored when the retry of the other meets a defect of this service."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫", num=2)
    (claimed,) = await imagegen.adapters.queue.claim(
        "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.run_task(task=claimed)

    provider.split = a_defect
    (claimed,) = await imagegen.adapters.queue.claim(
        "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.run_task(task=claimed)

    ended = await imagegen.adapters.tasks.get(task.task_id)
    assert (FailureCode.INTERNAL, True) == (ended.failure.code, ended.failure.possible_charge)


def a_defect(*_):
    raise RuntimeError("a defect")


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
        done = await second.wait(task.task_id, timeout=10)

    assert (TaskStatus.PENDING, TaskStatus.COMPLETED, 1) == (between.status, done.status, provider.charged)
    assert (["job-1", "job-1"], 1) == (provider.polled, done.attempts)


@pytest.mark.parametrize(
    ("phase", "status", "charged"),
    [
        (Phase.RESERVED, TaskStatus.COMPLETED, 1),
        (Phase.SUBMITTING, TaskStatus.FAILED, 0),
        (Phase.ACCEPTED, TaskStatus.COMPLETED, 0),
        (Phase.RECEIVED, TaskStatus.COMPLETED, 0),
    ],
)
async def test_an_attempt_is_resumed_by_its_phase_after_a_crash(phase, status, charged):
    """Reserved is sent, submitting is unknown, accepted is polled, received is decoded: never paid twice."""
    provider = ScriptedProvider(as_job=True)
    adapters = memory_adapters(providers={"scripted": provider})
    dead = imagegen_over(provider, adapters=adapters)
    task_id = await crash_in(dead, phase)

    async with imagegen_over(provider, adapters=adapters) as alive:
        task = await alive.wait(task_id, timeout=10)

    assert (status, charged, 1) == (task.status, provider.charged, task.attempts)
    if status is TaskStatus.FAILED:
        assert (FailureCode.OUTCOME_UNKNOWN, True) == (task.failure.code, task.failure.possible_charge)


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
        done = await second.wait(task.task_id, timeout=10)

    assert (TaskStatus.COMPLETED, charged, 1) == (done.status, provider.charged, done.attempts)
    assert [f"job-{n}" for n in range(1, charged + 1)] == sorted(provider.polled)


async def test_a_changed_configuration_counts_while_nothing_is_paid():
    """A call that was rejected started nothing, so the task is split again."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫", num=3)
    (claimed,) = await adapters.queue.claim("w", limit=1, now=clock.now(), provider_limits={"scripted": 9})
    await imagegen.run_task(task=claimed)
    provider.fan_out = True

    ended = await run_until_it_ended(imagegen, task, clock)

    assert (TaskStatus.COMPLETED, 3) == (ended.status, provider.charged)


@pytest.mark.parametrize(
    ("phase", "code", "charged"),
    [
        (Phase.RESERVED, FailureCode.PROVIDER_NOT_CONFIGURED, False),
        (Phase.SUBMITTING, FailureCode.OUTCOME_UNKNOWN, True),
        (Phase.ACCEPTED, FailureCode.PROVIDER_NOT_CONFIGURED, True),
    ],
)
async def test_a_provider_that_is_gone_after_a_crash_hides_no_charge(phase, code, charged):
    """The job can no longer be polled, but it may have been charged."""
    provider = ScriptedProvider(as_job=True)
    adapters = memory_adapters(providers={"scripted": provider})
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), phase)

    async with ImageGen(adapters) as without_it:
        task = await without_it.wait(task_id, timeout=10)

    assert (code, charged) == (task.failure.code, task.failure.possible_charge)


async def test_an_operator_may_choose_to_repeat_an_unknown_outcome():
    """on_unknown: retry sends a new request after a crash in the middle of one."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), Phase.SUBMITTING)

    async with imagegen_over(provider, adapters=adapters, extra_config={"on_unknown": "retry"}) as alive:
        task = await alive.wait(task_id, timeout=10)

    assert (TaskStatus.COMPLETED, 1, 2) == (task.status, provider.charged, task.attempts)


async def test_a_response_that_crashes_the_service_three_times_is_failed():
    """The fourth start fails the task instead of crashing again, and other tasks continue."""
    provider = ScriptedProvider(as_job=True)
    adapters = memory_adapters(providers={"scripted": provider})
    dead = imagegen_over(provider, adapters=adapters)
    task_id = await crash_in(dead, Phase.RECEIVED)
    for _ in range(3):
        await dead.resume_tasks(owner="another")
        await adapters.queue.claim("dead", limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9})

    await dead.resume_tasks(owner="another")

    task = await adapters.tasks.get(task_id)
    assert (TaskStatus.FAILED, FailureCode.INTERNAL, True) == (
        task.status,
        task.failure.code,
        task.failure.possible_charge,
    )


async def test_a_defect_of_ours_fails_the_task_and_the_worker_continues():
    """An exception that no adapter should raise ends its own task only."""
    provider = ScriptedProvider()
    provider.submits = [RuntimeError("a defect")]
    async with imagegen_over(provider) as imagegen:
        broken = await imagegen.submit("坏")
        fine = await imagegen.submit("好")
        first = await imagegen.wait(broken.task_id, timeout=10)
        second = await imagegen.wait(fine.task_id, timeout=10)

    assert (FailureCode.INTERNAL, True) == (first.failure.code, first.failure.possible_charge)
    assert TaskStatus.COMPLETED is second.status


async def test_a_task_waits_for_a_lost_master_key_without_wearing_out_the_disk(caplog):
    """The task is tried every five minutes, logs that, and continues once the service starts with the key."""
    adapters = memory_adapters(providers={"scripted": ScriptedProvider()}, clock=ManualClock())
    config = ProviderConfig(
        provider_name="scripted",
        kind="scripted",
        source=ConfigSource.FILE,
        api_key=Secret("", locked=True),
    )
    limits = Limits(default_provider="scripted")
    task = await imagegen_over(None, adapters=adapters).submit("猫")
    locked = ImageGen(adapters, limits=limits, file_configs={"scripted": config})
    start = adapters.clock.now()

    (claimed,) = await adapters.queue.claim("w", limit=1, now=start, provider_limits={"scripted": 1})
    await locked.run_task(task=claimed)
    waiting = await adapters.tasks.get(task.task_id)
    async with imagegen_over(None, adapters=adapters) as restarted:
        done = await restarted.wait(task.task_id, timeout=10)

    assert (TaskStatus.PENDING, timedelta(minutes=5), TaskStatus.COMPLETED) == (
        waiting.status,
        waiting.not_before - start,
        done.status,
    )
    assert "the task waits until its provider can be used" in caplog.messages


async def test_a_provider_that_is_gone_fails_its_waiting_tasks():
    """Tasks of a removed provider fail with that reason, uncharged."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    task = await imagegen_over(provider, adapters=adapters).submit("猫")
    other = ImageGen(adapters, limits=Limits(default_provider="demo"))
    async with other:
        done = await other.wait(task.task_id, timeout=10)

    assert (FailureCode.PROVIDER_NOT_CONFIGURED, False) == (done.failure.code, done.failure.possible_charge)


async def crash_in(imagegen: ImageGen, phase: Phase) -> str:
    """Leave a task as a killed process would, its only attempt in ``phase``."""
    adapters = imagegen.adapters
    task = await imagegen.submit("猫")
    now = adapters.clock.now()
    limits = {"scripted": 9, "demo": 9}
    (claimed,) = await adapters.queue.claim("dead", limit=1, now=now, provider_limits=limits)
    await adapters.tasks.save(claimed.count_attempt())
    attempt = await _reserve(imagegen, task.task_id)
    steps = {
        Phase.SUBMITTING: lambda a: a.submitting(now),
        Phase.ACCEPTED: lambda a: a.accepted(now, UpstreamJob(id="job-1", data={"n": 1})),
        Phase.RECEIVED: lambda a: a.received(now, Receipt(data={"job": "job-1"})),
    }
    for reached, step in steps.items():
        if attempt.phase is phase:
            break
        attempt = step(attempt)
        await adapters.tasks.save_attempt(attempt)
        assert reached is attempt.phase
    return task.task_id


async def _reserve(imagegen, task_id):
    adapters = imagegen.adapters
    task = await adapters.tasks.get(task_id)
    with imagegen.slots.ticket(task.provider_name) as ticket:
        run = imagegen.running.start(task, adapters.tasks, ticket)
    imagegen.running.end(task_id)
    return await imagegen.run_task.run_attempt._reserve(run, 0, None)


def test_the_first_error_that_is_shown_is_the_one_about_money():
    """Of several errors, the one that may have cost money wins."""
    from imagegen_core.tasks.attempt_outcome import most_severe

    errors = [refused(FailureCode.REJECTED), refused(FailureCode.OUTCOME_UNKNOWN)]

    assert FailureCode.OUTCOME_UNKNOWN is most_severe(errors).failure.code
    assert None is most_severe([])


def test_evolving_keeps_values_frozen():
    """Values cannot be changed in place."""
    config = ProviderConfig(provider_name="x", source=ConfigSource.FILE)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.enabled = False


async def test_a_request_that_became_impossible_while_it_waited_is_rejected():
    """A configuration may change while a task waits: a refusal is then no defect, and nothing is sent."""
    provider = ScriptedProvider()
    answers = [(lambda request: (request,)), refuse_the_size]
    provider.split = lambda request, model, config: answers.pop(0)(request)

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.FAILED, FailureCode.REJECTED, "params.size: must be at most 1") == (
        task.status,
        task.failure.code,
        task.failure.message,
    )
    assert (0, 0, False) == (task.attempts, provider.charged, task.failure.possible_charge)


def refuse_the_size(request):
    raise ValidationFailed.for_field("params.size", ProblemCode.TOO_LARGE(maximum=1))


class FullStore:
    """A memory store whose disk is full for ``failures`` puts, after ``good`` ones."""

    def __init__(self, store, failures, *, good=0):
        self._store, self.failures, self.good = store, failures, good

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def put(self, key, chunks, *, content_type):
        self.good -= 1
        if self.good < 0 < self.failures:
            self.failures -= 1
            raise StorageError("no space left")
        return await self._store.put(key, chunks, content_type=content_type)


async def run_until_it_ended(imagegen, task, clock):
    """Run a task whenever it is due, and return it."""
    adapters = imagegen.adapters
    for _ in range(4):
        while claimed := await adapters.queue.claim(
            "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
        ):
            await imagegen.run_task(task=claimed[0])
        clock.advance(100)
    return await adapters.tasks.get(task.task_id)


@pytest.mark.parametrize(
    ("failures", "status"), [(1, TaskStatus.COMPLETED), (3, TaskStatus.COMPLETED), (4, TaskStatus.FAILED)]
)
async def test_a_paid_response_waits_for_a_disk_that_is_full(failures, status):
    """Its response is spooled, so storing its images is retried three times, for free."""
    provider = ScriptedProvider()
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    adapters = attrs.evolve(adapters, blobs=FullStore(adapters.blobs, failures))
    imagegen = imagegen_over(provider, adapters=adapters)
    ended = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    assert (status, 1, 1) == (ended.status, provider.charged, ended.attempts)


@pytest.mark.parametrize(("failures", "image_count"), [(1, 3), (6, 3), (9, 1)])
async def test_a_disk_that_fills_up_between_two_images_loses_none(failures, image_count):
    """A stored image stays, the others wait with the response; those that never fit are reported."""
    provider = ScriptedProvider()
    provider.images = [png((n, n, n)) for n in range(3)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    with_thumbnail = 2
    adapters = attrs.evolve(adapters, blobs=FullStore(adapters.blobs, failures, good=with_thumbnail))
    imagegen = imagegen_over(provider, adapters=adapters)

    ended = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    images = await imagegen.images(ended.task_id)
    assert (TaskStatus.COMPLETED, 1) == (ended.status, provider.charged)
    assert list(range(image_count)) == [image.position for image in images]
    assert provider.images[:image_count] == [await imagegen.read(image) for image in images]
    assert 3 - image_count == len([w for w in ended.warnings if "storage_failed" in str(w)])


async def test_a_job_whose_response_met_a_full_disk_is_polled_again():
    """The provider still has the result, so it is neither lost nor paid for twice."""
    provider = ScriptedProvider(as_job=True)
    provider.polls = [refused(FailureCode.STORAGE_FAILED)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)

    ended = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    assert (TaskStatus.COMPLETED, 1, 1) == (ended.status, provider.charged, ended.attempts)
    assert ["job-1", "job-1"] == provider.polled


class FarStore:
    """A memory store that accepts images, but cannot be read before ``until``."""

    def __init__(self, store, clock, until):
        self._store, self._clock, self._until = store, clock, until

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def open(self, key, **bounds):
        if self._clock.now() < self._until:
            raise StorageUnreachable("no answer")
        async for chunk in self._store.open(key, **bounds):
            yield chunk


async def test_an_image_waits_for_a_store_that_does_not_give_it_back_to_be_checked():
    """An archive that is unreachable for a minute loses no image."""
    provider = ScriptedProvider()
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    store = FarStore(adapters.blobs, clock, until=clock.now() + timedelta(seconds=60))
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, blobs=store))

    ended = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    assert (TaskStatus.COMPLETED, 1) == (ended.status, provider.charged)


async def test_a_free_call_that_a_crash_interrupted_is_repeated():
    """The demo provider is free, so the call is simply repeated."""
    adapters = memory_adapters()
    dead = ImageGen(
        adapters, limits=Limits(default_provider="demo"), file_configs=in_memory().resolve.file_configs
    )
    task_id = await crash_in(dead, Phase.SUBMITTING)

    async with ImageGen(adapters, file_configs=dead.resolve.file_configs) as alive:
        task = await alive.wait(task_id, timeout=10)

    assert (TaskStatus.COMPLETED, 2) == (task.status, task.attempts)


class ArrivingProvider(ScriptedProvider):
    """A provider whose response has started and completes after ``turns`` of the event loop, or never."""

    def __init__(self, *, turns=None, error=None, **more):
        super().__init__(**more)
        self.response_started = asyncio.Event()
        self._turns, self._error = turns, error

    async def submit(self, call, exchange):
        answer = await super().submit(call, exchange)
        exchange.mark_response_started()
        self.response_started.set()
        if self._turns is None:
            await asyncio.Event().wait()
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return answer


async def stopped_while_it_arrives(provider, **params):
    """Stop without a grace time while a response is arriving; return the façade and the task."""
    imagegen = imagegen_over(provider)
    async with imagegen:
        task = await imagegen.submit("猫", **params)
        await provider.response_started.wait()
    return imagegen, await imagegen.adapters.tasks.get(task.task_id)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 50])
@pytest.mark.parametrize("as_job", [True, False], ids=["job", "direct"])
async def test_a_response_that_arrives_as_the_grace_time_ends_is_stored(as_job, turns):
    """It is stored, and the next start continues from it, so that nothing is paid for in vain."""
    provider = ArrivingProvider(as_job=as_job, turns=turns)

    imagegen, stopped = await stopped_while_it_arrives(provider)
    (attempt,) = await imagegen.adapters.tasks.attempts(stopped.task_id)
    async with imagegen_over(provider, adapters=imagegen.adapters) as second:
        done = await second.wait(stopped.task_id, timeout=10)

    assert (Charge.CERTAIN, None) == (attempt.charge, attempt.failure)
    assert (TaskStatus.COMPLETED, 1) == (done.status, provider.charged)


async def test_a_refusal_that_arrives_while_the_grace_time_ends_is_believed():
    """The response proves that nothing was started: the next start sends the request."""
    provider = ArrivingProvider(turns=3, error=refused(FailureCode.RATE_LIMITED, not_started=True))

    imagegen, stopped = await stopped_while_it_arrives(provider)
    (attempt,) = await imagegen.adapters.tasks.attempts(stopped.task_id)

    assert (TaskStatus.PENDING, Phase.FAILED, Charge.NONE) == (stopped.status, attempt.phase, attempt.charge)


async def test_a_response_that_never_completes_does_not_block_a_stop(monkeypatch):
    """After the grace time its outcome is unknown."""
    monkeypatch.setattr("imagegen_core.execution.arriving_responses.RESPONSE_GRACE_SECONDS", 0.01)

    _, stopped = await stopped_while_it_arrives(ArrivingProvider())

    assert (TaskStatus.FAILED, FailureCode.OUTCOME_UNKNOWN) == (stopped.status, stopped.failure.code)


@pytest.mark.parametrize("as_job", [True, False], ids=["job", "direct"])
async def test_a_received_response_survives_a_stop_at_any_point(as_job):
    """The call has ended, and its run is cancelled before the response is stored."""
    provider = ScriptedProvider(as_job=as_job)
    answered, slow = asyncio.Event(), asyncio.Event()
    adapters = memory_adapters(providers={"scripted": provider})

    class SlowRepository:
        """Takes its time over the write that makes an answer durable; a cancelled one is not made."""

        def __getattr__(self, name):
            return getattr(adapters.tasks, name)

        async def save_attempt(self, attempt, images=()):
            if attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED) and not slow.is_set():
                slow.set()
                answered.set()
                await asyncio.Event().wait()
            return await adapters.tasks.save_attempt(attempt, images)

    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=SlowRepository()))
    async with imagegen:
        task = await imagegen.submit("猫")
        await answered.wait()
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=10)

    assert (TaskStatus.COMPLETED, 1) == (done.status, provider.charged)


async def test_a_response_that_arrives_during_the_time_out_is_stored(monkeypatch):
    """A late response has been paid for nevertheless."""
    monkeypatch.setattr("imagegen_core.use_cases.send_call.SUBMIT_SLACK_SECONDS", -59.99)
    provider = ArrivingProvider()
    arrived = asyncio.Event()

    async def a_little_late():
        asyncio.get_running_loop().call_later(0.05, arrived.set)

    async def submit(call, exchange):
        answer = await ScriptedProvider.submit(provider, call, exchange)
        exchange.mark_response_started()
        await arrived.wait()
        return answer

    provider.submits, provider.submit = [a_little_late], submit

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.COMPLETED, 1) == (task.status, provider.charged)


class LogWatch(logging.Handler):
    """Lets a test wait for a log message."""

    def __init__(self, logger):
        super().__init__(logging.INFO)
        self._messages, self._changed, self._logger = [], asyncio.Event(), logging.getLogger(logger)

    def emit(self, record):
        self._messages.append(record.getMessage())
        self._changed.set()

    async def until_logged(self, message):
        while message not in self._messages:
            self._changed.clear()
            await self._changed.wait()

    def __enter__(self):
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_):
        self._logger.removeHandler(self)


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
@pytest.mark.parametrize("as_job", [True, False], ids=["job", "direct"])
async def test_a_response_that_is_waited_for_survives_a_stop_as_well(as_job, turns, monkeypatch, caplog):
    """The call had timed out, its response was arriving, and then the service stopped."""
    monkeypatch.setattr("imagegen_core.use_cases.send_call.SUBMIT_SLACK_SECONDS", -59.99)
    caplog.set_level(logging.INFO)
    provider, stopping = ScriptedProvider(as_job=as_job), LogWatch("imagegen_core.worker")

    async def submit(call, exchange):
        answer = await ScriptedProvider.submit(provider, call, exchange)
        exchange.mark_response_started()
        await stopping.until_logged("waiting for running tasks")
        for _ in range(turns):
            await asyncio.sleep(0)
        return answer

    provider.submit = submit
    imagegen = imagegen_over(provider)
    with stopping, LogWatch("imagegen_core.execution.arriving_responses") as waiting:
        async with imagegen:
            task = await imagegen.submit("猫")
            await waiting.until_logged("waiting for a response that has started")
    async with imagegen_over(provider, adapters=imagegen.adapters) as second:
        done = await second.wait(task.task_id, timeout=10)

    assert (TaskStatus.COMPLETED, 1) == (done.status, provider.charged)


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
    events = imagegen.adapters.events
    async with imagegen:
        task = await imagegen.submit("猫", num=2)
        async for event in events.subscribe(task.task_id):
            if event.kind is EventKind.IMAGE:
                break
    async with imagegen_over(provider, adapters=imagegen.adapters) as second_run:
        done = await second_run.wait(task.task_id, timeout=10)
        kinds = [event.kind async for event in events.subscribe(task.task_id)]

    assert (TaskStatus.COMPLETED, 0, 2) == (done.status, done.recoveries, kinds.count(EventKind.IMAGE))


async def _at_once():
    """Answer."""
