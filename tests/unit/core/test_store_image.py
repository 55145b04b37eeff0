"""Streaming images to the store: how many at once, and how often a download is retried."""

import asyncio
from functools import partial
from hashlib import sha256

import attrs
import pytest

from imagegen_adapters.images.inspector import InspectionCode, ThreadInspector
from imagegen_adapters.images.label import AigcImageLabel
from imagegen_adapters.memory import MemoryBlobStore, memory_adapters
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.ports.provider import GeneratedImage
from imagegen_core.ports.tools import InspectorUnavailable
from imagegen_core.running.storing import MAX_STREAMS, Storing
from tests.contracts.clock import ManualClock
from tests.contracts.samples import NOW, a_task, an_attempt
from tests.fakes.images import png

pytestmark = pytest.mark.anyio


async def keep_nothing(chunks, reason):
    return reason


def a_store(blobs, **changes):
    """Return what stores images in ``blobs``, with adapters that need no process and no network."""
    parts = attrs.evolve(memory_adapters(clock=ManualClock(NOW)), blobs=blobs, **changes)
    return partial(Storing(parts).store_image, keep=keep_nothing)


class Sources:
    """Downloads that stay open until they are released."""

    def __init__(self):
        self.open = self.max_open = self.downloads = 0
        self.full, self.released = asyncio.Event(), asyncio.Event()

    async def chunks(self):
        self.open += 1
        self.downloads += 1
        self.max_open = max(self.max_open, self.open)
        if self.open == MAX_STREAMS:
            self.full.set()
        await self.released.wait()
        yield png()
        self.open -= 1


async def test_no_more_than_so_many_are_streamed_at_once():
    """The others wait for a slot, and all of them are stored."""
    sources, store = Sources(), MemoryBlobStore()
    store_image = a_store(store)
    tasks = [a_task() for _ in range(2 * MAX_STREAMS + 1)]
    storing = [
        asyncio.create_task(
            store_image(
                image=GeneratedImage(chunks=sources.chunks), position=0, task=task, attempt=an_attempt(task)
            )
        )
        for task in tasks
    ]
    await sources.full.wait()
    downloads = sources.downloads
    sources.released.set()
    images = await asyncio.gather(*storing)

    assert (MAX_STREAMS, MAX_STREAMS) == (downloads, sources.max_open)
    assert {task.task_id for task in tasks} == {image.task_id for image in images}
    assert len(tasks) == len(store.blobs)


@attrs.define
class BrokenDownload:
    """A download that fails a number of times in the same way before it succeeds."""

    status: int | None
    failures: int = 99
    is_transient: bool = False
    downloads: int = 0

    async def chunks(self):
        self.downloads += 1
        yield png()[:20]
        if self.downloads <= self.failures:
            raise CallError(
                FailureCode.DOWNLOAD_FAILED,
                "it broke off",
                upstream_status=self.status,
                is_transient=self.is_transient,
            )
        yield png()[20:]


async def store_outcome(source):
    store = MemoryBlobStore()
    store_image = a_store(store)
    task = a_task()
    image = GeneratedImage(chunks=source.chunks)
    try:
        await store_image(image=image, position=0, task=task, attempt=an_attempt(task))
    except CallError as error:
        return error.failure.code, len(store.blobs)
    return None, len(store.blobs)


@pytest.mark.parametrize(
    ("source", "downloads"),
    [
        (BrokenDownload(status=None), 3),
        (BrokenDownload(status=500), 3),
        *[(BrokenDownload(status=status), 1) for status in (401, 403, 404, 410)],
        (BrokenDownload(status=403, is_transient=True), 3),
    ],
)
async def test_a_failed_download_is_retried_unless_the_result_is_gone(source, downloads):
    """Three tries in all, since downloading is free. A download that fails for good leaves nothing behind."""
    outcome = await store_outcome(source)

    assert ((FailureCode.DOWNLOAD_FAILED, 0), downloads) == (outcome, source.downloads)


