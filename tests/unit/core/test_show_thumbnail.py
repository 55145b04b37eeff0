"""A thumbnail is made once, and once more if it was lost."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import in_memory
from imagegen_core.errors import BlobMissing, ImageNotFound, StorageError, StorageUnreachable
from imagegen_core.services.gallery import Images

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


def thumbnails(parts, **changes):
    """Return what shows thumbnails over changed parts."""
    return Images(parts=attrs.evolve(parts, **changes), on_change=lambda: None).thumbnail


@pytest.fixture
async def thumbnail_world():
    """Return an image, the parts with a counting inspector, and what shows the thumbnail."""
    async with in_memory() as imagegen:
        task = await imagegen.wait((await imagegen.submit("一只猫")).task_id)
        (image,) = await imagegen.parts.images.of_task(task.task_id)
        parts = attrs.evolve(imagegen.parts, inspect=Counting(imagegen.parts.inspect))
        yield image, parts, thumbnails(parts)


async def test_it_is_there_with_the_image(thumbnail_world):
    """Showing it decodes nothing."""
    image, parts, show = thumbnail_world
    thumbnail = await show(image)

    assert (b"WEBP", 0) == (thumbnail[8:12], parts.inspect.inspections)


async def test_one_that_was_lost_is_made_again_once(thumbnail_world):
    """It is stored beside the image again."""
    image, parts, show = thumbnail_world
    before = await show(image)
    await parts.blobs.delete(image.thumbnail_key)
    shown = [await show(image) for _ in range(2)]

    assert [before, before] == shown
    assert 1 == parts.inspect.inspections


async def test_one_that_many_ask_for_is_rebuilt_once(thumbnail_world):
    """By the first of them: a page that two windows show costs no more than one."""
    image, parts, show = thumbnail_world
    before = await show(image)
    await parts.blobs.delete(image.thumbnail_key)

    shown = await asyncio.gather(*[show(image) for _ in range(10)])

    assert [before] * 10 == shown
    assert 1 == parts.inspect.inspections


async def test_the_image_is_enough(thumbnail_world):
    """The archive need not respond, and the disk may be full."""
    image, parts, _ = thumbnail_world
    blobs = Unreachable(parts.blobs, key=image.thumbnail_key, full=True)
    thumbnail = await thumbnails(parts, blobs=blobs)(image)

    assert b"WEBP" == thumbnail[8:12]


async def test_without_the_image_there_is_none(thumbnail_world):
    """The use case says that it is missing."""
    image, parts, show = thumbnail_world
    await parts.blobs.delete(image.thumbnail_key)
    await parts.blobs.delete(image.blob_key)

    with pytest.raises(BlobMissing):
        await show(image)


async def test_an_image_that_cannot_be_decoded_is_a_failure_of_the_store(thumbnail_world):
    """It could be decoded when it was stored, so the stored file is damaged."""
    image, parts, show = thumbnail_world
    parts.blobs.blobs[image.blob_key] = b"damaged"
    await parts.blobs.delete(image.thumbnail_key)

    with pytest.raises(StorageError):
        await show(image)


async def test_one_that_is_deleted_meanwhile_leaves_nothing(thumbnail_world):
    """Nothing would ever remove the new thumbnail."""
    image, parts, _ = thumbnail_world
    await parts.blobs.delete(image.thumbnail_key)

    async def deleting(chunks):
        inspection = await parts.inspect(chunks)
        await parts.images.delete([image.id])
        return inspection

    with pytest.raises(ImageNotFound):
        await thumbnails(parts, inspect=deleting)(image)
    assert image.thumbnail_key not in parts.blobs.blobs
