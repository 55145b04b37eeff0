"""Records of images: where they are in time, in which store, and from what they were made."""

import random
from bisect import bisect_right
from collections import Counter
from datetime import timedelta
from typing import Any

import attrs
import pytest

from imagegen_core.errors import ImageNotFound, StaleTask
from imagegen_core.images import Image, MarkChange, StorageState
from imagegen_core.limits import MAX_CHILDREN
from imagegen_core.ports.gallery import ImageFilter, ImageList, Neighbours, SearchMode
from imagegen_core.requests import ImageRequest, InputImage, Operation
from imagegen_core.search import Paging, SearchQuery
from imagegen_core.values import QUARTER_SECONDS, quarter_of
from tests.contracts.samples import NOW, a_task, add_image, an_attempt, an_image, find, later, search

pytestmark = pytest.mark.anyio

_NOW = quarter_of(NOW)

_QUARTERS = 12


def search_of(keyword, mode=SearchMode.CONTAINS, **criteria):
    """Return the list of a search."""
    query = SearchQuery.parse(keyword, lambda text: text)
    return ImageList(query=query, mode=mode, criteria=ImageFilter(**criteria))


def list_of(**criteria):
    """Return a list without a search."""
    return ImageList(criteria=ImageFilter(**criteria))


async def walk(gallery, images, *, size=100, by_cursor=False, oldest_first=False):
    """Return the images of all pages of a list."""
    walked, page = [], None
    while page is None or page.has_more:
        after = page.last if page and by_cursor else None
        number = 1 if by_cursor else 1 + len(walked) // size
        paging = Paging(page=number, page_size=size, after=after, oldest_first=oldest_first)
        page = await gallery.list(images, paging)
        walked += [hit.image for hit in page.items]
    return walked


def counted(bounds, images):
    """Return how many images were made between two bounds of quarters."""
    counts = Counter(bisect_right(bounds, quarter_of(image.created_at)) for image in images)
    return tuple(counts[number] for number in range(1, len(bounds)))


def beside(image_id, images):
    """Return the neighbours of an image in a list."""
    ids = [None, *(image.id for image in images), None]
    if image_id not in ids:
        return Neighbours()
    place = ids.index(image_id)
    return Neighbours(previous=ids[place - 1], next=ids[place + 1])


async def add_some(repository, records, marks, chance):
    """Store images of a few providers, models, operations, prompts and marks, at any time; delete some."""
    images = [
        await add_image(
            repository,
            prompt="".join(chance.choices(("可爱的", "猫", "小", "狗", "在窗台上"), k=chance.randint(1, 4))),
            provider_name=chance.choice("pq"),
            model_id=chance.choice("mn"),
            operation=chance.choice((Operation.GENERATE, Operation.EDIT)),
            created_at=later(chance.randrange(_QUARTERS * QUARTER_SECONDS)),
        )
        for _ in range(60)
    ]
    collection = await marks.add_collection("夜景", NOW)
    for change in (MarkChange(favourite=True), MarkChange(tag="B"), MarkChange(add_to=collection.id)):
        await marks.change([image.id for image in chance.sample(images, 20)], change)
    deleted = chance.sample(images, 9)
    for image in deleted:
        await records.delete([image.id])
    return [image for image in images if image not in deleted]


def any_list(chance):
    """Return any list of what `add_some` stores."""

    def one_of(*values: Any):
        return chance.choice((*[None] * 3, *values))

    def moment(*, in_quarters):
        seconds = chance.randrange(_QUARTERS * QUARTER_SECONDS)
        start = NOW - timedelta(seconds=NOW.timestamp() % QUARTER_SECONDS)
        return start + timedelta(seconds=seconds - seconds % (QUARTER_SECONDS if in_quarters else 1))

    in_quarters = chance.random() < 0.5
    words = one_of("猫", "可爱的猫", "可爱的小猫", "猫 狗", "龙")
    return ImageList(
        criteria=ImageFilter(
            provider_name=one_of("p", "q", "nobody"),
            model_id=one_of("m", "n"),
            operation=one_of(Operation.EDIT),
            favourite=one_of(*(True, False)),
            tag=one_of("b"),
            collection=one_of(1, 2),
            created_from=one_of(moment(in_quarters=in_quarters)),
            created_to=one_of(moment(in_quarters=in_quarters)),
        ),
        query=None if words is None else SearchQuery.parse(words, lambda text: text),
        mode=chance.choice(list(SearchMode)),
    )


