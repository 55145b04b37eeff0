"""A thumbnail is made once, and once more if it was lost."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import in_memory
from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError, StorageUnreachable

pytestmark = pytest.mark.anyio


class Counting:
    """An inspector that counts its inspections."""

    def __init__(self, inspect):
        self.inspect, self.inspections = inspect, 0

    async def __call__(self, chunks):
        self.inspections += 1
        return await self.inspect(chunks)


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

    async def put(self, key, chunks, **more):
        if self.full:
            raise StorageError("the disk is full")
        return await self.store.put(key, chunks, **more)

    async def delete(self, key):
        await self.store.delete(key)


@pytest.fixture
async def thumbnail_world():
    """Return an image, its store, and the use case with a counting inspector."""
    async with in_memory() as imagegen:
        task = await imagegen.wait((await imagegen.submit("一只猫")).task_id)
        (image,) = await imagegen.images(task.task_id)
        show = attrs.evolve(imagegen.show_thumbnail, inspect=Counting(imagegen.adapters.inspect))
        yield image, imagegen.adapters.blobs, show


async def test_it_is_there_with_the_image(thumbnail_world):
    """Showing it decodes nothing."""
    image, _, show = thumbnail_world
    thumbnail = await show(image)

    assert (b"WEBP", 0) == (thumbnail[8:12], show.inspect.inspections)


async def test_one_that_was_lost_is_made_again_once(thumbnail_world):
    """It is stored beside the image again."""
    image, store, show = thumbnail_world
    before = await show(image)
    await store.delete(image.thumbnail_key)
    shown = [await show(image) for _ in range(2)]

    assert [before, before] == shown
    assert 1 == show.inspect.inspections


async def test_one_that_many_ask_for_is_rebuilt_once(thumbnail_world):
    """By the first of them: a page that two windows show costs no more than one."""
    image, store, show = thumbnail_world
    before = await show(image)
    await store.delete(image.thumbnail_key)

    shown = await asyncio.gather(*[show(image) for _ in range(10)])

    assert [before] * 10 == shown
    assert 1 == show.inspect.inspections


async def test_the_image_is_enough(thumbnail_world):
    """The archive need not respond, and the disk may be full."""
    image, store, show = thumbnail_world
    blobs = Unreachable(store, key=image.thumbnail_key, full=True)
    thumbnail = await attrs.evolve(show, blobs=blobs)(image)

    assert b"WEBP" == thumbnail[8:12]


async def test_without_the_image_there_is_none(thumbnail_world):
    """The use case says that it is missing."""
    image, store, show = thumbnail_world
    await store.delete(image.thumbnail_key)
    await store.delete(image.blob_key)

    with pytest.raises(BlobMissing):
        await show(image)


async def test_an_image_that_cannot_be_decoded_is_a_failure_of_the_store(thumbnail_world):
    """It could be decoded when it was stored, so the stored file is damaged."""
    image, store, show = thumbnail_world
    store.blobs[image.blob_key] = b"damaged"
    await store.delete(image.thumbnail_key)

    with pytest.raises(StorageError):
        await show(image)


async def test_one_that_is_deleted_meanwhile_leaves_nothing(thumbnail_world):
    """Nothing would ever remove the new thumbnail."""
    image, store, show = thumbnail_world
    await store.delete(image.thumbnail_key)

    async def deleting(chunks):
        inspection = await show.inspect(chunks)
        await show.records.delete(image.id)
        return inspection

    with pytest.raises(ImageNotFound):
        await attrs.evolve(show, inspect=deleting)(image)
    assert image.thumbnail_key not in store.blobs
