"""When an image is durable: as soon as it is stored, whatever the decoder says of it."""

import asyncio

import attrs
import pytest

from imagegen_adapters.images.inspector import ThreadInspector
from imagegen_adapters.images.label import AigcImageLabel
from imagegen_adapters.memory import MemoryBlobStore
from imagegen_core.errors import CallError, FailureCode, StorageError
from imagegen_core.ports.provider import GeneratedImage
from imagegen_core.running.storing import RejectedImage
from tests.contracts.samples import a_task, an_attempt
from tests.fakes.images import png
from tests.unit.core.test_store_image import KilledInspector, a_store

pytestmark = pytest.mark.anyio

KIB = 1024


@attrs.define
class Disk(MemoryBlobStore):
    """A store that can lose its power, and then has only what is durable; it counts what is read."""

    durable: dict = attrs.field(factory=dict)
    opened: list = attrs.field(factory=list)

    async def put(self, key, chunks, *, content_type):
        blob = await MemoryBlobStore.put(self, key, chunks, content_type=content_type)
        await self.sync(key)
        return blob

    async def sync(self, key):
        directory = key.rpartition("/")[0]
        self.durable |= {key: blob for key, blob in self.blobs.items() if key.startswith(f"{directory}/")}

    async def open(self, key, **bounds):
        self.opened.append(key)
        async for chunk in MemoryBlobStore.open(self, key, **bounds):
            yield chunk

    async def delete(self, key):
        await MemoryBlobStore.delete(self, key)
        self.durable.pop(key, None)

    def cut_power(self):
        self.blobs = dict(self.durable)


class SlowInspector(ThreadInspector):
    """Decodes once it is resumed."""

    def __init__(self):
        super().__init__()
        self.begun, self.resumed = asyncio.Event(), asyncio.Event()

    async def inspect(self, chunks):
        self.begun.set()
        await self.resumed.wait()
        return await super().inspect(chunks)


@attrs.define
class Source:
    """An image of some bytes, and how often it was downloaded."""

    content: bytes = png()
    downloads: int = 0

    async def chunks(self):
        self.downloads += 1
        yield self.content


@attrs.define
class Arrival:
    """An image that arrives for the attempt of a task."""

    disk: Disk = attrs.field(factory=Disk)
    source: Source = attrs.field(factory=Source)
    task: object = attrs.field(factory=a_task)

    async def store(self, *, is_retry=False, **adapters):
        return await a_store(self.disk, **adapters)(
            image=GeneratedImage(chunks=self.source.chunks),
            position=0,
            task=self.task,
            attempt=an_attempt(self.task),
            is_retry=is_retry,
        )

    def suffixes(self):
        """Return how the keys end that are durable."""
        return sorted(key.partition(".")[2] for key in self.disk.durable)


async def test_a_stored_image_is_durable_without_its_thumbnail():
    """Before its record is made; nobody has looked at it yet."""
    arrival = Arrival()

    await arrival.store()

    assert ["png"] == arrival.suffixes()


async def test_an_image_whose_decoder_was_killed_is_durable():
    """After a power cut the next try downloads nothing."""
    arrival = Arrival()
    with pytest.raises(CallError):
        await arrival.store(inspect=KilledInspector(1))
    arrival.disk.cut_power()

    await arrival.store(is_retry=True)

    assert (["png"], 1) == (arrival.suffixes(), arrival.source.downloads)


@pytest.mark.parametrize("key", ["{id}-0-0.png", "{id}-0-0-1.png"], ids=["without", "earlier"])
async def test_an_image_of_an_earlier_epoch_is_gone_on_from(key):
    """Whether its key tells the epoch or is older than such keys; its thumbnail goes beside it."""
    arrival = Arrival(task=a_task(epoch=3))
    task_id = arrival.task.task_id
    key = f"{task_id[-2:]}/{key.format(id=task_id)}"
    await arrival.disk.put(key, arrival.source.chunks(), content_type="image/png")

    image = await arrival.store(is_retry=True)

    assert (key, key.replace(".png", ".thumb.webp"), 1) == (
        image.blob_key,
        image.thumbnail_key,
        arrival.source.downloads,
    )


async def test_an_image_that_is_interrupted_while_it_is_inspected_is_durable():
    """A service that stops, or a power cut, leaves it for the next one, which downloads nothing."""
    arrival, inspector = Arrival(), SlowInspector()
    storing = asyncio.create_task(arrival.store(inspect=inspector.inspect))
    await inspector.begun.wait()
    arrival.disk.cut_power()
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing

    await arrival.store(is_retry=True)

    assert (["png"], 1) == (arrival.suffixes(), arrival.source.downloads)


async def test_a_kill_between_its_name_and_the_sync_of_that_costs_nothing():
    """The next try makes it durable before it records it."""
    arrival = Arrival()
    await arrival.store()
    killed = attrs.evolve(arrival, disk=Disk(blobs=dict(arrival.disk.blobs)))

    await killed.store(is_retry=True)

    assert (["png"], 1) == (killed.suffixes(), arrival.source.downloads)


async def test_one_that_cannot_be_made_durable_is_not_recorded(monkeypatch):
    """The task waits for the disk, and goes on from the file."""
    arrival = Arrival()
    await arrival.store()

    async def fail(_self, _key):
        raise StorageError("input/output error")

    monkeypatch.setattr(Disk, "sync", fail)
    with pytest.raises(CallError) as caught:
        await arrival.store(is_retry=True)

    assert (FailureCode.STORAGE_FAILED, 1) == (caught.value.failure.code, arrival.source.downloads)


async def test_a_rejected_image_is_all_that_is_left_to_remove():
    """It has no thumbnail, and no record."""
    arrival = Arrival(source=Source(png()[:60]))

    with pytest.raises(RejectedImage, match="PNG") as rejected:
        await arrival.store()

    assert {rejected.value.key} == set(arrival.disk.blobs)


@pytest.mark.parametrize("label", [None, AigcImageLabel(producer="p")], ids=["plain", "labelled"])
@pytest.mark.parametrize(
    ("padding", "reads"), [(0, 0), (60 * KIB, 0), (64 * KIB, 1), (900 * KIB, 1)], ids=str
)
async def test_a_small_image_is_inspected_from_memory(label, padding, reads):
    """A larger one is read from the store, so that a thousand of them take no memory."""
    arrival = Arrival(source=Source(png() + bytes(padding)))

    image = await arrival.store(label=label)

    assert (16, reads) == (image.width, len(arrival.disk.opened))


async def test_the_labelled_image_is_inspected():
    """What is stored has to be sound, not only what the provider sent."""

    async def breaking(chunks, media_type, produce_id):
        async for chunk in chunks:
            yield chunk[:60]

    with pytest.raises(CallError, match="PNG"):
        await Arrival().store(label=breaking)