def an_input(image_id=None):
    """Return an input that its caller sent, or that is a stored image."""
    return InputImage(
        key="task/name",
        mime_type="image/png",
        width=1,
        height=1,
        size_bytes=1,
        sha256="0" * 64,
        image_id=image_id,
    )


async def store_image(repository, **inputs):
    """Store an image of a new task with such inputs, and return its id."""
    operation = Operation.EDIT if "image" in inputs else Operation.REFERENCE
    task = a_task(request=ImageRequest(operation=operation if inputs else Operation.GENERATE, **inputs))
    await repository.add(task, queue_size=1000)
    attempt = an_attempt(task)
    image = an_image(attempt, operation=task.request.operation)
    (stored,) = await repository.save(task.fence, attempts=(attempt,), images=(image,))
    return stored.id


def _ids(images):
    return [image.id for image in images]


async def test_a_record_comes_back_whole(repository, records):
    """Every field survives, including an unsigned 64-bit checksum and nested JSON."""
    metadata = {"safety": [{"category": "x", "score": 0.5}], "说明": None}
    image = await add_image(repository, metadata=metadata, archive_checksum=str(2**64 - 1))

    assert image == await records.get(image.id)


async def test_an_unknown_image_is_not_found(records):
    """Reading an unknown image raises; of the images to delete it is none that there was."""
    with pytest.raises(ImageNotFound):
        await records.get(1)
    assert () == await records.delete([1])


async def test_images_of_a_task_are_in_order(repository, records):
    """Images are sorted by part, then by position, whichever was stored first."""
    task = a_task()
    await repository.add(task, queue_size=9)
    late, early = an_attempt(task, part=1), an_attempt(task, part=0)
    await repository.save(
        task.fence,
        attempts=(late,),
        images=(an_image(late, prompt="c"), an_image(late, position=1, prompt="d")),
    )
    await repository.save(
        task.fence,
        attempts=(early,),
        images=(an_image(early, position=1, prompt="b"), an_image(early, prompt="a")),
    )
    await add_image(repository)

    assert ["a", "b", "c", "d"] == [image.prompt for image in await records.of_task(task.task_id)]
    assert () == await records.of_task("nobody")


async def test_a_worker_that_lost_its_task_records_nothing(repository, records):
    """Whether its image comes with the attempt or with the end of the task."""
    task = a_task()
    await repository.add(task, queue_size=9)
    attempt, claimed = an_attempt(task), task.claim("me", NOW)
    await repository.save(task.fence, task=claimed)
    await repository.save(claimed.fence, task=claimed.rescue(attempts=0, is_recovery=False))

    with pytest.raises(StaleTask):
        await repository.save(claimed.fence, attempts=(attempt,), images=(an_image(attempt),))
    with pytest.raises(StaleTask):
        await repository.save(
            claimed.fence, task=claimed.complete(NOW), attempts=(attempt,), images=(an_image(attempt),)
        )

    assert () == await records.of_task(task.task_id)


async def test_a_deleted_image_is_gone(repository, records):
    """A deleted image cannot be found in any way, and its id is not reused."""
    image = await add_image(repository, prompt="猫")

    deleted = await records.delete([image.id])

    assert (image,) == deleted
    with pytest.raises(ImageNotFound):
        await records.get(image.id)
    assert ([], 0) == (await search(records, "猫"), (await find(records, ImageFilter(), Paging())).total)
    assert (await add_image(repository)).id > image.id


async def test_storage_can_be_noted(repository, records):
    """The storage state is stored; a deleted image is no error."""
    image = await add_image(repository)

    await records.set_storage(image.id, StorageState.ARCHIVE)
    await records.set_storage(image.id + 1, StorageState.ARCHIVE)

    assert StorageState.ARCHIVE == (await records.get(image.id)).storage


async def test_lists_are_newest_first(repository, records):
    """Paging by number and by cursor returns the same list."""
    images = [await add_image(repository) for _ in range(5)]

    first = await find(records, ImageFilter(), Paging(page_size=2))
    second = await find(records, ImageFilter(), Paging(page=2, page_size=2))
    after = await find(records, ImageFilter(), Paging(page_size=2, after=first.last))
    last = await find(records, ImageFilter(), Paging(page_size=2, after=after.last))

    assert (images[4], images[3]) == first.items
    assert second.items == after.items == (images[2], images[1])
    assert (images[0],) == last.items
    assert (True, True, False) == (first.has_more, after.has_more, last.has_more)
    assert {(5, True)} == {(page.total, page.total_is_exact) for page in (first, second, after, last)}


