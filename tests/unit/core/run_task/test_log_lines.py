"""What the log says of a task."""

import logging

import attrs
import pytest

from imagegen_core import FailureCode
from imagegen_core.attempt import Receipt
from imagegen_core.task import MAX_RECOVERIES
from tests.contracts.samples import an_attempt
from tests.unit.core.scripted_imagegen import imagegen_over, outcome, refused, resume
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


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


async def test_the_log_counts_the_images_of_all_runs(caplog):
    """One image is stored before the task is requeued, and one after."""
    provider = ScriptedProvider(fan_out=True)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]

    with caplog.at_level(logging.INFO):
        task = await outcome(imagegen_over(provider), num=2)

    (requeued,) = [r for r in caplog.records if r.message == "the task waits for another try"]
    (line,) = [r for r in caplog.records if r.message == "the task is completed"]
    assert (task.task_id, task.task_id, 2) == (requeued.task_id, line.task_id, line.images)


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
        await imagegen.tasks.cancel(task_id=task.task_id)

    (line,) = [r for r in caplog.records if r.message == "the task failed or was cancelled"]
    assert (task.task_id, "cancelled", 0) == (line.task_id, line.error, line.images)


async def test_a_task_that_a_start_fails_leaves_a_log_line(caplog):
    """Its response crashed the service several times, and was paid for."""
    imagegen = imagegen_over(ScriptedProvider())
    adapters, task = imagegen.parts, await imagegen.submit("猫")
    now = adapters.clock.now()
    (claimed,) = await adapters.queue.claim("dead", limit=1, now=now, provider_limits={"scripted": 1})
    await adapters.tasks.save(claimed.fence, task=attrs.evolve(claimed, recoveries=MAX_RECOVERIES))
    reserved = an_attempt(claimed)
    received = reserved.submitting(now).received(now, Receipt())
    await adapters.tasks.save(claimed.fence, attempts=(received,))

    with caplog.at_level(logging.INFO):
        await resume(imagegen, "alive")

    (line,) = [r for r in caplog.records if r.message == "the task failed or was cancelled"]
    assert (task.task_id, "internal", 0) == (line.task_id, line.error, line.images)
