"""API.md section 4: the list of images, their bytes and thumbnails, and deleting them."""

import hashlib
import http.client
import io
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, unquote, urlsplit

import pytest
from PIL import Image

from tests.fakes.images import png
from tests.integration.api.asking import (
    GENERATE,
    IMAGES,
    TASKS,
    WAIT,
    body_of,
    data,
    data_url,
    finished,
    make_image,
    row,
    task_of,
    until,
)
from tests.live_files import contents, modes

FIELDS = [
    "id",
    "task_id",
    "operation",
    "prompt",
    "provider",
    "model_id",
    "params",
    "image_url",
    "thumbnail_url",
    "mime_type",
    "width",
    "height",
    "size_bytes",
    "sha256",
    "storage",
    "favourite",
    "tags",
    "collections",
    "created_at",
]


@pytest.fixture(scope="module")
def image(api):
    """An image that no test deletes."""
    return make_image(api, '一只"可爱"的猫/../狗.png', seed=3)


@pytest.fixture(scope="module")
def content(api, image):
    return api.get(image["image_url"]).content


@pytest.mark.one_box
def test_a_record_has_all_its_fields(api, image):
    """Alike in the list, alone and in its task, but that alone it has relatives, and what is beside it."""
    alone = data(api.get(f"{IMAGES}/{image['id']}"))
    beside = {name: alone.pop(name) for name in ("previous", "next")}
    relatives = {name: alone.pop(name) for name in ("parents", "children")}

    assert {"parents": [], "children": []} == relatives
    assert [] == [field for field in FIELDS if field not in alone]
    assert {"previous", "next"} == beside.keys()
    assert image == alone == task_of(api, image["task_id"])["images"][0]
    assert ("image/png", 64, 64, "local", "generate") == (
        alone["mime_type"],
        alone["width"],
        alone["height"],
        alone["storage"],
        alone["operation"],
    )


def test_the_list_has_its_shape(api, image):
    """And the newest image is first."""
    newest = make_image(api, "newest")
    page = data(api.get(IMAGES))

    assert {"items", "page", "page_size", "total", "has_more", "next_cursor"} <= set(page)
    assert (1, 20, newest) == (page["page"], page["page_size"], page["items"][0])
    assert page["total"] >= 2


