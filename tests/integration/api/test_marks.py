"""Favourites, tags and collections, and what is done to many images at once."""

import pytest

from tests.integration.api.asking import ENGLISH, IMAGES, SEARCH, TASKS, data, fields, make_image, row

BATCH = f"{IMAGES}/batch"
TAGS = "/api/v1/tags"
COLLECTIONS = "/api/v1/collections"


@pytest.fixture(scope="module")
def images(api):
    """Three images that no test deletes, oldest first."""
    return [make_image(api, f"一只标签猫 {number}") for number in range(3)]


@pytest.fixture
def ids(api, images):
    """Their ids; they have no marks."""
    ids = [image["id"] for image in images]
    for image_id in ids:
        data(api.patch(f"{IMAGES}/{image_id}", json={"favourite": False, "tags": []}))
    for collection in data(api.get(COLLECTIONS))["items"]:
        data(api.delete(f"{COLLECTIONS}/{collection['id']}"))
    return ids


def batch(api, action, ids, **argument):
    return data(api.post(BATCH, json={"ids": ids, "action": action, **argument}))


def ids_of(api, path=IMAGES, **query):
    return [item["id"] for item in data(api.get(path, params=query))["items"]]


def create(api, name):
    return data(api.post(COLLECTIONS, json={"name": name}))


def test_an_image_is_marked(api, ids):
    """The answer is the changed image; what is left out stays, and tags are trimmed and each there once."""
    path = f"{IMAGES}/{ids[0]}"
    first = data(api.patch(path, json={"favourite": True}))
    second = data(api.patch(path, json={"tags": [" 夜景 ", "Cat", "ＣＡＴ"]}))
    third = data(api.patch(path, json={}))
    task = data(api.get(f"{TASKS}/{first['task_id']}"))

    assert (True, []) == (first["favourite"], first["tags"])
    assert (True, ["夜景", "Cat"], []) == (second["favourite"], second["tags"], second["collections"])
    assert [second] * 2 == [third, data(api.get(path))]
    assert task["images"][0].items() <= second.items()


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"tags": ["", " ", "a\nb", "x" * 41, "fine"]}, ["tags.0", "tags.1", "tags.2", "tags.3"]),
        ({"tags": [f"{n}" for n in range(21)]}, ["tags"]),
        ({"tags": ["\u200b", "\ufeff", "\u00ad", "\u200d"]}, [f"tags.{n}" for n in range(4)]),
        ({"tags": ["\u202eabc", "a\u2066b", "\U000e0041"]}, [f"tags.{n}" for n in range(3)]),
        ({"tags": "cat"}, ["tags"]),
        ({"tags": None}, ["tags"]),
        ({"tags": [1]}, ["tags.0"]),
        ({"favourite": "yes"}, ["favourite"]),
        ({"favorite": True}, ["favorite"]),
    ],
)
def test_what_is_no_mark_is_refused(api, ids, body, wrong):
    """Each field is named, and nothing is changed."""
    assert wrong == fields(api.patch(f"{IMAGES}/{ids[0]}", json=body))
    assert [] == data(api.get(f"{IMAGES}/{ids[0]}"))["tags"]


def test_emoji_may_be_joined_in_a_tag(api, ids):
    """By characters that nobody sees by themselves."""
    tags = ["👩\u200d🎨", "❤\ufe0f", "می\u200cخواهم"]

    assert tags == data(api.patch(f"{IMAGES}/{ids[0]}", json={"tags": tags}))["tags"]


