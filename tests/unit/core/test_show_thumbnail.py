"""A thumbnail is made by the first look, or while nothing else is to do, and once more if it was lost."""

import asyncio
import hashlib
import io

import attrs
import PIL.Image
import pytest

from imagegen_adapters.images.inspector import InspectionCode
from imagegen_adapters.memory import in_memory
from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError, StorageUnreachable
from imagegen_core.images import StorageState, ThumbnailSide
from imagegen_core.ports.tools import InspectorUnavailable
from imagegen_core.running.exchange import once
from imagegen_core.services.gallery import IdleThumbnails, Images

pytestmark = pytest.mark.anyio


class Counting:
    """What draws, and counts how often; each waits for ``resumed``."""

    def __init__(self, draw):
        self.draw, self.drawn = draw, 0
        self.begun, self.resumed = asyncio.Event(), asyncio.Event()
        self.resumed.set()

    async def __call__(self, chunks, side):
        self.drawn += 1
        self.begun.set()
        await self.resumed.wait()
        return await self.draw(chunks, side)


@attrs.define
class Unreachable:
    """A store whose archive does not respond for ``key``, or whose disk is full."""

    store: object
    key: str = ""
    full: bool = False

    async def open(self, key, **part):
        if key == self.key:
            raise StorageUnreachable("OSS is away")
        async for chunk in self.store.open(key, **part):
            yield chunk

    async def stat(self, key):
        if key == self.key:
            raise StorageUnreachable("OSS is away")
        return await self.store.stat(key)

    async def put(self, key, chunks, **more):
        if self.full:
            raise StorageError("the disk is full")
        return await self.store.put(key, chunks, **more)

    async def delete(self, key):
        await self.store.delete(key)


def thumbnails(parts, **changes):
    """Return what shows thumbnails over changed parts."""
    return Images(parts=attrs.evolve(parts, **changes), on_change=lambda: None).thumbnail


async def new_image(imagegen, prompt="一只猫"):
    """Return a new image, at which nobody has looked."""
    task = await imagegen.wait((await imagegen.submit(prompt)).task_id)
    (image,) = await imagegen.parts.images.of_task(task.task_id)
    return image


@pytest.fixture
async def thumbnail_world():
    """Return an image, the parts with what counts, and what shows thumbnails."""
    async with in_memory() as imagegen:
        imagegen._thumbnails.idle_seconds = 3600
        parts = attrs.evolve(imagegen.parts, draw=Counting(imagegen.parts.draw))
        yield await new_image(imagegen), parts, thumbnails(parts)


async def test_the_first_look_makes_it(thumbnail_world):
    """No task does. It is stored beside the image for the looks that follow."""
    image, parts, show = thumbnail_world
    before = set(parts.blobs.blobs)
    thumbnail = await show(image)

    assert ({image.blob_key}, {image.blob_key, image.thumbnail_key}) == (before, set(parts.blobs.blobs))
    assert (b"WEBP", thumbnail, 1) == (thumbnail[8:12], await show(image), parts.draw.drawn)


async def test_one_that_was_lost_is_made_again_once(thumbnail_world):
    """It is stored beside the image again."""
    image, parts, show = thumbnail_world
    before = await show(image)
    await parts.blobs.delete(image.thumbnail_key)
    shown = [await show(image) for _ in range(2)]

    assert [before, before] == shown
    assert 2 == parts.draw.drawn


async def test_one_that_many_ask_for_is_made_once(thumbnail_world):
    """By the first of them: a page that two windows show costs no more than one."""
    image, parts, show = thumbnail_world

    shown = await asyncio.gather(*[show(image) for _ in range(10)])

    assert (1, 1) == (len(set(shown)), parts.draw.drawn)


async def test_a_look_that_goes_away_leaves_it_to_the_next(thumbnail_world):
    """Those who wait are not cancelled with the one who makes it."""
    image, parts, show = thumbnail_world
    parts.draw.resumed.clear()
    looks = [asyncio.create_task(show(image)) for _ in range(3)]
    await parts.draw.begun.wait()
    looks[0].cancel()
    parts.draw.resumed.set()
    shown = await asyncio.gather(*looks, return_exceptions=True)

    assert (b"WEBP", shown[1], 2) == (shown[1][8:12], shown[2], parts.draw.drawn)


async def test_the_image_is_enough(thumbnail_world):
    """The archive need not respond, and the disk may be full."""
    image, parts, _ = thumbnail_world
    blobs = Unreachable(parts.blobs, key=image.thumbnail_key, full=True)
    thumbnail = await thumbnails(parts, blobs=blobs)(image)

    assert b"WEBP" == thumbnail[8:12]


