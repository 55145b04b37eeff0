"""The trash: what is in it is nowhere else, and comes back as it was."""

import asyncio
from datetime import timedelta

import pytest

from imagegen_core.errors import ImageNotFound
from imagegen_core.images import MarkChange, Marks
from imagegen_core.ports.gallery import ImageFilter, ImageList, Neighbours
from imagegen_core.search import Paging
from imagegen_core.values import quarter_of
from tests.contracts.samples import NOW, add_image, find, later, search
from tests.contracts.test_gallery import an_input, store_image

pytestmark = pytest.mark.anyio

_BOUNDS = [quarter_of(NOW), quarter_of(NOW) + 1]


async def appearances(records, marks, image):
    """Return everything that shows the image, and what is counted."""
    page = await find(records, ImageFilter(), Paging())
    return (
        image.id in [one.id for one in page.items],
        page.total,
        len(await search(records, "猫")),
        [(await find(records, ImageFilter(**one), Paging())).total for one in _BY_MARK],
        await records.count_by_quarter(_BOUNDS, ImageList()),
        [one.count for one in await marks.collections()],
        [(use.name, use.count) for use in await marks.tags("", 9)],
        [one.id for one in await records.of_task(image.task_id)],
        await records.existing([image.id]),
    )


_BY_MARK = ({"favourite": True}, {"tag": "夜"}, {"collection": 1}, {"favourite": False})


@pytest.mark.parametrize("order", [1, -1])
async def test_what_is_restored_is_as_it_was(repository, records, marks, trash, outbox, order):
    """In between it is nowhere, and none of its files waits to be removed."""
    collection = await marks.add_collection("夜景", NOW)
    inputs = {"references": (an_input(parent := await store_image(repository)),)}
    image_id = await store_image(repository, **inputs)
    child = await store_image(repository, image=an_input(image_id))
    change = MarkChange(favourite=True, tags=("b", "夜"), add_to=collection.id)
    await marks.change([image_id], change)
    await add_image(repository, prompt="猫")
    image = await records.get(image_id)
    before = await appearances(records, marks, image), await records.view(image_id)

    trashed = await trash.add([image_id, child, 2**70, image_id + 1000], later(5))
    between = await appearances(records, marks, image)
    restored = [await trash.restore([one]) for one in (image_id, child)[::order]]

    assert ({image_id, child}, 2) == ({one.id for one in trashed}, len(restored))
    assert (False, frozenset(), [0], []) == (between[0], between[-1], between[5], between[6])
    assert before == (await appearances(records, marks, image), await records.view(image_id))
    assert (image, (parent,)) == (await records.get(image_id), before[1].relatives.parents)
    assert Neighbours(previous=child, next=parent) == await records.neighbours(image_id, ImageList())
    assert (0, 0) == ((await outbox.counts()).removals, (await trash.list(Paging())).total)
    await records.delete([image_id])
    assert 0 == (await find(records, ImageFilter(tag="夜"), Paging())).total


async def test_searches_count_what_comes_back(repository, records, trash):
    """Their counts are kept between searches, also by words that the same node has counted before."""
    ids = [(await add_image(repository, prompt="猫")).id for _ in range(3)]

    totals = []
    for change in (trash.add([ids[0]], NOW), trash.restore(ids), trash.restore(ids), trash.add(ids, NOW)):
        totals.append(len(await search(records, "猫")))
        await change

    assert [3, 2, 3, 3, 0] == [*totals, len(await search(records, "猫"))]


async def test_the_trash_lists_what_was_deleted_last_first(repository, records, marks, trash):
    """With the marks that it had, page by page."""
    ids = [(await add_image(repository, created_at=NOW)).id for _ in range(3)]
    await marks.change(ids, MarkChange(tag="猫"))
    for seconds, image_id in enumerate(ids):
        await trash.add([image_id], later(seconds))

    first = await trash.list(Paging(page_size=2))
    second = await trash.list(Paging(page_size=2, after=first.last))
    oldest = await trash.list(Paging(page_size=2, oldest_first=True))
    rest = await trash.list(Paging(page_size=2, oldest_first=True, after=oldest.last))

    assert (ids[::-1], 3) == ([one.image.id for one in (*first.items, *second.items)], first.total)
    assert ids == [one.image.id for one in (*oldest.items, *rest.items)]
    assert [True, False] * 2 == [page.has_more for page in (first, second, oldest, rest)]
    assert (Marks(tags=("猫",)), later(2)) == (first.items[0].image.marks, first.items[0].trashed_at)
    assert ids[0] == (await trash.get(ids[0])).image.id
    with pytest.raises(ImageNotFound):
        await trash.get(ids[0] + 100)


async def test_what_was_deleted_up_to_a_time_is_removed(repository, trash, outbox):
    """Not what was restored and deleted again since, whoever does that at the same time."""
    ids = [(await add_image(repository, created_at=NOW)).id for _ in range(3)]
    for seconds, image_id in enumerate(ids):
        await trash.add([image_id], later(seconds))
    await trash.restore(ids[:1])
    await trash.add(ids[:1], later(3))

    removed = await asyncio.gather(*(trash.remove_old(later(1)) for _ in range(3)))

    assert [ids[1]] == [image.id for images in removed for image in images]
    assert [ids[0], ids[2]] == [one.image.id for one in (await trash.list(Paging())).items]
    assert 2 == (await outbox.counts()).removals


async def test_a_clock_that_was_set_back_shortens_nothing(repository, trash):
    """An image is not deleted before the newest was made."""
    ids = [(await add_image(repository, created_at=later(at))).id for at in (-90_000, 0)]

    await trash.add(ids[:1], NOW - timedelta(days=20_000))

    assert NOW == (await trash.get(ids[0])).trashed_at


async def test_what_is_removed_leaves_its_files_to_the_outbox(repository, records, trash, outbox):
    """Until then they belong to the trash; a second removal, or a restoration, finds nothing."""
    image = await add_image(repository)
    keys = [image.blob_key, image.thumbnail_key]
    await trash.add([image.id], NOW)
    unknown = await records.unknown(keys)

    removed, again = await trash.remove([image.id]), await trash.remove([image.id])

    assert (frozenset(), [image.id], (), ()) == (
        unknown,
        [one.id for one in removed],
        again,
        await trash.restore([image.id]),
    )
    entries = await outbox.claim(due=None)
    assert set(keys) == {entry.blob_key for entry in entries} == await records.unknown(keys)


async def test_of_two_at_once_one_wins(repository, records, trash):
    """Whoever restores and whoever deletes for good agree on what became of each image."""
    ids = [(await add_image(repository, prompt="猫")).id for _ in range(20)]
    await trash.add(ids, NOW)

    calls = [change([one]) for one in ids for change in (trash.restore, trash.remove, trash.restore)]
    done = [image.id for images in await asyncio.gather(*calls) for image in images]

    assert (sorted(ids), 0) == (sorted(done), (await trash.list(Paging())).total)
    assert len(await search(records, "猫")) == (await find(records, ImageFilter(), Paging())).total


async def test_a_mark_that_is_gone_is_left_out(repository, records, marks, trash):
    """A collection that was deleted meanwhile does not come back, nor does an index entry of it."""
    collection = await marks.add_collection("夜景", NOW)
    image = await add_image(repository)
    await marks.change([image.id], MarkChange(add_to=collection.id))
    await trash.add([image.id], NOW)
    await marks.remove_collection(collection.id)

    await trash.restore([image.id])

    assert Marks() == (await records.get(image.id)).marks