def test_lists_and_searches_are_filtered_by_marks(api, ids):
    """Together with all else; a cursor belongs to the filter."""
    oldest, middle, newest = ids
    batch(api, "favourite", [oldest, newest])
    batch(api, "tag", [middle, newest], tag="Cat")
    collection = create(api, "夜")["id"]
    batch(api, "add_to", ids, collection=collection)
    cursor = data(api.get(IMAGES, params={"collection": collection, "page_size": 1}))["next_cursor"]

    lists = [
        ids_of(api, favourite="true"),
        ids_of(api, tag="ｃａｔ"),
        ids_of(api, tag="Cat", favourite="true"),
        ids_of(api, collection=collection, favourite="false"),
        ids_of(api, SEARCH, keyword="标签猫", tag="cat"),
        ids_of(api, SEARCH, keyword="标签的猫", mode="relevant", favourite="true", collection=collection),
        ids_of(api, collection=collection, cursor=cursor),
        ids_of(api, collection=collection + 1),
        ids_of(api, tag="nobody's"),
    ]

    assert [
        [newest, oldest],
        [newest, middle],
        [newest],
        [middle],
        [newest, middle],
        [newest, oldest],
        [middle, oldest],
        [],
        [],
    ] == lists
    assert ["cursor"] == fields(api.get(IMAGES, params={"favourite": "true", "cursor": cursor}))


@pytest.mark.parametrize(
    "query", [{"favourite": "maybe"}, {"tag": "x" * 41}, {"tag": "a\x01b"}, {"collection": "夜"}]
)
@pytest.mark.parametrize("path", [IMAGES, SEARCH])
def test_a_filter_that_cannot_be_meant_is_refused(api, path, query):
    """Its name is told."""
    assert list(query) == fields(api.get(path, params={"keyword": "猫", **query}))


def test_what_is_done_to_many_is_counted(api, ids):
    """Missing ids are named, repeated ones are one, and a repeat of all changes nothing."""
    requested = [*ids, ids[0], ids[2] + 1_000_000, 0, -1, 2**70]
    missing = requested[4:]
    first = batch(api, "tag", requested, tag="Cat")
    again = batch(api, "tag", requested, tag="cat")
    back = batch(api, "untag", ids[:2], tag="ＣＡＴ")
    none = batch(api, "favourite", [])

    assert [{"changed": n, "missing": missing} for n in (3, 0)] == [first, again]
    assert [{"changed": n, "missing": []} for n in (2, 0)] == [back, none]
    assert [ids[2]] == ids_of(api, tag="cat")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"action": "tag"}, ["tag"]),
        ({"action": "add_to"}, ["collection"]),
        ({"action": "delete", "tag": "cat"}, ["tag"]),
        ({"action": "favourite", "collection": 1}, ["collection"]),
        ({"action": "tag", "tag": "\u3000"}, ["tag"]),
        ({"action": "burn"}, ["action"]),
        ({"action": "delete", "ids": ["7"]}, ["ids.0"]),
        ({"action": "delete", "ids": [*range(1001)]}, ["ids"]),
        ({}, ["action"]),
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused(api, ids, body, wrong):
    """Nothing is done to any image."""
    assert wrong == fields(api.post(BATCH, json={"ids": ids, **body}))
    assert ids == [data(api.get(f"{IMAGES}/{image_id}"))["id"] for image_id in ids]


def test_a_batch_does_all_or_nothing(api, ids):
    """The images that would have too many tags are named."""
    data(api.patch(f"{IMAGES}/{ids[1]}", json={"tags": [f"{n}" for n in range(20)]}))
    refused = api.post(BATCH, json={"ids": ids, "action": "tag", "tag": "new"}, headers=ENGLISH)
    details = refused.json()["data"]

    assert (422, 42204, "too_many_tags") == row(refused)
    assert ([ids[1]], 20) == (details["images"], details["max"])
    assert [] == ids_of(api, tag="new")


def test_many_are_deleted_at_once(api):
    """With their bytes and their marks; the others of a collection stay."""
    gone, other = make_image(api, "to be deleted"), make_image(api, "not to be deleted")
    collection = create(api, "some of it")["id"]
    batch(api, "add_to", [gone["id"], other["id"]], collection=collection)
    answers = [batch(api, "delete", [gone["id"]]) for _ in range(2)]
    (remaining,) = [one for one in data(api.get(COLLECTIONS))["items"] if one["id"] == collection]

    assert [{"changed": 1, "missing": []}, {"changed": 0, "missing": [gone["id"]]}] == answers
    assert (404, 40402, "image_not_found") == row(api.get(gone["image_url"]))
    assert (1, other["id"]) == (remaining["count"], remaining["cover_image_id"])


