"""A paid image that cannot be inspected or fetched now is tried again later."""

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES
from imagegen_core.errors import Unavailable
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.requests import Operation
from imagegen_core.services.upkeep import RETENTION_SECONDS, Stores
from imagegen_core.task import Submission
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import imagegen_over, run_until_it_ended
from tests.unit.core.scripted_provider import ScriptedProvider, SpoolingProvider, png
from tests.unit.core.test_store_image import BrokenDownload, KilledInspector

pytestmark = pytest.mark.anyio


@attrs.define
class Outcome:
    task: object
    provider: SpoolingProvider
    adapters: object
    images: list
    answers: tuple


async def answers_of(adapters, task):
    """Return the responses that are still there, in the spool or with an attempt."""
    attempts = await adapters.tasks.attempts(task.task_id)
    folders = await adapters.spool.folders(older_than_seconds=0)
    return (*folders, *(a.response for a in attempts if a.response is not None))


async def outcome_of(times, size):
    """Run a task whose decoder is killed ``times`` times; ``size`` is that of the response."""
    provider, clock = SpoolingProvider(size), ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    adapters = attrs.evolve(adapters, inspect=KilledInspector(times))
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)
    await Stores(parts=adapters).clean()
    images = [key async for key in adapters.blobs.keys("") if not key.endswith(".webp")]
    return Outcome(task, provider, adapters, images, await answers_of(adapters, task))


@pytest.fixture(params=[MAX_INLINE_RESPONSE_BYTES, MAX_INLINE_RESPONSE_BYTES + 1], ids=["inline", "spooled"])
def size(request):
    """Return the size of a response that is stored with its attempt, and of one that is not."""
    return request.param


@pytest.mark.parametrize("times", [1, 3])
async def test_it_is_inspected_again_where_it_is(times, size):
    """The task completes, is paid for once, and its response is read once."""
    outcome = await outcome_of(times, size)

    assert (TaskStatus.COMPLETED, 1, 1) == (
        outcome.task.status,
        outcome.provider.charged,
        outcome.provider.read,
    )
    assert (1, ()) == (len(outcome.images), outcome.answers)


async def test_one_that_is_failed_stays_on_the_disk_with_its_response(size):
    """After four tries the task fails, and the failure names the image's key."""
    outcome = await outcome_of(4, size)

    assert (TaskStatus.FAILED, FailureCode.STORAGE_FAILED, True) == (
        outcome.task.status,
        outcome.task.failure.code,
        outcome.task.failure.possible_charge,
    )
    (key,) = outcome.images
    assert (True, 1) == (key in outcome.task.failure.message, len(outcome.answers))


@pytest.mark.parametrize(("age", "count"), [(RETENTION_SECONDS - 500, 1), (RETENTION_SECONDS + 1, 0)])
async def test_the_response_is_removed_after_a_week(size, age, count):
    """An operator has had a week to recover it."""
    outcome = await outcome_of(4, size)
    adapters = outcome.adapters
    adapters.clock.advance(age)

    await Stores(parts=adapters).clean()

    assert count == len(await answers_of(adapters, outcome.task))


@pytest.mark.parametrize(
    ("is_transient", "failures", "status"),
    [(True, 11, TaskStatus.COMPLETED), (True, 12, TaskStatus.FAILED), (False, 3, TaskStatus.FAILED)],
)
async def test_an_image_that_the_network_withholds_is_fetched_later(is_transient, failures, status):
    """Three tries, and three more each after 5, 20 and 80 seconds; an HTTP status ends it."""
    provider, clock = ScriptedProvider(), ManualClock()
    source = BrokenDownload(status=None, failures=failures, is_transient=is_transient)

    async def collect(call, receipt, exchange):
        return ProviderResult(images=(GeneratedImage(chunks=source.chunks),))

    provider.collect = collect
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    assert (status, 1) == (task.status, provider.charged)
    assert min(failures + 1, 12 if is_transient else 3) == source.downloads


async def test_an_image_that_is_gone_loses_no_other_that_can_still_be_fetched():
    """The second image is fetched later; only the first is missing."""
    provider, clock = ScriptedProvider(), ManualClock()
    gone = BrokenDownload(status=404)
    late = BrokenDownload(status=None, failures=3, is_transient=True)

    async def collect(call, receipt, exchange):
        return ProviderResult(images=(GeneratedImage(chunks=gone.chunks), GeneratedImage(chunks=late.chunks)))

    provider.collect = collect
    imagegen = imagegen_over(
        provider, adapters=memory_adapters(providers={"scripted": provider}, clock=clock)
    )
    task = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)
    images = await imagegen.parts.images.of_task(task.task_id)

    assert (TaskStatus.COMPLETED, 1, [1]) == (task.status, provider.charged, [i.position for i in images])
    assert 1 == len(task.warnings)


async def test_an_input_that_cannot_be_inspected_now_is_not_called_invalid():
    """The caller is asked to try again, and nothing is left behind."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    adapters = attrs.evolve(adapters, inspect=KilledInspector(1))
    imagegen = imagegen_over(provider, adapters=adapters)
    submission = Submission(operation=Operation.UPSCALE, provider_name="scripted", image=png())

    with pytest.raises(Unavailable, match="image could not be checked now"):
        await imagegen.tasks.submit(submission)
    folders = await adapters.spool.folders(older_than_seconds=0)
    added = await imagegen.tasks.submit(submission)

    assert ((), TaskStatus.PENDING) == (folders, added.task.status)