async def test_an_interrupted_download_is_complete_in_the_end():
    """The second download is stored, from its first byte."""
    source = BrokenDownload(status=None, failures=1)

    assert ((None, 1), 2) == (await store_outcome(source), source.downloads)


class KilledInspector:
    """An inspector whose decoder is killed for the first ``times`` images."""

    def __init__(self, times):
        self.times, self._inspector = times, ThreadInspector()

    async def __call__(self, chunks):
        self.times -= 1
        if self.times >= 0:
            async for _ in chunks:
                pass
            raise InspectorUnavailable(InspectionCode.DECODER_ENDED())
        return await self._inspector.inspect(chunks)


async def test_an_image_that_could_not_be_checked_is_checked_again_where_it_is():
    """The second try downloads nothing, and its record is the one that the first would have made."""
    source, store, task = BrokenDownload(status=None, failures=0), MemoryBlobStore(), a_task()
    store_image = a_store(store, inspect=KilledInspector(1))
    whole = a_store(MemoryBlobStore())
    arguments = {
        "image": GeneratedImage(chunks=source.chunks),
        "position": 0,
        "task": task,
        "attempt": an_attempt(task),
    }

    with pytest.raises(CallError, match="it is kept as") as caught:
        await store_image(**arguments)
    blobs, downloads = dict(store.blobs), source.downloads
    image = await store_image(**arguments, is_retry=True)

    assert (FailureCode.STORAGE_FAILED, [png()], 1, 1) == (
        caught.value.failure.code,
        [bytes(blob) for blob in blobs.values()],
        downloads,
        source.downloads,
    )
    assert await whole(**arguments) == attrs.evolve(
        image, archive_checksum=(await whole(**arguments)).archive_checksum
    )


class LateBlobStore(MemoryBlobStore):
    """A store whose lists do not show yet what is there."""

    async def keys(self, prefix=""):
        for _ in ():
            yield


@pytest.mark.parametrize(("epoch", "downloads"), [(1, 1), (3, 1), (4, 2)])
async def test_an_image_that_a_late_list_does_not_show_is_found(epoch, downloads):
    """By the keys of the latest claims, since its source may be gone; earlier ones are listed by then."""
    source, store, task = BrokenDownload(status=None, failures=0), LateBlobStore(), a_task(epoch=1)
    store_image = a_store(store, inspect=KilledInspector(1))
    arguments = {"image": GeneratedImage(chunks=source.chunks), "position": 0, "attempt": an_attempt(task)}
    with pytest.raises(CallError):
        await store_image(task=task, **arguments)
    await store_image(task=attrs.evolve(task, epoch=epoch), is_retry=True, **arguments)

    assert downloads == source.downloads


async def test_a_try_that_stored_nothing_is_repeated():
    """A retry downloads the image if it is not stored yet."""
    source, store, task = BrokenDownload(status=None, failures=0), MemoryBlobStore(), a_task()
    store_image = a_store(store)

    await store_image(
        image=GeneratedImage(chunks=source.chunks),
        position=0,
        task=task,
        attempt=an_attempt(task),
        is_retry=True,
    )

    assert (1, 1) == (source.downloads, len(store.blobs))


async def test_what_is_stored_is_labelled_with_the_image_s_own_id():
    """Size and checksum are those of the stored file; the provider's bytes have a checksum of their own."""
    source, store, task = BrokenDownload(status=None, failures=0), MemoryBlobStore(), a_task()
    store_image = a_store(store, label=AigcImageLabel(producer="p"))

    image = await store_image(
        image=GeneratedImage(chunks=source.chunks), position=3, task=task, attempt=an_attempt(task)
    )

    stored = store.blobs[image.blob_key]
    assert f"{task.task_id}-0-3".encode() in stored
    assert (len(stored), sha256(stored).hexdigest()) == (image.size_bytes, image.sha256)
    assert sha256(png()).hexdigest() == image.vendor_sha256
