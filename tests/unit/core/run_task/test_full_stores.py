"""A paid response waits for a store that is full or cannot be reached."""

from collections import Counter
from datetime import timedelta
from functools import partial

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import Phase
from imagegen_core.errors import CallError, StorageError, StorageUnreachable
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import (
    crash_in,
    imagegen_over,
    refused,
    resume,
    run_until_it_ended,
)
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


class FullStore:
    """A memory store whose disk is full for ``failures`` puts, after ``good`` ones; ``error`` is another."""

    def __init__(self, store, failures, *, good=0):
        self._store, self.failures, self.good = store, failures, good
        self.error = StorageError("no space left")

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def put(self, *key_and_chunks, **more):
        self.good -= 1
        if self.good < 0 < self.failures:
            self.failures -= 1
            raise self.error
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


@pytest.mark.parametrize(("failures", "image_count"), [(1, 3), (6, 3), (8, 1)])
async def test_a_disk_that_fills_up_between_two_images_loses_none(failures, image_count):
    """A stored image stays, the others wait with the response; those that never fit are reported."""
    provider = ScriptedProvider()
    provider.images = [png((n, n, n)) for n in range(3)]
    clock = ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    adapters = attrs.evolve(adapters, blobs=FullStore(adapters.blobs, failures, good=1))
    imagegen = imagegen_over(provider, adapters=adapters)

    ended = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    images = await imagegen.parts.images.of_task(ended.task_id)
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


FINE, DEAD = None, "its process dies"
AWAY, FULL = StorageUnreachable("no answer"), StorageError("no space left")
CUT = CallError(FailureCode.DOWNLOAD_FAILED, "reset", is_transient=True)


async def tried(*tries, is_cancelled=False):
    """Return a task whose process died over a response, and what it cost, after these tries to store it.

    ``is_cancelled``: its caller does that in the first of them.
    """
    provider, clock = ScriptedProvider(), ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    store = FullStore(adapters.blobs, 0)
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, blobs=store))
    task_id = await crash_in(imagegen, Phase.RECEIVED)
    for each in tries:
        await resume(imagegen, "another")
        clock.advance(100)
        claimed = await adapters.queue.claim("w", limit=1, now=clock.now(), provider_limits={"scripted": 9})
        if not claimed:
            break
        if is_cancelled and not claimed[0].cancel_requested:
            await imagegen.tasks.cancel(task_id=task_id)
        if each is CUT:
            provider.collects = [each]
        if each in (AWAY, FULL):
            store.failures, store.error = 1, each
        if each is not DEAD:
            await imagegen.runner.run(claimed[0])
    await resume(imagegen, "another")
    return await adapters.tasks.get(task_id), provider.charged


@pytest.mark.parametrize(
    "tries",
    [
        [AWAY] * 40,
        [AWAY] * 4 + [DEAD] * 2,
        [DEAD] * 2 + [AWAY] * 4,
        [FULL] * 3 + [DEAD] * 2,
        [DEAD] * 2 + [FULL] * 3,
        [CUT] * 3 + [DEAD] * 2,
        [DEAD] * 2 + [CUT] * 3,
        [AWAY, FULL, AWAY, FULL, DEAD, CUT, AWAY, DEAD, AWAY],
    ],
)
async def test_a_store_that_is_away_says_nothing_about_a_response(tries):
    """Nor does one that is full say that the response crashes its process, whichever comes first."""
    task, charged = await tried(*tries, FINE)

    assert (TaskStatus.COMPLETED, 0) == (task.status, charged)


@pytest.mark.parametrize(
    ("tries", "code"),
    [
        ([DEAD] * 3, FailureCode.INTERNAL),
        ([AWAY, DEAD, FULL, DEAD, AWAY, DEAD], FailureCode.INTERNAL),
        ([FULL] * 4, FailureCode.STORAGE_FAILED),
        ([AWAY, FULL] * 4, FailureCode.STORAGE_FAILED),
        ([DEAD, DEAD, AWAY, CUT, CUT, CUT, CUT], FailureCode.DOWNLOAD_FAILED),
    ],
)
async def test_a_response_that_always_fails_comes_to_its_end(tries, code):
    """After three times of one kind, whatever happens in between."""
    task, charged = await tried(*tries, FINE)

    assert (code, True, 0) == (task.failure.code, task.failure.possible_charge, charged)


async def test_a_cancelled_task_does_not_wait_for_a_store_as_long_as_that_takes():
    """It ends as one whose store is full, and says that it may have been charged."""
    task, _ = await tried(*[AWAY] * 9, is_cancelled=True)

    assert (TaskStatus.CANCELLED, True, 3) == (
        task.status,
        task.failure.possible_charge,
        task.store_failures,
    )


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


@pytest.mark.parametrize("as_job", [False, True])
@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize("way", ["one", "many"])
async def test_a_deleted_image_stays_deleted_while_others_are_fetched(way, crashes, as_job):
    """It is neither fetched nor stored again, also by a process that knows what is on disk alone."""
    provider, clock = SeveralDownloads(as_job=as_job), ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫")
    await run_once(imagegen)
    first, third = await imagegen.parts.images.of_task(task.task_id)

    if way == "one":
        await imagegen.gallery.delete_one(image_id=first.id)
    else:
        await imagegen.gallery.delete(image_ids=[first.id])
    provider.is_broken = False
    if crashes:
        imagegen = imagegen_over(provider, adapters=adapters)
    ended = await run_until_it_ended(imagegen, task, clock)

    images = await imagegen.parts.images.of_task(task.task_id)
    assert (TaskStatus.COMPLETED, 1) == (ended.status, provider.charged)
    assert [1, 2] == [image.position for image in images]
    assert third in images
    assert {0: 1, 1: 4, 2: 1} == provider.downloads


async def test_all_that_were_deleted_leave_a_task_without_images():
    """What was made and deleted is no failure, if the last one cannot be had."""
    provider, clock = SeveralDownloads(), ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    imagegen = imagegen_over(provider, adapters=adapters)
    task = await imagegen.submit("猫")
    await run_once(imagegen)
    await imagegen.gallery.delete(
        image_ids=[image.id for image in await imagegen.parts.images.of_task(task.task_id)]
    )

    ended = await run_until_it_ended(imagegen, task, clock)

    assert (TaskStatus.COMPLETED, ()) == (ended.status, await imagegen.parts.images.of_task(task.task_id))
    assert "download_failed" in str(ended.warnings[0])


class SeveralDownloads(ScriptedProvider):
    """Three images, of which the second cannot be downloaded while ``is_broken``."""

    def __init__(self, **options):
        super().__init__(**options)
        self.is_broken = True
        self.downloads = Counter()

    async def collect(self, call, receipt, exchange):
        return ProviderResult(
            images=tuple(GeneratedImage(chunks=partial(self._download, position)) for position in range(3))
        )

    async def _download(self, position):
        self.downloads[position] += 1
        if position == 1 and self.is_broken:
            raise CallError(FailureCode.DOWNLOAD_FAILED, "broken", is_transient=True)
        yield png((position, 0, 0))


async def run_once(imagegen):
    adapters = imagegen.parts
    (task,) = await adapters.queue.claim(
        "w", limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9}
    )
    await imagegen.runner.run(task)
