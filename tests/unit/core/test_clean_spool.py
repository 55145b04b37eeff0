"""Spooled files are removed once nothing needs them any more, and not before."""

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, Operation
from imagegen_core.errors import BlobMissing
from imagegen_core.services.upkeep import Stores
from tests.contracts.clock import ManualClock
from tests.contracts.samples import content, pieces
from tests.unit.core.scripted_imagegen import imagegen_over, refused
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock():
    return ManualClock()


async def clean(adapters, *, at_start=False, keep_inputs=False):
    await Stores(parts=adapters, keep_inputs=keep_inputs).clean(at_start=at_start)


async def folders_after_cleaning(adapters, folder, *, age=0.0, **options):
    await adapters.spool.put(folder, "file", pieces(b"x"), max_bytes=1)
    adapters.clock.advance(age)
    await clean(adapters, **options)
    return await adapters.spool.folders(older_than_seconds=0)


async def ended(clock, failure=None, **inputs):
    provider = ScriptedProvider()
    provider.submits = [refused(failure)] if failure else []
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    operation = Operation.EDIT if inputs else Operation.GENERATE
    async with imagegen_over(provider, adapters=adapters) as imagegen:
        task = await imagegen.submit("猫", operation=operation, **inputs)
        await imagegen.wait(task.task_id, timeout=60)
    return adapters, task.task_id


async def test_a_waiting_tasks_inputs_stay(clock):
    """The task needs them when it runs, however long it waits."""
    adapters = memory_adapters(providers={"scripted": ScriptedProvider()}, clock=clock)
    task = await imagegen_over(ScriptedProvider(), adapters=adapters).submit("猫")

    assert (task.task_id,) == await folders_after_cleaning(adapters, task.task_id, age=1e9, at_start=True)


async def test_a_completed_tasks_files_go(clock):
    """A crash may have left them behind."""
    adapters, task_id = await ended(clock)

    assert () == await folders_after_cleaning(adapters, task_id)


@pytest.mark.parametrize(("age", "stays"), [(0.0, True), (6 * 86400.0, True), (8 * 86400.0, False)])
async def test_a_failed_tasks_inputs_stay_for_a_week(clock, age, stays):
    """They are kept so that the task can be retried."""
    adapters, task_id = await ended(clock, FailureCode.REJECTED)

    assert ((task_id,) if stays else ()) == await folders_after_cleaning(adapters, task_id, age=age)


@pytest.mark.parametrize("failure", [None, FailureCode.REJECTED])
async def test_inputs_that_a_crash_has_left_are_kept(clock, failure):
    """However old they are and however the task ended, if inputs are kept; the setting may be new."""
    adapters, task_id = await ended(clock, failure, image=png())
    await adapters.spool.remove(task_id)
    for name in ("image", "of-nobody"):
        await adapters.spool.put(task_id, name, pieces(b"x"), max_bytes=1)
    clock.advance(8 * 86400.0)

    await clean(adapters, keep_inputs=True)

    assert ((), {task_id}) == (
        await adapters.spool.folders(older_than_seconds=0),
        await adapters.spool.holds([task_id]),
    )
    assert b"x" == await content(adapters.spool, task_id, "image")
    with pytest.raises(BlobMissing):
        await content(adapters.spool, task_id, "of-nobody")


async def test_what_was_kept_stays_when_it_is_no_longer_to_be(clock):
    """Whoever switches it off wants no more of them; those that are there have a task that shows them."""
    adapters, task_id = await ended(clock, image=png())
    clock.advance(1e9)

    await clean(adapters, keep_inputs=False, at_start=True)

    assert {task_id} == await adapters.spool.holds([task_id])


async def test_an_ended_tasks_answers_go_at_once(clock):
    """A retry needs only inputs."""
    adapters, task_id = await ended(clock, FailureCode.REJECTED)

    assert () == await folders_after_cleaning(adapters, f"{task_id}.attempt")


@pytest.mark.parametrize(
    ("age", "at_start", "stays"), [(0.0, False, True), (0.0, True, False), (3700.0, False, False)]
)
async def test_files_without_a_task_may_be_of_a_submission(clock, age, at_start, stays):
    """They stay for an hour, except at the start of the service."""
    adapters = memory_adapters(clock=clock)

    assert (("unknown",) if stays else ()) == await folders_after_cleaning(
        adapters, "unknown", age=age, at_start=at_start
    )
