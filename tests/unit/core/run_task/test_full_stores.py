"""A paid response waits for a store that is full or cannot be reached."""

from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.errors import StorageError, StorageUnreachable
from tests.unit.core.scripted_imagegen import imagegen_over, refused, run_until_it_ended
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


class FullStore:
    """A memory store whose disk is full for ``failures`` puts, after ``good`` ones."""

    def __init__(self, store, failures, *, good=0):
        self._store, self.failures, self.good = store, failures, good

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def put(self, *key_and_chunks, **more):
        self.good -= 1
        if self.good < 0 < self.failures:
            self.failures -= 1
            raise StorageError("no space left")
        return await self._store.put(*key_and_chunks, **more)


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
    too_large_for_memory = bytes(100_000)
    provider.images = [png() + too_large_for_memory]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    store = FarStore(adapters.blobs, clock, until=clock.now() + timedelta(seconds=60))
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, blobs=store))

    ended = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    assert (TaskStatus.COMPLETED, 1) == (ended.status, provider.charged)