async def test_without_the_image_there_is_none(thumbnail_world):
    """The use case says that it is missing."""
    image, parts, show = thumbnail_world
    await parts.blobs.delete(image.blob_key)

    with pytest.raises(BlobMissing):
        await show(image)


async def test_an_image_that_cannot_be_decoded_is_a_failure_of_the_store(thumbnail_world):
    """It could be decoded when it was stored, so the stored file is damaged."""
    image, parts, show = thumbnail_world
    parts.blobs.blobs[image.blob_key] = b"damaged"

    with pytest.raises(StorageError):
        await show(image)


async def test_a_decoder_that_was_killed_says_nothing_of_the_image(thumbnail_world):
    """The same look may succeed later, and does."""
    image, parts, show = thumbnail_world

    async def killed(_chunks, _side):
        raise InspectorUnavailable(InspectionCode.DECODER_ENDED())

    with pytest.raises(StorageUnreachable, match="from outside"):
        await thumbnails(parts, draw=killed)(image)
    assert b"WEBP" == (await show(image))[8:12]


async def test_one_that_is_deleted_meanwhile_leaves_nothing(thumbnail_world):
    """Nothing would ever remove the new thumbnail."""
    image, parts, _ = thumbnail_world

    async def deleting(chunks, side):
        thumbnail = await parts.draw(chunks, side)
        await parts.images.delete([image.id])
        return thumbnail

    with pytest.raises(ImageNotFound):
        await thumbnails(parts, draw=deleting)(image)
    assert image.thumbnail_key not in parts.blobs.blobs


async def test_an_archive_that_is_away_keeps_no_child_from_others(thumbnail_world):
    """It is asked before the child is."""
    image, parts, _ = thumbnail_world
    archived = attrs.evolve(image, storage=StorageState.ARCHIVE)
    blobs = Unreachable(parts.blobs, key=image.blob_key)

    with pytest.raises(StorageUnreachable):
        await thumbnails(parts, blobs=blobs)(archived)
    await parts.blobs.delete(image.blob_key)
    with pytest.raises(BlobMissing):
        await thumbnails(parts)(archived)
    assert 0 == parts.draw.drawn


# ---------------------------------------------------------------- large ones


LARGE = ThumbnailSide.LARGE


@pytest.fixture
async def wide_world(thumbnail_world):
    """Return a wide image, the parts with what counts, and what shows thumbnails."""
    _, parts, show = thumbnail_world
    data = io.BytesIO()
    PIL.Image.new("RGB", (2000, 500), "teal").save(data, "PNG")
    image = attrs.evolve(thumbnail_world[0], width=2000, height=500)
    parts.blobs.blobs[image.blob_key] = data.getvalue()
    return image, parts, show


def size_of(thumbnail):
    return PIL.Image.open(io.BytesIO(thumbnail)).size


async def test_a_large_one_is_made_by_a_look_at_it_and_kept_apart(wide_world):
    """No look at the small one makes it, nor the other way round; many who ask share one."""
    image, parts, show = wide_world
    small = await show(image)
    before = set(parts.large_thumbnails.blobs)
    larges = await asyncio.gather(*[show(image, LARGE) for _ in range(10)], show(image))

    assert (set(), {image.thumbnail_key}) == (before, set(parts.large_thumbnails.blobs))
    assert ((512, 128), (1024, 256)) == (size_of(small), size_of(larges[0]))
    assert (1, small, 2) == (len(set(larges[:10])), larges[10], parts.draw.drawn)


async def test_a_small_image_has_no_larger_one(thumbnail_world):
    """Its pixels are all in the small one."""
    image, parts, show = thumbnail_world
    shown = await show(image, LARGE)

    assert (shown, {}, 1) == (await show(image), parts.large_thumbnails.blobs, parts.draw.drawn)


async def test_where_it_cannot_be_kept_those_who_wait_share_it(wide_world):
    """A full disk costs the next crowd another one, not each of this crowd."""
    image, parts, _ = wide_world
    full = Unreachable(parts.large_thumbnails, full=True)
    show = thumbnails(parts, large_thumbnails=full)
    shown = await asyncio.gather(*[show(image, LARGE) for _ in range(10)])

    assert ({(1024, 256)}, 1) == ({size_of(one) for one in shown}, parts.draw.drawn)
    assert size_of(await show(image)) == (512, 128)