async def test_filters_narrow_the_list(repository, records):
    """Provider, model, operation and time restrict the list; the upper bound of the time is exclusive."""
    old = await add_image(repository, provider_name="p", model_id="m", created_at=later(-60))
    new = await add_image(repository, operation=Operation.EDIT)

    results = [
        (await find(records, criteria, Paging())).items
        for criteria in (
            ImageFilter(provider_name="p"),
            ImageFilter(model_id="m"),
            ImageFilter(operation=Operation.EDIT),
            ImageFilter(created_from=NOW),
            ImageFilter(created_to=NOW),
            ImageFilter(provider_name="p", operation=Operation.EDIT),
        )
    ]

    assert [(old,), (old,), (new,), (new,), (old,), ()] == results


async def test_without_images_there_is_nothing(records):
    """No time, no count, no neighbour."""
    assert None is await records.span()
    assert (0, 0) == await records.count_by_quarter([0, 10, 10**7], list_of())
    assert Neighbours() == await records.neighbours(1, list_of())
    assert Neighbours() == await records.neighbours(2**63, search_of("猫"))


async def test_images_count_in_the_quarter_of_their_time(repository, records):
    """From each bound to before the next; an interval without quarters has none."""
    for quarters in (0, 0, 2):
        await add_image(repository, created_at=NOW + timedelta(minutes=15 * quarters))

    bounds = [_NOW - 1, _NOW, _NOW, _NOW + 1, _NOW + 2, _NOW + 3]
    assert (0, 0, 2, 0, 1) == await records.count_by_quarter(bounds, list_of())
    assert (_NOW, _NOW + 2) == await records.span()
    assert () == await records.count_by_quarter([_NOW], list_of())


async def test_a_deleted_image_counts_no_more(repository, records):
    """Nor is it a neighbour of those that were beside it."""
    images = [await add_image(repository) for _ in range(3)]

    await records.delete([images[1].id])

    assert (2,) == await records.count_by_quarter([_NOW, _NOW + 1], list_of())
    assert Neighbours(next=images[0].id) == await records.neighbours(images[2].id, list_of())
    assert Neighbours() == await records.neighbours(images[1].id, list_of())


async def test_neighbours_are_those_of_the_list(repository, records):
    """The newer one comes before; who is not in the list is beside nobody."""
    ids = [(await add_image(repository, provider_name=name, prompt=name)).id for name in "papappa"]

    expected = Neighbours(previous=ids[4], next=ids[0])
    assert expected == await records.neighbours(ids[2], list_of(provider_name="p"))
    assert expected == await records.neighbours(ids[2], search_of("p"))
    assert Neighbours() == await records.neighbours(ids[1], list_of(provider_name="p"))
    assert Neighbours() == await records.neighbours(ids[1], search_of("p"))
    assert Neighbours(previous=ids[3], next=ids[1]) == await records.neighbours(ids[2], list_of())


async def test_similar_images_follow_the_matches(repository, records):
    """The first of them is the next of the last match, and the last one has no next."""
    prompts = ("可爱的小猫", "可爱的猫", "雪山", "橘猫", "可爱的猫咪")
    near, last, other, far, first = [(await add_image(repository, prompt=p)).id for p in prompts]
    images = search_of("可爱的猫", SearchMode.RELEVANT)

    assert [
        Neighbours(next=last),
        Neighbours(previous=first, next=near),
        Neighbours(previous=last, next=far),
        Neighbours(previous=near),
        Neighbours(),
    ] == [await records.neighbours(image_id, images) for image_id in (first, last, near, far, other)]


async def test_text_that_nothing_can_hold_has_nothing(repository, records):
    """Half a surrogate pair is no error."""
    image = await add_image(repository)

    for images in (list_of(provider_name="\ud800"), list_of(model_id="\x00"), search_of("\ud800")):
        assert Neighbours() == await records.neighbours(image.id, images)
        assert (0,) == await records.count_by_quarter([0, 10**8], images)


