"""Favourites, tags, collections and styles."""

import asyncio
from collections import Counter

import attrs
import pytest

from imagegen_core.batch import Style
from imagegen_core.errors import (
    CollectionExists,
    CollectionNotFound,
    ImageNotFound,
    TooManyCollections,
    TooManyTags,
    ValidationFailed,
)
from imagegen_core.images import ChangedImages, Collection, MarkChange, Marks, TagUse
from imagegen_core.limits import MAX_COLLECTIONS, MAX_STYLES, MAX_TAGS
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import NOW, add_image, find, find_hits, later, search

pytestmark = pytest.mark.anyio

FAVOURITE = MarkChange(favourite=True)


async def ids(records, **criteria):
    """Return the ids of the images that meet the criteria, and check that their total is right."""
    page = await find(records, ImageFilter(**criteria), Paging())  # type: ignore[arg-type] # as tests give them
    assert len(page.items) == page.total
    return [image.id for image in page.items]


async def test_marks_are_shown_wherever_an_image_is(repository, records, marks):
    """Alone, with its task, in lists and in searches; tags are in the order in which they came."""
    image = await add_image(repository, prompt="猫")
    collection = await marks.add_collection("夜景", NOW)
    await marks.change([image.id], MarkChange(favourite=True, tags=("b", "a"), add_to=collection.id))
    await marks.change([image.id], MarkChange(tag="猫"))
    query = SearchQuery.parse("猫", str)
    searches = [await find_hits(records, query, mode, ImageFilter(), Paging()) for mode in SearchMode]

    shown = [
        await records.get(image.id),
        *await records.of_task(image.task_id),
        *(await find(records, ImageFilter(), Paging())).items,
        *(await find(records, ImageFilter(favourite=True), Paging())).items,
        *(hit.image for page in searches for hit in page.items),
    ]

    expected = Marks(favourite=True, tags=("b", "a", "猫"), collections=(collection.id,))
    assert [expected] * 6 == [one.marks for one in shown]


async def test_changes_are_counted_once(repository, records, marks):
    """What was so already is not changed, and what is missing is named; both are no error."""
    first, second = [(await add_image(repository)).id for _ in range(2)]
    await marks.change([first], FAVOURITE)
    unknown = [second + 1, 0, -1, 2**70]

    results = [await marks.change([*unknown, second, first], FAVOURITE) for _ in range(2)]

    missing = tuple(unknown)
    assert [ChangedImages(changed=n, missing=missing) for n in (1, 0)] == results
    assert ([second, first], []) == (
        await ids(records, favourite=True),
        await ids(records, favourite=False),
    )


async def test_favourites_are_told_from_others(repository, records, marks):
    """Both ways, also after a change back, and with words."""
    images = [(await add_image(repository, prompt=prompt)).id for prompt in ("猫", "狗", "猫狗")]
    await marks.change(images, FAVOURITE)
    await marks.change(images[:1], MarkChange(favourite=False))
    query = SearchQuery.parse("猫", str)

    matches = [
        [hit.image.id for hit in page.items]
        for favourite in (True, False)
        for page in [
            await find_hits(records, query, SearchMode.CONTAINS, ImageFilter(favourite=favourite), Paging())
        ]
    ]

    assert [[images[2], images[1]], [images[0]]] == [
        await ids(records, favourite=True),
        await ids(records, favourite=False),
    ]
    assert [[images[2]], [images[0]]] == matches


async def test_totals_follow_each_change(repository, records, marks):
    """Those of lists and searches that were counted a moment ago, however often marks come and go."""
    images = [(await add_image(repository, prompt="猫")).id for _ in range(3)]
    query = SearchQuery.parse("猫", str)
    changes = [MarkChange(tag=f"{number}") for number in range(5)]
    changes += [MarkChange(untag=f"{number}") for number in range(5)]
    totals = []
    for number, change in enumerate(changes):
        await marks.change(images[: number % 3 + 1], change)
        criteria = ImageFilter(tag="2")
        page = await find_hits(records, query, SearchMode.CONTAINS, criteria, Paging())
        totals.append((len(await ids(records, tag="2")), page.total))

    assert [0, 0, 3, 3, 3, 3, 3, 1, 1, 1] == [total for total, _ in totals]
    assert [total for total, _ in totals] == [total for _, total in totals]


async def test_a_tag_is_shown_as_it_was_first_written(repository, records, marks):
    """Case and width make no difference, until no image has it any more."""
    first, second = [(await add_image(repository)).id for _ in range(2)]
    await marks.change([first], MarkChange(tag="Cat"))
    await marks.change([second], MarkChange(tags=("dog", "ＣＡＴ")))
    again = await marks.change([first, second], MarkChange(tag="cat"))
    shown = [(await records.get(image_id)).marks.tags for image_id in (first, second)]
    matches = [await ids(records, tag=tag) for tag in ("cat", "ｃａｔ", "ca", "dog", "x")]
    await marks.change([first, second], MarkChange(untag="CAT"))
    await marks.change([first], MarkChange(tag="CAT"))

    assert 0 == again.changed
    assert [("Cat",), ("dog", "Cat")] == shown
    assert [[second, first], [second, first], [], [second], []] == matches
    assert [("CAT",), ("dog",)] == [(await records.get(image_id)).marks.tags for image_id in (first, second)]


