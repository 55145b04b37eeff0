"""The trash over HTTP: what is in it, restoring it, and deleting it for good."""

import pytest

from tests.integration.api.asking import IMAGES, data, make_image, row

TRASH = "/api/v1/trash"


@pytest.fixture
def deleted(api):
    """An image that was moved to the trash."""
    image = make_image(api, "一只扔掉的猫")
    data(api.patch(f"{IMAGES}/{image['id']}", json={"favourite": True, "tags": ["扔掉"]}))
    body = {"ids": [image["id"]], "action": "trash"}
    assert {"changed": 1, "missing": []} == data(api.post(f"{IMAGES}/batch", json=body))
    return image


def restore(api, image):
    return data(api.post(f"{IMAGES}/batch", json={"ids": [image["id"]], "action": "restore"}))


def trashed(api, image):
    """Return what the trash says of an image, or None."""
    items = data(api.get(TRASH, params={"page_size": 100}))["items"]
    return next((item for item in items if item["id"] == image["id"]), None)


def addresses(image):
    return [f"{IMAGES}/{image['id']}{rest}" for rest in ("", "/content", "/thumbnail", "/link")]


def test_what_was_deleted_is_in_the_trash_alone(api, deleted):
    """It answers 404 everywhere else, and moving it again finds nothing."""
    item = trashed(api, deleted)
    preview = api.get(item["thumbnail_url"])

    again = data(api.post(f"{IMAGES}/batch", json={"ids": [deleted["id"]], "action": "trash"}))

    assert [(404, 40402, "image_not_found")] * 4 == [row(api.get(address)) for address in addresses(deleted)]
    assert {"changed": 0, "missing": [deleted["id"]]} == again
    assert ("一只扔掉的猫", deleted["size_bytes"]) == (item["prompt"], item["size_bytes"])
    assert item["trashed_at"] < item["expires_at"]
    assert (200, "image/webp") == (preview.status_code, preview.headers["content-type"])
    assert [] == data(api.get(IMAGES, params={"tag": "扔掉"}))["items"]


def test_the_trash_is_shown_from_either_end(api, deleted):
    """By number and by cursor; a cursor goes on in its own order alone."""
    later = make_image(api, "later")
    data(api.post(f"{IMAGES}/batch", json={"ids": [later["id"]], "action": "trash"}))
    query = {"page_size": 1, "order": "oldest"}
    ids, cursor = [], None
    while not ids or cursor:
        page = data(api.get(TRASH, params={**query, **({"cursor": cursor} if cursor else {})}))
        ids += [item["id"] for item in page["items"]]
        cursor, earlier = page["next_cursor"], cursor
    newest = [item["id"] for item in data(api.get(TRASH, params={"page_size": 100}))["items"]]
    refused = api.get(TRASH, params={"cursor": earlier})

    assert ids == newest[::-1]
    assert ids.index(deleted["id"]) < ids.index(later["id"])
    assert (400, 40000, "validation_failed") == row(refused)


def test_what_is_restored_is_as_it_was(api, deleted):
    """Twice does no harm."""
    answers = [restore(api, deleted) for _ in range(2)]
    image = data(api.get(f"{IMAGES}/{deleted['id']}"))

    assert [{"changed": 1, "missing": []}, {"changed": 0, "missing": [deleted["id"]]}] == answers
    assert (True, ["扔掉"], deleted["sha256"]) == (image["favourite"], image["tags"], image["sha256"])
    assert [200] * 4 == [api.get(address).status_code for address in addresses(deleted)]
    assert trashed(api, deleted) is None
    data(api.delete(f"{IMAGES}/{deleted['id']}"))


def test_deleting_for_good_leaves_nothing(api, deleted):
    """From the trash, or past it; one by one or many at once."""
    other, third = (make_image(api, "for good") for _ in range(2))
    data(api.delete(f"{IMAGES}/{other['id']}"))
    body = {"ids": [deleted["id"], third["id"]], "action": "delete"}
    answer = data(api.post(f"{IMAGES}/batch", json=body))

    assert {"changed": 2, "missing": []} == answer
    assert [None] * 3 == [trashed(api, image) for image in (deleted, other, third)]
    assert 404 == api.get(f"{TRASH}/{deleted['id']}/thumbnail").status_code


def test_the_trash_is_emptied(api, deleted):
    """An image that is there no more cannot be restored."""
    other = make_image(api, "stays")
    data(api.delete(TRASH))

    assert (0, False) == tuple(data(api.get(TRASH))[name] for name in ("total", "has_more"))
    restored = restore(api, deleted)
    assert [deleted["id"]] == restored["missing"]
    assert 200 == api.get(other["image_url"]).status_code


def test_all_ids_of_a_search_come_at_once(api):
    """In the order of the search, whatever was deleted since left out."""
    ids = [make_image(api, f"一整个搜索 {number}")["id"] for number in range(3)]
    data(api.delete(f"{IMAGES}/{ids[1]}"))
    answer = data(api.get(f"{IMAGES}/ids", params={"keyword": "一整个搜索"}))

    assert {"ids": [ids[2], ids[0]], "has_more": False} == answer
