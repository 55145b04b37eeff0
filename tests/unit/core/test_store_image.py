"""Images on their way to the store: how many at once, and how often one is asked for."""

import asyncio
from hashlib import sha256

import attrs
import pytest

from imagegen_adapters.blob_stores.memory import MemoryBlobStore
from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.image_inspectors.in_thread import ThreadInspector
from imagegen_adapters.image_labels.memory import MemoryImageLabel, produce_id_in
from imagegen_adapters.testing.samples import NOW, a_task, an_attempt
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.image_inspector import InspectorUnavailable
from imagegen_core.ports.provider import GeneratedImage
from imagegen_core.use_cases.store_image import MAX_STREAMS, StoreImage
from tests.fakes.images import png

pytestmark = pytest.mark.anyio


class Sources:
    """Images that stay under way until they are released."""

    def __init__(self):
        self.open = self.most_open = self.begun = 0
        self.full, self.released = asyncio.Event(), asyncio.Event()

    async def chunks(self):
        self.open += 1
        self.begun += 1
        self.most_open = max(self.most_open, self.open)
        if self.open == MAX_STREAMS:
            self.full.set()
        await self.released.wait()
        yield png()
        self.open -= 1


async def test_no_more_than_so_many_are_under_way_at_once():
    """The others wait for their turn, and all of them are kept."""
    sources, store = Sources(), MemoryBlobStore()
    keep = StoreImage(blobs=store, inspector=ThreadInspector(), clock=ManualClock(NOW))
    tasks = [a_task() for _ in range(2 * MAX_STREAMS + 1)]
    keeping = [
        asyncio.create_task(
            keep(image=GeneratedImage(chunks=sources.chunks), position=0, task=task, attempt=an_attempt(task))
        )
        for task in tasks
    ]
    await sources.full.wait()
    begun = sources.begun
    sources.released.set()
    images = await asyncio.gather(*keeping)

    assert (MAX_STREAMS, MAX_STREAMS) == (begun, sources.most_open)
    assert {task.task_id for task in tasks} == {image.task_id for image in images}
    assert 2 * len(tasks) == len(store.blobs)


@attrs.define
class BrokenDownload:
    """A result that fails a number of times, always alike, before it comes."""

    status: int | None
    failures: int = 99
    is_transient: bool = False
    begun: int = 0

    async def chunks(self):
        self.begun += 1
        yield png()[:20]
        if self.begun <= self.failures:
            raise CallError(
                FailureCode.DOWNLOAD_FAILED,
                "it broke off",
                upstream_status=self.status,
                is_transient=self.is_transient,
            )
        yield png()[20:]


async def kept(source):
    store = MemoryBlobStore()
    keep = StoreImage(blobs=store, inspector=ThreadInspector(), clock=ManualClock(NOW))
    task = a_task()
    image = GeneratedImage(chunks=source.chunks)
    try:
        await keep(image=image, position=0, task=task, attempt=an_attempt(task))
    except CallError as error:
        return error.failure.code, len(store.blobs)
    return None, len(store.blobs)


@pytest.mark.parametrize(
    ("source", "begun"),
    [
        (BrokenDownload(status=None), 3),
        (BrokenDownload(status=500), 3),
        *[(BrokenDownload(status=status), 1) for status in (401, 403, 404, 410)],
        (BrokenDownload(status=403, is_transient=True), 3),
    ],
)
async def test_a_download_that_fails_is_begun_again_unless_the_result_is_gone(source, begun):
    """Three times in all: downloading is free. What fails in the end leaves nothing behind."""
    outcome = await kept(source)

    assert ((FailureCode.DOWNLOAD_FAILED, 0), begun) == (outcome, source.begun)


async def test_a_download_that_broke_off_is_whole_in_the_end():
    """The second one counts, from its first byte."""
    source = BrokenDownload(status=None, failures=1)

    assert ((None, 2), 2) == (await kept(source), source.begun)


class KilledInspector:
    """An inspector whose decoder is ended from outside for the first so many images."""

    def __init__(self, times):
        self.times, self._inspector = times, ThreadInspector()

    async def inspect(self, chunks):
        self.times -= 1
        if self.times >= 0:
            async for _ in chunks:
                pass
            raise InspectorUnavailable("it was killed")
        return await self._inspector.inspect(chunks)


async def test_an_image_that_could_not_be_checked_is_checked_again_where_it_is():
    """Its second try asks its source for nothing, and the record is what the first would have made."""
    source, store, task = BrokenDownload(status=None, failures=0), MemoryBlobStore(), a_task()
    keep = StoreImage(blobs=store, inspector=KilledInspector(1), clock=ManualClock(NOW))
    whole = StoreImage(blobs=MemoryBlobStore(), inspector=ThreadInspector(), clock=ManualClock(NOW))
    of = {
        "image": GeneratedImage(chunks=source.chunks),
        "position": 0,
        "task": task,
        "attempt": an_attempt(task),
    }

    with pytest.raises(CallError, match="it is kept as") as caught:
        await keep(**of)
    kept, begun = dict(store.blobs), source.begun
    image = await keep(**of, is_retry=True)

    assert (FailureCode.STORAGE_FAILED, [png()], 1, 1) == (
        caught.value.failure.code,
        [bytes(blob) for blob in kept.values()],
        begun,
        source.begun,
    )
    assert await whole(**of) == attrs.evolve(image, archive_checksum=(await whole(**of)).archive_checksum)


async def test_a_try_that_stored_nothing_is_begun_again():
    """Then the image is asked for once more."""
    source, store, task = BrokenDownload(status=None, failures=0), MemoryBlobStore(), a_task()
    keep = StoreImage(blobs=store, inspector=ThreadInspector(), clock=ManualClock(NOW))

    await keep(
        image=GeneratedImage(chunks=source.chunks),
        position=0,
        task=task,
        attempt=an_attempt(task),
        is_retry=True,
    )

    assert (1, 2) == (source.begun, len(store.blobs))


async def test_what_is_stored_is_labelled_with_the_image_s_own_id():
    """Size and checksum are those of the stored file, and the one that came has a checksum of its own."""
    source, store, task = BrokenDownload(status=None, failures=0), MemoryBlobStore(), a_task()
    keep = StoreImage(
        blobs=store, inspector=ThreadInspector(), clock=ManualClock(NOW), label=MemoryImageLabel()
    )

    image = await keep(
        image=GeneratedImage(chunks=source.chunks), position=3, task=task, attempt=an_attempt(task)
    )

    stored = store.blobs[image.blob_key]
    assert (png(), f"{task.task_id}-0-3") == (stored[: len(png())], produce_id_in(stored))
    assert (len(stored), sha256(stored).hexdigest()) == (image.size_bytes, image.sha256)
    assert sha256(png()).hexdigest() == image.vendor_sha256