@pytest.mark.parametrize("seed", range(3))
async def test_any_list_is_as_its_pages(repository, records, marks, seed):
    """Counts and neighbours are those of whoever walks through all pages, whatever the list."""
    chance = random.Random(seed)
    images = await add_some(repository, records, marks, chance)

    for _ in range(60):
        any_of = any_list(chance)
        bounds = sorted(chance.randrange(_NOW - 2, _NOW + _QUARTERS + 2) for _ in range(5))
        contained = await walk(records, attrs.evolve(any_of, mode=SearchMode.CONTAINS))
        assert counted(bounds, contained) == await records.count_by_quarter(bounds, any_of)
        walked = await walk(records, any_of)
        for image in chance.sample(images, 5):
            expected = beside(image.id, walked)
            assert expected == await records.neighbours(image.id, any_of), (image.id, any_of)
        turned = [*reversed(contained), *walked[len(contained) :]]  # what is similar stays behind, best first
        for by_cursor in (False, True):
            size = chance.randint(1, 70)
            order = {"size": size, "by_cursor": by_cursor, "oldest_first": True}
            assert turned == await walk(records, any_of, **order), (any_of, order)
        for image in chance.sample(images, 5):
            expected = beside(image.id, turned)
            assert expected == await records.neighbours(image.id, any_of, oldest_first=True), (image, any_of)


async def test_what_was_made_from_nothing_has_no_parents(repository, records):
    """Nor has an image whose inputs its caller sent."""
    alone = await store_image(repository)
    edited = await store_image(repository, image=an_input(), mask=an_input())

    parents = [(await records.view(one)).relatives.parents for one in (alone, edited)]

    assert [(), ()] == parents


async def test_parents_are_in_the_order_of_the_inputs(repository, records):
    """Each is there once, at its first place; what was sent is passed over."""
    first, second = [await store_image(repository) for _ in range(2)]
    inputs = (an_input(second), an_input(), an_input(first), an_input(second))
    child = await store_image(repository, references=inputs)

    assert (second, first) == (await records.view(child)).relatives.parents


async def test_a_mask_is_a_parent_too(repository, records):
    """It stands behind the image that is edited."""
    mask, image = [await store_image(repository) for _ in range(2)]
    child = await store_image(repository, image=an_input(image), mask=an_input(mask))

    assert (image, mask) == (await records.view(child)).relatives.parents


async def test_children_are_the_newest(repository, records):
    """Of all tasks that took the image, and no more than the limit; grandchildren are none."""
    parent, other = [await store_image(repository) for _ in range(2)]
    children = [await store_image(repository, image=an_input(parent)) for _ in range(MAX_CHILDREN + 1)]
    await store_image(repository, image=an_input(other))
    await store_image(repository, image=an_input(children[0]))

    assert tuple(children[:0:-1]) == (await records.view(parent)).relatives.children


async def test_images_that_are_stored_when_their_task_ends_have_parents(repository, records):
    """The last images of a task are stored with its end."""
    parent = await store_image(repository)
    task = a_task(request=ImageRequest(operation=Operation.UPSCALE, image=an_input(parent)))
    await repository.add(task, queue_size=1000)
    claimed, attempt = task.claim("worker", NOW), an_attempt(task)
    await repository.save(task.fence, task=claimed)
    image = an_image(attempt, operation=Operation.UPSCALE)
    await repository.save(claimed.fence, task=claimed.complete(NOW), attempts=(attempt,), images=(image,))

    (child,) = (await records.view(parent)).relatives.children

    assert (parent,) == (await records.view(child)).relatives.parents


async def test_what_is_deleted_is_no_relative(repository, records):
    """Neither a parent nor a child, whether it was deleted before or after the other was made."""
    parent, gone, early = [await store_image(repository) for _ in range(3)]
    await records.delete([early])
    inputs = (an_input(early), an_input(gone), an_input(parent))
    child, deleted = [await store_image(repository, references=inputs) for _ in range(2)]
    await records.delete([gone])
    await records.delete([deleted])

    assert ((parent,), (child,)) == (
        (await records.view(child)).relatives.parents,
        (await records.view(parent)).relatives.children,
    )
    for image_id in (gone, early, 0, 2**63):
        with pytest.raises(ImageNotFound):
            await records.view(image_id)


async def test_existing_images(repository, records):
    """Of those that are asked for."""
    stays, gone, _ = [await store_image(repository) for _ in range(3)]
    await records.delete([gone])

    assert {stays} == await records.existing([stays, gone, 999])
    assert frozenset() == await records.existing([])


async def test_an_empty_inventory_has_nothing(records):
    """There are no images, and every key is unknown."""
    assert ((), (), 0) == (
        await records.stored(),
        await records.stored(created_before=later(1)),
        await records.count(),
    )
    assert {"a.png"} == await records.unknown(["a.png"])


async def test_records_come_whole(repository, records):
    """The inventory returns complete records."""
    image = await add_image(repository, storage=StorageState.BOTH)

    assert (image,) == await records.stored()
    assert (image,) == await records.stored(created_before=later(1))