async def test_a_large_one_that_is_deleted_meanwhile_leaves_nothing(wide_world):
    """As a small one."""
    image, parts, _ = wide_world

    async def deleting(chunks, side):
        thumbnail = await parts.draw(chunks, side)
        await parts.images.delete([image.id])
        return thumbnail

    with pytest.raises(ImageNotFound):
        await thumbnails(parts, draw=deleting)(image, LARGE)
    assert {} == parts.large_thumbnails.blobs


async def test_a_deleted_image_takes_its_large_one_along(wide_world):
    """At once."""
    image, parts, show = wide_world
    await show(image, LARGE)
    await Images(parts=parts, on_change=lambda: None).delete_one(image.id)

    assert {} == parts.large_thumbnails.blobs


# ---------------------------------------------------------------- while nothing else is to do


@attrs.define
class World:
    """What makes thumbnails while nothing else is to do, and the hashes of images that got one."""

    imagegen: object
    parts: object
    idle: IdleThumbnails
    hashes: list = attrs.field(factory=list)
    beside: object = None

    @classmethod
    def over(cls, imagegen, **changes):
        world = None

        async def draw(chunks, side):
            content = b"".join([chunk async for chunk in chunks])
            world.hashes.append(hashlib.sha256(content).hexdigest())
            if world.beside is not None:
                world.beside()
            return await imagegen.parts.draw(once(content), side)

        parts = attrs.evolve(imagegen.parts, **({"draw": draw} | changes))
        images = Images(parts=parts, on_change=lambda: None)
        world = cls(imagegen, parts, IdleThumbnails(images=images, runs={}, idle_seconds=0))
        return world

    async def images(self, count):
        return [await new_image(self.imagegen, f"number {number}") for number in range(count)]


@pytest.fixture
async def imagegen():
    async with in_memory() as imagegen:
        imagegen._thumbnails.idle_seconds = 3600
        yield imagegen


async def test_the_newest_come_first(imagegen):
    """They are what somebody is going to look at."""
    world = World.over(imagegen)
    images = await world.images(3)
    world.idle.note(images)
    await world.idle._loop

    assert [image.sha256 for image in reversed(images)] == world.hashes


@pytest.mark.parametrize("event", ["a task begins", "an image comes"])
async def test_a_task_that_comes_is_waited_for(imagegen, event):
    """The next thumbnail waits until for a while no task has begun or ended."""
    world = World.over(imagegen)
    first, second, third = await world.images(3)

    come_now = asyncio.Event()

    def come():
        come_now.set()
        world.beside = None
        world.idle.idle_seconds = 3600
        if event == "a task begins":
            world.idle.runs["task"] = object()
        else:
            world.idle.note([third])

    world.beside = come
    world.idle.note([first, second])
    await come_now.wait()
    done, _ = await asyncio.wait([world.idle._loop], timeout=0.1)
    await world.idle.stop()

    assert (set(), [second.sha256]) == (done, world.hashes)


async def test_what_cannot_be_made_stops_nothing(imagegen, caplog):
    """One that is deleted, one that is damaged, and a defect of ours."""
    world = World.over(imagegen)
    good, damaged, deleted = await world.images(3)
    await imagegen.gallery.delete([deleted.id])
    imagegen.parts.blobs.blobs[damaged.blob_key] = b"damaged"

    def defect():
        world.beside = None
        raise RuntimeError("a defect")

    world.idle.note([good, damaged, deleted])
    await world.idle._loop
    world.beside = defect
    await imagegen.parts.blobs.delete(good.thumbnail_key)
    world.idle.note([good, good])
    await world.idle._loop

    assert {good.thumbnail_key} == {key for key in imagegen.parts.blobs.blobs if "thumb" in key}
    assert 2 == len([record for record in caplog.records if "thumbnail" in record.message])


async def test_a_full_disk_and_an_archive_leave_it_to_a_look(imagegen):
    """Nothing is decoded for it, or fetched."""
    world = World.over(imagegen, has_room=lambda: False)
    image, archived = await world.images(2)
    world.idle.note([image, attrs.evolve(archived, storage=StorageState.ARCHIVE)])
    await world.idle._loop

    assert [] == world.hashes


async def test_a_process_that_runs_tasks_makes_them_by_itself(imagegen):
    """Once it is idle; stopping it waits for nothing."""
    imagegen._thumbnails.idle_seconds = 0
    image = await new_image(imagegen)
    await imagegen._thumbnails._loop

    assert image.thumbnail_key in imagegen.parts.blobs.blobs