async def test_tags_take_the_place_of_others(repository, records, marks):
    """In the order in which they are given, however many of them stay."""
    image = await add_image(repository)
    shown = []
    for tags in (("a", "b", "c"), ("c", "x", "a"), ("a", "c"), (), ("b",)):
        await marks.change([image.id], MarkChange(tags=tags))
        shown.append((await records.get(image.id)).marks.tags)

    assert [("a", "b", "c"), ("c", "x", "a"), ("a", "c"), (), ("b",)] == shown
    assert [[image.id], [], []] == [await ids(records, tag=tag) for tag in "bac"]


async def test_an_image_has_no_more_tags_than_it_may(repository, records, marks):
    """If some would have, they are named, and no image is changed."""
    full, other = [(await add_image(repository)).id for _ in range(2)]
    await marks.change([full], MarkChange(tags=tuple(f"{n}" for n in range(MAX_TAGS))))

    with pytest.raises(TooManyTags) as caught:
        await marks.change([other, full], MarkChange(tag="one more"))
    same = await marks.change([other, full], MarkChange(tag="7"))

    assert [full] == caught.value.data["images"]
    assert ChangedImages(changed=1) == same
    assert [] == await ids(records, tag="one more")


async def test_tags_are_listed_by_use(repository, marks):
    """The most used come first; a prefix is compared as tags are, and special characters are plain."""
    images = [(await add_image(repository)).id for _ in range(3)]
    for number, tag in ((1, "Cat"), (3, "夜"), (2, "café"), (1, "c_%"), (1, "\U0010ffff")):
        await marks.change(images[:number], MarkChange(tag=tag))
    await marks.change(images[:1], MarkChange(untag="\U0010ffff"))

    listed = [
        [(use.name, use.count) for use in await marks.tags(*query)]
        for query in (("", 9), ("", 2), ("CA", 9), ("c_", 9), ("%", 9), ("夜", 9))
    ]

    assert [
        [("夜", 3), ("café", 2), ("c_%", 1), ("Cat", 1)],
        [("夜", 3), ("café", 2)],
        [("café", 2), ("Cat", 1)],
        [("c_%", 1)],
        [],
        [("夜", 3)],
    ] == listed


async def test_a_collection_has_a_count_and_a_cover(repository, records, marks):
    """The cover is the newest of its images; collections are listed newest first."""
    images = [(await add_image(repository)).id for _ in range(3)]
    first, second = [await marks.add_collection(name, later(n)) for n, name in enumerate(("a", "b"))]
    await marks.change(images[:2], MarkChange(add_to=first.id))
    await marks.change(images, MarkChange(add_to=first.id))
    await marks.change(images[2:], MarkChange(remove_from=first.id))

    listed = await marks.collections()

    filled = Collection(id=first.id, name="a", created_at=NOW, count=2, cover=images[1])
    assert (second, filled) == listed
    assert [[images[1], images[0]], []] == [await ids(records, collection=one.id) for one in (first, second)]


async def test_a_name_is_given_once(marks):
    """Case and width make no difference; the refusal tells which collection has it."""
    first, second = [await marks.add_collection(name, NOW) for name in ("Night", "b")]
    with pytest.raises(CollectionExists) as added:
        await marks.add_collection("ＮＩＧＨＴ", NOW)
    with pytest.raises(CollectionExists) as renamed:
        await marks.rename_collection(second.id, "night")

    spelled = await marks.rename_collection(first.id, "NIGHT")

    assert [first.id] * 2 == [caught.value.data["collection"] for caught in (added, renamed)]
    assert "NIGHT" == spelled.name
    assert ["b", "NIGHT"] == [one.name for one in await marks.collections()]


async def test_removing_a_collection_removes_no_image(repository, records, marks):
    """Its images show it no more and are found by it no more, and its id is not used again."""
    image = await add_image(repository)
    collection = await marks.add_collection("a", NOW)
    await marks.change([image.id], MarkChange(add_to=collection.id))
    before = await ids(records, collection=collection.id)

    await marks.remove_collection(collection.id)
    again = await marks.add_collection("a", NOW)

    assert ([image.id], []) == (before, await ids(records, collection=collection.id))
    assert Marks() == (await records.get(image.id)).marks
    assert again.id > collection.id
    assert (again,) == await marks.collections()


@pytest.mark.parametrize("collection_id", [1, 0, -1, 2**70])
async def test_an_unknown_collection_is_refused(repository, records, marks, collection_id):
    """Whatever is to be done with it; as a filter it finds nothing."""
    image = await add_image(repository)
    for change in (MarkChange(add_to=collection_id), MarkChange(remove_from=collection_id)):
        with pytest.raises(CollectionNotFound):
            await marks.change([image.id], change)
    with pytest.raises(CollectionNotFound):
        await marks.rename_collection(collection_id, "a")
    with pytest.raises(CollectionNotFound):
        await marks.remove_collection(collection_id)

    assert [] == await ids(records, collection=collection_id)