def test_pages_and_cursors_show_every_image_once(api):
    """In the same order."""
    for i in range(5):
        make_image(api, f"paged {i}", n=2)
    by_cursor, cursor = [], ""
    while cursor is not None:
        page = data(api.get(f"{IMAGES}?page_size=7{cursor and '&cursor=' + cursor}"))
        by_cursor += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    by_page = [
        item["id"]
        for number in range(1, -(-page["total"] // 7) + 1)
        for item in data(api.get(f"{IMAGES}?page_size=7&page={number}"))["items"]
    ]

    assert by_page == by_cursor == sorted(set(by_cursor), reverse=True)
    assert page["total"] == len(by_cursor)


def test_a_cursor_is_not_shifted_by_new_images(api):
    """Unlike a page number."""
    for i in range(3):
        make_image(api, f"before {i}")
    first = data(api.get(f"{IMAGES}?page_size=2"))
    make_image(api, "came in between")
    second = data(api.get(f"{IMAGES}?page_size=2&cursor={first['next_cursor']}"))

    assert first["items"][-1]["id"] > second["items"][0]["id"]


def test_filters_by_provider_and_model(api, saved):
    """Each alone, and both together."""
    saved("gallery", models=[{"id": "oil"}, {"id": "ink"}])
    ids = {}
    for model in ("oil", "ink"):
        body = {**body_of(), "provider": "gallery", "model_id": model}
        ids[model] = data(api.post(GENERATE, json=body, headers=WAIT))["images"][0]["id"]

    def ids_of(query):
        return [item["id"] for item in data(api.get(f"{IMAGES}?{query}"))["items"]]

    assert [ids["ink"], ids["oil"]] == ids_of("provider=gallery")
    assert [ids["ink"]] == ids_of("provider=gallery&model_id=ink") == ids_of("model_id=ink")
    assert [] == ids_of("provider=gallery&model_id=demo") == ids_of("provider=nobody")


def test_filters_by_date_and_time(api):
    """``from`` and ``to``; a date without a time as ``to`` includes the whole day."""
    record = make_image(api, "dated")
    at = datetime.fromisoformat(record["created_at"])
    today, day = at.date(), timedelta(days=1)
    second = timedelta(seconds=1)

    def has(**query):
        query = {name.rstrip("_"): str(value) for name, value in query.items()}
        return record["id"] in [
            i["id"] for i in data(api.get(IMAGES, params={**query, "page_size": 100}))["items"]
        ]

    assert has(from_=today)
    assert has(to=today)
    assert has(to=today.strftime("%Y%m%d"))
    assert has(from_=today, to=today)
    assert has(from_=record["created_at"])
    assert has(from_=(at - second).isoformat(), to=(at + second).isoformat())
    assert has(from_=(at - second).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert not has(to=today - day)
    assert not has(from_=today + day)
    assert not has(from_=(at + second).isoformat())
    assert not has(to=(at - second).isoformat())


def test_the_time_zone_of_a_filter_counts(api):
    """Also if the plus sign of the query was decoded as a space."""
    record = make_image(api, "zoned")
    at = datetime.fromisoformat(record["created_at"])
    shanghai = timezone(timedelta(hours=8))
    early = at.astimezone(shanghai).isoformat()
    late = (at + timedelta(milliseconds=1)).astimezone(shanghai).isoformat()

    for spell in (quote, str):
        items = data(api.get(f"{IMAGES}?from={spell(early)}&to={spell(late)}"))["items"]
        assert [record["id"]] == [item["id"] for item in items]


def test_the_bytes_are_what_the_record_says(content, image):
    """Size, checksum, type, dimensions."""
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()

        assert (image["size_bytes"], image["sha256"], "PNG", (64, 64)) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
            opened.format,
            opened.size,
        )


@pytest.mark.parametrize(
    ("kind", "mime_type"),
    [(kind, f"image/{kind}") for kind in ("png", "jpeg", "webp", "gif", "avif")],
)
def test_the_type_comes_from_the_bytes(api, kind, mime_type):
    """For each that the demo draws."""
    record = make_image(api, format=kind)
    answer = api.get(record["image_url"])

    assert (mime_type, mime_type) == (record["mime_type"], answer.headers["content-type"])


def test_content_is_served_safely(api, image):
    """A strong ETag, private and immutable, nosniff, a sandbox."""
    headers = api.get(image["image_url"]).headers

    assert headers["etag"].startswith('"')
    assert {"private", "immutable"} <= {part.strip() for part in headers["cache-control"].split(",")}
    assert "nosniff" == headers["x-content-type-options"]
    assert "sandbox" in headers["content-security-policy"]
    assert "bytes" == headers["accept-ranges"]


def test_content_has_a_safe_file_name(api, image):
    """The prompt's words, in any script, without a path or a quote."""
    disposition = api.get(image["image_url"]).headers["content-disposition"]
    name = unquote(disposition.rpartition("filename*=UTF-8''")[2])

    assert disposition.isascii()
    assert (True, True) == ("猫" in name, name.endswith(".png"))
    assert [] == [char for char in '/\\"<>|:*?' if char in name]


@pytest.mark.parametrize("tag", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_an_unchanged_image_is_304(api, image, tag):
    """Without a body, with the tag."""
    etag = api.get(image["image_url"]).headers["etag"]
    answer = api.get(image["image_url"], headers={"If-None-Match": tag.format(etag=etag)})

    assert (304, b"", etag) == (answer.status_code, answer.content, answer.headers["etag"])


def test_another_tag_is_200(api, image, content):
    """The bytes are sent."""
    answer = api.get(image["image_url"], headers={"If-None-Match": '"other"'})

    assert (200, content) == (answer.status_code, answer.content)


@pytest.mark.parametrize(
    ("requested", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-1", slice(-1, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=10-999999999", slice(10, None)),
        ("bytes=-999999999", slice(0, None)),
        ("bytes=0-", slice(0, None)),
    ],
)
def test_one_range_is_206(api, image, content, requested, part):
    """From the start, from the end, beyond the end."""
    answer = api.get(image["image_url"], headers={"Range": requested})
    expected = content[part]
    start = len(content[: part.start]) if part.start else 0

    assert (206, expected) == (answer.status_code, answer.content)
    assert f"bytes {start}-{start + len(expected) - 1}/{len(content)}" == answer.headers["content-range"]
    assert str(len(expected)) == answer.headers["content-length"]


@pytest.mark.parametrize(
    "requested", ["bytes={size}-", "bytes=99999999-", "bytes=-0", "bytes=99999999-999999999"]
)
def test_a_range_behind_the_end_is_416(api, image, content, requested):
    """With the size."""
    answer = api.get(image["image_url"], headers={"Range": requested.format(size=len(content))})

    assert (416, f"bytes */{len(content)}") == (answer.status_code, answer.headers["content-range"])
    assert "no-store" == answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("tag", "status"), [('"zz"', 412), ("*", 200), ("{etag}", 200), ('"zz", {etag}', 200)]
)
def test_if_match_asks_for_the_same_bytes(api, image, tag, status):
    """Other ones are not sent."""
    etag = api.head(image["image_url"]).headers["etag"]
    answer = api.get(image["image_url"], headers={"If-Match": tag.format(etag=etag)})

    assert (status, status == 200) == (answer.status_code, answer.content != b"")


def test_a_range_may_end_at_any_number(api, image, content):
    """However many digits it has."""
    answer = api.get(image["image_url"], headers={"Range": f"bytes=1-{'9' * 40}"})

    assert (206, content[1:]) == (answer.status_code, answer.content)


@pytest.mark.parametrize(
    "requested", ["bytes=5-2", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", "bytes", ""]
)
def test_an_invalid_range_is_ignored(api, image, content, requested):
    """And so are several ranges."""
    answer = api.get(image["image_url"], headers={"Range": requested})

    assert (200, content) == (answer.status_code, answer.content)


def test_if_range_holds_only_for_the_same_bytes(api, image, content):
    """Otherwise the whole image is sent."""
    etag = api.get(image["image_url"]).headers["etag"]
    answers = [
        api.get(image["image_url"], headers={"Range": "bytes=0-9", "If-Range": tag})
        for tag in (etag, '"other"', f"W/{etag}", "Wed, 25 Nov 2026 00:00:00 GMT")
    ]

    assert [(206, 10)] + [(200, len(content))] * 3 == [(a.status_code, len(a.content)) for a in answers]


@pytest.mark.parametrize("path", ["image_url", "thumbnail_url"])
def test_head_has_the_same_headers_without_a_body(api, server, image, path):
    """The connection stays usable."""
    full = api.get(image[path])
    host = urlsplit(server.url)
    connection = http.client.HTTPConnection(host.hostname, host.port)
    for _ in range(2):
        connection.request("HEAD", image[path])
        answer = connection.getresponse()

        assert (200, b"", full.headers["content-length"], full.headers["etag"]) == (
            answer.status,
            answer.read(),
            answer.headers["content-length"],
            answer.headers["etag"],
        )
    connection.close()


@pytest.mark.parametrize(("width", "height"), [(64, 64), (1024, 700), (300, 1500)])
def test_a_thumbnail_is_a_small_webp(api, width, height):
    """At most 512 pixels a side, never enlarged, in the same shape."""
    record = data(
        api.post(
            GENERATE, json={"params": {"prompt": "thumb", "width": width, "height": height}}, headers=WAIT
        )
    )["images"][0]
    answer = api.get(record["thumbnail_url"])
    with Image.open(io.BytesIO(answer.content)) as opened:
        shown = opened.size
        opened.load()

        assert ("image/webp", "WEBP") == (answer.headers["content-type"], opened.format)
    assert max(shown) == min(512, max(width, height))
    assert abs(shown[0] / shown[1] - width / height) < 0.02


def test_a_deleted_image_leaves_no_file(api, server):
    """Neither image nor thumbnail; the task stays, without it."""
    task = finished(api, "to be deleted")
    record = task["images"][0]
    whole = api.get(record["image_url"]).content
    small = api.get(record["thumbnail_url"]).content
    answer = api.delete(f"{IMAGES}/{record['id']}")
    files = contents(server.data_dir).values()

    assert (200, None) == (answer.status_code, data(answer))
    assert (404, 40402, "image_not_found") == row(api.get(record["image_url"]))
    assert [] == [content for content in files if content in (whole, small)]
    assert ("completed", [], None) == tuple(
        task_of(api, task["task_id"])[name] for name in ("status", "images", "image_url")
    )


def test_a_deleted_image_is_in_no_list(api):
    """The totals exclude it, and its id is not reused."""
    record = make_image(api, "gone from lists 消失")
    before = data(api.get(IMAGES))["total"]
    data(api.delete(f"{IMAGES}/{record['id']}"))
    matches = data(api.get(f"{IMAGES}/search", params={"keyword": "gone from lists 消失"}))

    assert before - 1 == data(api.get(IMAGES))["total"]
    assert ([], 0) == (matches["items"], matches["total"])
    assert make_image(api, "after")["id"] > record["id"]


def test_a_task_of_several_keeps_the_others(api):
    """Only the deleted one is missing."""
    task = finished(api, n=3)
    first, *rest = [i["id"] for i in task["images"]]
    data(api.delete(f"{IMAGES}/{first}"))

    assert rest == [i["id"] for i in data(api.get(f"{TASKS}/{task['task_id']}"))["images"]]


def test_equal_images_are_deleted_one_by_one(api):
    """Two images with the same bytes have two files."""
    one, other = make_image(api, "twin", seed=5), make_image(api, "twin", seed=5)
    data(api.delete(f"{IMAGES}/{one['id']}"))

    assert one["sha256"] == other["sha256"]
    assert other["sha256"] == hashlib.sha256(api.get(other["image_url"]).content).hexdigest()


def test_every_file_is_for_its_owner_only(server, image):
    """Directories 0700, files 0600."""
    assert {(True, 0), (False, 0)} == modes(server.data_dir)


def test_an_input_image_is_not_in_the_gallery(api):
    """Only generated images are."""
    before = data(api.get(IMAGES))["total"]
    body = {"provider": "demo", "image": data_url(png(2))}
    data(api.post("/api/v1/images/upscale", json=body, headers=WAIT))

    assert before + 1 == data(api.get(IMAGES))["total"]


@pytest.mark.one_box
def test_a_lost_thumbnail_is_rebuilt(api, server):
    """The next request stores it again."""
    record = make_image(api, "thumbnail lost")
    before = api.get(record["thumbnail_url"]).content
    (file,) = (server.data_dir / "images").rglob(f"{record['task_id']}*.thumb.webp")
    file.unlink()
    after = api.get(record["thumbnail_url"]).content

    assert before == after == file.read_bytes()


@pytest.mark.one_box
def test_a_thumbnail_that_a_client_has_is_not_read(api, server):
    """Nor rebuilt if it is lost: its tag follows from the image."""
    record = make_image(api, "thumbnail known")
    etag = api.get(record["thumbnail_url"]).headers["etag"]
    (file,) = (server.data_dir / "images").rglob(f"{record['task_id']}*.thumb.webp")
    file.unlink()
    answer = api.get(record["thumbnail_url"], headers={"If-None-Match": etag})

    assert (304, b"", False) == (answer.status_code, answer.content, file.exists())


def test_a_large_thumbnail_is_asked_for(api):
    """Twice the pixels, but never more than the image has; a tag of its own, and as long in caches."""
    record = make_image(api, "dense", width=1600, height=800)
    small, large = (api.get(record["thumbnail_url"], params={"size": size}) for size in (512, 1024))
    again = api.get(large.url, headers={"If-None-Match": large.headers["etag"]})

    assert [(512, 256), (1024, 512)] == [Image.open(io.BytesIO(one.content)).size for one in (small, large)]
    assert small.content == api.get(record["thumbnail_url"]).content
    assert (304, b"") == (again.status_code, again.content)
    assert small.headers["etag"] != large.headers["etag"]
    assert small.headers["cache-control"] == large.headers["cache-control"]
    assert (800, 600) == shown_size(api, make_image(api, "in between", width=800, height=600))
    assert (64, 64) == shown_size(api, make_image(api, "small", width=64, height=64))


def shown_size(api, record):
    """Return the size of an image's large thumbnail."""
    return Image.open(io.BytesIO(api.get(f"{record['thumbnail_url']}?size=1024").content)).size


@pytest.mark.parametrize("size", ["1", "2048", "1024.0", "large", "-512"])
def test_other_sizes_are_refused(api, image, size):
    """Each would be a file more that anybody could have made."""
    answer = api.get(image["thumbnail_url"], params={"size": size})

    assert (400, 40000) == row(answer)[:2]


@pytest.mark.one_box
def test_large_thumbnails_are_of_looks_alone(api, server):
    """A file each that no backup and no check of the stores has; an image takes it along."""
    record = make_image(api, "looked at", width=1600, height=800)
    directory = server.data_dir / "large-thumbnails"

    def files():
        return list(directory.rglob(f"{record['task_id']}*"))

    api.get(record["thumbnail_url"])
    before = files()
    api.get(f"{record['thumbnail_url']}?size=1024")
    (file,) = files()
    data(api.post(f"{IMAGES}/batch", json={"action": "trash", "ids": [record["id"]]}))
    in_trash = file.exists()
    data(api.post(f"{IMAGES}/batch", json={"action": "delete", "ids": [record["id"]]}))
    until(files, lambda paths: not paths)

    assert ([], True) == (before, in_trash)


@pytest.mark.one_box
def test_a_damaged_image_has_no_large_thumbnail(api, server):
    """The small one is still shown; a deleted image has neither."""
    record = make_image(api, "damaged later", width=1600, height=800)
    small = api.get(record["thumbnail_url"]).content
    (file,) = (server.data_dir / "images").rglob(f"{record['task_id']}*.png")
    file.write_bytes(file.read_bytes()[:1000])
    answer = api.get(f"{record['thumbnail_url']}?size=1024")
    shown = api.get(record["thumbnail_url"]).content
    data(api.delete(f"{IMAGES}/{record['id']}"))

    assert ((500, 50000), small) == (row(answer)[:2], shown)
    assert 404 == api.get(f"{record['thumbnail_url']}?size=1024").status_code