async def test_images_are_found_by_state(repository, records):
    """Images are returned in the order of ids, after a given one, and can be counted."""
    both = {"storage": StorageState.BOTH}
    added = [
        await add_image(repository, created_at=later(at), **more)
        for at, more in ((0, both), (1, {}), (2, both), (3, both))
    ]
    ids = [image.id for image in added]

    batches = {
        "all": await records.stored(),
        "both": await records.stored(state=StorageState.BOTH),
        "next": await records.stored(after=added[0], limit=2),
    }
    counts = [
        await records.count(),
        await records.count(state=StorageState.LOCAL),
        await records.count(state=StorageState.BOTH, created_before=later(3)),
    ]

    assert {
        "all": ids,
        "both": [ids[0], ids[2], ids[3]],
        "next": [ids[1], ids[2]],
    } == {name: [image.id for image in images] for name, images in batches.items()}
    assert [4, 1, 2] == counts


async def test_aged_images_are_in_both_stores(repository, records):
    """Sorted by age and not by id, since a clock may have been wrong; the time is exclusive."""
    both = {"storage": StorageState.BOTH}
    aged_images = [
        await add_image(repository, created_at=later(at), **more)
        for at, more in ((2, both), (0, {}), (1, both), (1, both), (3, both))
    ]

    batches = [
        await records.stored(created_before=later(3)),
        await records.stored(created_before=later(3), after=aged_images[2]),
        await records.stored(created_before=later(3), limit=1),
        await records.stored(created_before=later(1)),
    ]

    ids = [image.id for image in aged_images]
    assert [[ids[2], ids[3], ids[0]], [ids[3], ids[0]], [ids[2]], []] == [
        [image.id for image in images] for images in batches
    ]


async def test_unknown_keys_are_returned(repository, records):
    """Keys that belong to neither an image nor a thumbnail are returned."""
    image = await add_image(repository)

    unknown = await records.unknown([image.blob_key, image.thumbnail_key or "", "x.png", "y.png"])

    assert {"x.png", "y.png"} == unknown


async def test_no_key_at_all_is_unknown(records):
    """No keys at all are no error."""
    assert frozenset() == await records.unknown([])


async def test_pieces_join_to_the_whole(repository, records):
    """Continuing after the last of each batch returns every image once."""
    both = {"storage": StorageState.BOTH}
    ids = [(await add_image(repository, created_at=later(-n), **both)).id for n in range(5)]
    pieces: list[tuple[Image, ...]] = []
    aged: list[tuple[Image, ...]] = []

    while piece := await records.stored(after=pieces[-1][-1] if pieces else 0, limit=2):
        pieces.append(piece)
    while piece := await records.stored(created_before=later(1), after=aged[-1][-1] if aged else 0, limit=2):
        aged.append(piece)

    assert [[*ids[:2]], [*ids[2:4]], [ids[4]]] == [_ids(piece) for piece in pieces]
    assert [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]] == [_ids(piece) for piece in aged]


async def test_an_image_that_moved_is_where_it_is_now(repository, records):
    """The inventory follows the records."""
    image = await add_image(repository)
    await records.set_storage(image.id, StorageState.BOTH)
    in_both = await records.stored(created_before=later(1))
    await records.set_storage(image.id, StorageState.ARCHIVE)

    counts = [await records.count(state=state) for state in StorageState]

    assert [image.id] == _ids(in_both)
    assert [state is StorageState.ARCHIVE for state in StorageState] == [bool(count) for count in counts]
    assert () == await records.stored(created_before=later(1))


async def test_a_deleted_image_is_nowhere(repository, records):
    """Its keys are unknown from then on; those of others are not."""
    image, other = await add_image(repository), await add_image(repository)
    await records.delete([image.id])

    unknown = await records.unknown([image.blob_key, image.thumbnail_key or "", other.blob_key])

    assert {image.blob_key, image.thumbnail_key} == unknown
    assert ([other.id], 1) == (_ids(await records.stored()), await records.count())


async def test_an_image_without_a_thumbnail_has_one_key(repository, records):
    """A missing thumbnail makes no other key known."""
    image = await add_image(repository, thumbnail_key=None)

    assert {"", "None"} == await records.unknown([image.blob_key, "", "None"])


async def test_a_key_that_nothing_can_hold_is_unknown(records):
    """Such as the name of a file that is not UTF-8."""
    assert {"a\udcff", "\x00"} == await records.unknown(["a\udcff", "\x00"])