async def test_there_is_an_end_to_collections(marks):
    """Until one is removed."""
    collections = [await marks.add_collection(f"{n}", NOW) for n in range(MAX_COLLECTIONS)]
    with pytest.raises(TooManyCollections):
        await marks.add_collection("one more", NOW)

    await marks.remove_collection(collections[0].id)

    assert "one more" == (await marks.add_collection("one more", NOW)).name


async def test_marks_go_with_their_image(repository, records, marks):
    """Tags and collections count it no more; nothing that was searched for by them is left."""
    gone, other = [(await add_image(repository, prompt="猫")).id for _ in range(2)]
    collection = await marks.add_collection("a", NOW)
    for change in (
        FAVOURITE,
        MarkChange(tag="both"),
        MarkChange(add_to=collection.id),
    ):
        await marks.change([gone, other], change)
    await marks.change([gone], MarkChange(tag="alone"))

    (deleted,) = await records.delete([gone])

    assert Marks(favourite=True, tags=("both", "alone"), collections=(collection.id,)) == deleted.marks
    assert (TagUse(name="both", count=1),) == await marks.tags("", 9)
    assert [(1, other)] == [(one.count, one.cover) for one in await marks.collections()]
    assert [[other]] * 3 == [
        await ids(records, **{name: value})
        for name, value in (("favourite", True), ("tag", "both"), ("collection", collection.id))
    ]


async def test_many_images_are_deleted_at_once(repository, records, marks):
    """Those that there are; they come back as they were."""
    images = [await add_image(repository, prompt="猫") for _ in range(3)]
    await marks.change([image.id for image in images], MarkChange(tag="a"))
    unknown = images[2].id + 1

    deleted = await records.delete([images[2].id, unknown, images[0].id, 0, 2**70])
    nothing = await records.delete([images[0].id])

    assert {images[0].id, images[2].id} == {image.id for image in deleted}
    assert {("a",)} == {image.marks.tags for image in deleted}
    assert () == nothing
    assert ["猫"] == await search(records, "猫")
    assert (TagUse(name="a", count=1),) == await marks.tags("", 9)
    with pytest.raises(ImageNotFound):
        await records.get(images[0].id)


async def test_many_change_marks_at_once(repository, records, marks):
    """In any order, while images and a collection are deleted: nobody fails, and counts are right."""
    images = [(await add_image(repository)).id for _ in range(12)]
    lasting, removed = [(await marks.add_collection(name, later(0))).id for name in ("lasting", "removed")]
    await marks.change(images, MarkChange(add_to=removed))
    changes = [MarkChange(tags=tags) for tags in (("a", "b"), ("b", "a"), ("c",), ())]
    changes += [MarkChange(add_to=lasting), MarkChange(remove_from=lasting), MarkChange(tag="b")]
    orders = (images, images[::-1], images[::2], images[3:9])
    results = await asyncio.gather(
        *(marks.change(order, change) for order in orders for change in changes),
        records.delete(images[:3]),
        marks.remove_collection(removed),
        records.delete(images[5:2:-1]),
        return_exceptions=True,
    )
    shown = [(await records.get(image_id)).marks for image_id in images[6:]]
    (collection,) = await marks.collections()

    assert [] == [result for result in results if isinstance(result, Exception)]
    assert collection.count == sum(collection.id in one.collections for one in shown)
    counts = Counter(tag for one in shown for tag in one.tags)
    assert counts == {use.name: use.count for use in await marks.tags("", 9)}


async def test_styles_are_kept_replaced_and_removed(marks):
    """The highest id comes first; text that looks like SQL, and braces, come back as they were."""
    style = Style(
        id="b",
        name={"zh": "';--"},
        prompt={"zh": "{prompt} {{}} %s :name"},
        variables={"a": ("1", "2")},
        params={"deep": [{"x": None}]},
        image_id=7,
    )
    await marks.change_styles(
        [style, attrs.evolve(style, id="a", name={"zh": "1"}), attrs.evolve(style, id="c")]
    )
    await marks.change_styles([attrs.evolve(style, id="d")])
    await marks.change_styles([attrs.evolve(style, id="a", name={"zh": "2"})] * 2, {"d", "e"})
    await marks.change_styles(removed=["c"])

    expected = (style, attrs.evolve(style, id="a", name={"zh": "2"}))
    assert expected == await marks.styles()


async def test_no_more_styles_than_there_may_be(marks):
    """Of those that are one too many none is kept."""
    style = Style(id="a", name={"zh": "a"}, prompt={"zh": "{prompt}"})
    await marks.change_styles([attrs.evolve(style, id=f"a{number}") for number in range(MAX_STYLES - 1)])
    with pytest.raises(ValidationFailed):
        await marks.change_styles([attrs.evolve(style, id="b"), attrs.evolve(style, id="c")])

    assert MAX_STYLES - 1 == len(await marks.styles())