def test_a_collection_lives(api, ids):
    """It is created, filled, renamed and deleted; its images stay."""
    collection = create(api, " 夜景 ")
    batch(api, "add_to", ids[:2], collection=collection["id"])
    batch(api, "remove_from", ids[1:2], collection=collection["id"])
    renamed = data(api.patch(f"{COLLECTIONS}/{collection['id']}", json={"name": "日景"}))
    listed = data(api.get(COLLECTIONS))["items"]
    shown = data(api.get(f"{IMAGES}/{ids[0]}"))["collections"]
    deleted = [api.delete(f"{COLLECTIONS}/{collection['id']}") for _ in range(2)]

    assert ("夜景", 0, None) == (collection["name"], collection["count"], collection["cover_image_id"])
    assert {**collection, "name": "日景", "count": 1, "cover_image_id": ids[0]} == renamed == listed[0]
    assert [collection["id"]] == shown
    assert data(deleted[0]) is None
    assert (404, 40404, "collection_not_found") == row(deleted[1])
    assert ([], []) == (
        ids_of(api, collection=collection["id"]),
        data(api.get(f"{IMAGES}/{ids[0]}"))["collections"],
    )


def test_a_repeated_creation_names_the_first(api, ids):
    """So that whoever lost an answer finds what was created."""
    first, other = create(api, "Night"), create(api, "Day")
    again = api.post(COLLECTIONS, json={"name": "ＮＩＧＨＴ"})
    renamed = api.patch(f"{COLLECTIONS}/{other['id']}", json={"name": "night"})

    assert [(422, 42202, "collection_exists")] * 2 == [row(again), row(renamed)]
    assert [first["id"]] * 2 == [r.json()["data"]["collection"] for r in (again, renamed)]


@pytest.mark.parametrize("name", ["", "\u3000", "x" * 101, "a\tb", None, 7])
def test_what_cannot_be_a_name_is_refused(api, name):
    """It is named as the field that it is."""
    assert ["name"] == fields(api.post(COLLECTIONS, json={"name": name}))


@pytest.mark.parametrize("collection", ["0", "999999999", "9" * 40, "夜"])
def test_an_unknown_collection_is_not_found(api, ids, collection):
    """In each way that names one."""
    answers = [
        api.patch(f"{COLLECTIONS}/{collection}", json={"name": "a"}),
        api.delete(f"{COLLECTIONS}/{collection}"),
    ]
    if collection.isascii():
        body = {"ids": ids, "collection": int(collection)}
        answers += [api.post(BATCH, json={**body, "action": action}) for action in ("add_to", "remove_from")]

    assert {(404, 40404, "collection_not_found")} == {row(answer) for answer in answers}


def test_tags_are_suggested(api, ids):
    """The most used first; a prefix is compared as tags are."""
    for number, tag in ((1, "Sunset"), (3, "sunny"), (2, "雨夜")):
        batch(api, "tag", ids[:number], tag=tag)

    def suggested(**query):
        page = data(api.get(TAGS, params=query))
        return [(item["tag"], item["count"]) for item in page["items"]]

    assert [("sunny", 3), ("雨夜", 2), ("Sunset", 1)] == suggested()
    assert [("sunny", 3), ("Sunset", 1)] == suggested(prefix="ＳＵＮ")
    assert [("sunny", 3)] == suggested(page_size=1)
    assert [] == suggested(prefix="night")


@pytest.mark.parametrize("path", [TAGS, COLLECTIONS])
def test_lists_of_marks_are_walked_by_page(api, ids, path):
    """Until one is empty, or says that none follows; without numbers all are on one page."""
    for name in "abc":
        batch(api, "tag", ids[:1], tag=name)
        create(api, name)
    pages = [data(api.get(path, params={"page": n, "page_size": 2})) for n in (1, 2, 3)]
    whole = data(api.get(path))

    assert [2, 1, 0] == [len(page["items"]) for page in pages]
    assert [True, False, False] == [page["has_more"] for page in pages]
    assert [(n, 2, 3, True) for n in (1, 2, 3)] == [
        (page["page"], page["page_size"], page["total"], page["total_is_exact"]) for page in pages
    ]
    assert (whole["items"], False) == (pages[0]["items"] + pages[1]["items"], whole["has_more"])
