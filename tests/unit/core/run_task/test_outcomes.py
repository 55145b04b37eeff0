"""How a task ends, for every way in which its calls can end."""

from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, ImageGen, Limits, TaskStatus
from imagegen_core.attempt import Charge, Phase
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import ProblemCode, WarningCode
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import imagegen_over, outcome, refused
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


async def test_a_synchronous_call_ends_as_a_stored_image():
    """One call, one charge, one image, and an attempt in its final phase."""
    provider = ScriptedProvider()
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    images = await imagegen.parts.images.of_task(task.task_id)
    attempts = await imagegen.parts.tasks.attempts(task.task_id)
    assert (TaskStatus.COMPLETED, 1, 1, 1.0) == (task.status, task.attempts, provider.charged, task.progress)
    assert png() == await imagegen.read(images[0])
    assert [(Phase.STORED, Charge.CERTAIN)] == [(a.phase, a.charge) for a in attempts]


@pytest.mark.parametrize(
    "value",
    ["x" * 66_000, "猫" * 22_000, [0.5] * 4000, {str(i): None for i in range(20_000)}, [[]] * 40_000],
)
async def test_metadata_is_bounded(value):
    """What is over is dropped, and the task says so; the image and all else of it is stored."""
    provider = ScriptedProvider()
    provider.metadata = {"seed": 1, "usage": value, "note": "a"}
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    (image,) = await imagegen.parts.images.of_task(task.task_id)
    assert {"seed": 1, "note": "a"} == image.metadata
    assert [WarningCode.METADATA_DROPPED(names=("usage",))] == list(task.warnings)


async def test_long_metadata_of_a_call_is_stored_once():
    """Its images share what is short."""
    provider = ScriptedProvider()
    provider.images = [png(), png()]
    provider.metadata = {"seed": 1, "usage": "x" * 2000}
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=2)

    first, second = await imagegen.parts.images.of_task(task.task_id)
    assert ({"seed": 1, "usage": "x" * 2000}, {"seed": 1}) == (first.metadata, second.metadata)
    assert () == tuple(task.warnings)


async def test_an_accepted_job_is_polled_by_its_id():
    """The job's id is stored before the first poll and used by it."""
    provider = ScriptedProvider(as_job=True)
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    (attempt,) = await imagegen.parts.tasks.attempts(task.task_id)
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


async def test_several_calls_each_have_their_own_attempt():
    """Three images from a provider without a count are three calls, three charges, three attempts."""
    provider = ScriptedProvider(fan_out=True)
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    attempts = await imagegen.parts.tasks.attempts(task.task_id)
    assert (3, 3, [0, 1, 2]) == (
        provider.charged,
        len(await imagegen.parts.images.of_task(task.task_id)),
        sorted(a.part for a in attempts),
    )


async def test_a_partial_success_has_its_images_and_warnings_of_missing_ones():
    """If two of three calls yield an image, the task completes with a warning."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.CONTENT_POLICY)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen, num=3)

    assert (TaskStatus.COMPLETED, 2) == (task.status, len(await imagegen.parts.images.of_task(task.task_id)))
    assert "content_policy" in str(task.warnings[0])


async def test_bytes_that_are_no_image_leave_nothing_behind():
    """HTML instead of an image fails the task and leaves no file."""
    provider = ScriptedProvider()
    provider.images = [b"<html>not an image</html>"]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    keys = [key async for key in imagegen.parts.blobs.keys("")]
    assert (FailureCode.INVALID_IMAGE, True, []) == (task.failure.code, task.failure.possible_charge, keys)


async def test_a_cut_image_leaves_nothing_behind():
    """A truncated PNG is rejected after it was stored, and removed again."""
    provider = ScriptedProvider()
    provider.images = [png()[:60]]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    keys = [key async for key in imagegen.parts.blobs.keys("")]
    assert (FailureCode.INVALID_IMAGE, []) == (task.failure.code, keys)


async def test_a_defect_hides_no_charge_of_an_earlier_try():
    """One of two images is stored when the retry of the other meets a defect of this service."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫", num=2)
    (claimed,) = await imagegen.parts.queue.claim(
        "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.runner.run(claimed)

    provider.split = a_defect
    (claimed,) = await imagegen.parts.queue.claim(
        "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.runner.run(claimed)

    ended = await imagegen.parts.tasks.get(task.task_id)
    assert (FailureCode.INTERNAL, True) == (ended.failure.code, ended.failure.possible_charge)


def a_defect(*_):
    raise RuntimeError("a defect")


async def test_a_defect_of_ours_fails_the_task_and_the_worker_continues():
    """An exception that no adapter should raise ends its own task only."""
    provider = ScriptedProvider()
    provider.submits = [RuntimeError("a defect")]
    async with imagegen_over(provider) as imagegen:
        broken = await imagegen.submit("坏")
        fine = await imagegen.submit("好")
        first = await imagegen.wait(broken.task_id, timeout=60)
        second = await imagegen.wait(fine.task_id, timeout=60)

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
    await locked.runner.run(claimed)
    waiting = await adapters.tasks.get(task.task_id)
    async with imagegen_over(None, adapters=adapters) as restarted:
        done = await restarted.wait(task.task_id, timeout=60)

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
        done = await other.wait(task.task_id, timeout=60)

    assert (FailureCode.PROVIDER_NOT_CONFIGURED, False) == (done.failure.code, done.failure.possible_charge)


def test_the_first_error_that_is_shown_is_the_one_about_money():
    """Of several errors, the one that may have cost money wins."""
    from imagegen_core.attempt import most_severe

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


@pytest.mark.parametrize(
    ("params", "warnings", "is_announced"),
    [
        ({"width": 8, "height": 8}, (), True),
        ({"width": 16, "height": 8}, (), False),
        ({"width": 16}, (), True),
        ({}, (), True),
        ({"width": 16, "height": 8}, ("size 16x8 was sent as 8x8",), False),
        ({"width": 16, "height": 8}, (WarningCode.OTHER_SIZE(requested="16x8", size="9x9"),), True),
        (
            {"width": 16, "height": 8},
            (WarningCode.STATUS_SINCE(status=("height", "width"), date="x"),),
            True,
        ),
    ],
)
@pytest.mark.parametrize("fan_out", [False, True])
async def test_other_pixels_than_were_asked_for_are_a_warning(params, warnings, is_announced, fan_out):
    """Once for the whole task, unless its provider says so itself."""
    provider = ScriptedProvider(fan_out=fan_out)
    provider.images = [png(), png((1, 2, 3)), png(size=(9, 9))]
    provider.warnings = warnings
    if is_announced and params.get("height") == 8 and params["width"] == 8:
        provider.images = [png()]

    task = await outcome(imagegen_over(provider), num=2, **params)

    messages = [str(warning) for warning in task.warnings]
    expected = [] if is_announced else ["size 16x8 was asked for, 8x8 came"]
    assert [*map(str, warnings), *expected] == messages


async def test_a_provider_that_was_asked_to_enlarge_warns_of_nothing():
    """It knows what it was asked for."""
    provider = ScriptedProvider()
    provider.keeps_size = False

    task = await outcome(imagegen_over(provider), width=16, height=8)

    assert () == task.warnings
