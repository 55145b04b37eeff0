"""API.md section 10: how many images each day has, and what is beside an image in a list."""

from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from tests.integration.api.asking import IMAGES, SEARCH, data, fields, make_image

DAYS = f"{IMAGES}/days"


@pytest.fixture(scope="module")
def gallery(server):
    """Images of two prompts, of which one is only close to the other."""
    with server.client() as api:
        for prompt in ("可爱的猫", "雪山", "可爱的小猫", "可爱的猫咪"):
            make_image(api, prompt)
        yield api


def shown(api, path, **query):
    """Return the ids of a list, by its pages."""
    ids, cursor = [], None
    while True:
        page = data(api.get(path, params={**query, "page_size": 3, **({"cursor": cursor} if cursor else {})}))
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids


def walked(api, first, **query):
    """Return the ids from the first one on by ``next``, and from the last one back by ``previous``."""
    ways = []
    for name in ("next", "previous"):
        ways.append([])
        while first is not None:
            ways[-1].append(first)
            first = data(api.get(f"{IMAGES}/{first}", params=query))[name]
        first = ways[-1][-1]
    return ways


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (IMAGES, {}),
        (IMAGES, {"model_id": "demo"}),
        (SEARCH, {"keyword": "猫"}),
        (SEARCH, {"keyword": "可爱的猫", "mode": "relevant"}),
    ],
)
def test_a_list_is_shown_from_either_end(gallery, path, query):
    """Its pages, ids, days and neighbours too; what is similar stays behind, best first."""
    exact = {**query, "mode": "contains"} if "mode" in query else query
    listed = shown(gallery, path, **exact)
    similar = [one for one in shown(gallery, path, **query) if one not in listed]
    expected = [*reversed(listed), *similar]
    oldest = {**query, "order": "oldest"}

    assert expected == shown(gallery, path, **oldest)
    assert expected == data(gallery.get(f"{IMAGES}/ids", params=oldest))["ids"]
    assert [expected, expected[::-1]] == walked(gallery, expected[0], **oldest)
    days = [data(gallery.get(DAYS, params=one)) for one in (query, oldest)]
    assert days[0] == days[1][::-1]


@pytest.mark.parametrize("orders", [("newest", "oldest"), ("oldest", "newest")])
def test_a_cursor_goes_on_in_its_own_order_alone(gallery, orders):
    """Another order is refused by name, and so is one that does not exist."""
    begun, other = orders
    for path, query in ((IMAGES, {}), (SEARCH, {"keyword": "猫"})):
        page = data(gallery.get(path, params={**query, "page_size": 1, "order": begun}))
        params = {**query, "order": other, "cursor": page["next_cursor"]}
        refused = gallery.get(path, params=params, headers={"Accept-Language": "en"})

        expected = [
            {"field": "cursor", "code": "other_query", "message": "belongs to another query or order"}
        ]
        assert (400, expected) == (refused.status_code, refused.json()["data"]["errors"])
    assert 400 == gallery.get(IMAGES, params={"order": "random"}).status_code


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "-11:00", "+14:00"])
def test_days_are_those_of_the_time_zone(gallery, zone):
    """Newest first, with all images that were made on them."""
    offset = {"UTC": 0, "Asia/Shanghai": 8, "-11:00": -11, "+14:00": 14}[zone]
    local = timezone(timedelta(hours=offset))
    items = [item for i in shown(gallery, IMAGES) for item in [data(gallery.get(f"{IMAGES}/{i}"))]]
    days = Counter(datetime.fromisoformat(i["created_at"]).astimezone(local).date() for i in items)

    expected = [{"day": str(day), "count": count} for day, count in sorted(days.items(), reverse=True)]
    assert expected == data(gallery.get(DAYS, params={"tz": zone}))


def test_days_take_the_filters_of_the_list(gallery):
    """And the words of a search; what nothing matches has no day."""
    today = gallery.get(f"{IMAGES}?page_size=1").json()["data"]["items"][0]["created_at"][:10]

    def count(**query):
        return sum(day["count"] for day in data(gallery.get(DAYS, params=query)))

    assert len(shown(gallery, IMAGES, model_id="demo")) == count(model_id="demo") > 0
    assert len(shown(gallery, SEARCH, keyword="可爱的猫")) == count(keyword="可爱的猫") > 0
    dates = {"from": today, "to": today}
    assert len(shown(gallery, IMAGES, **dates)) == count(**dates) > 0
    drawn = {"provider": "demo", "operation": "generate"}
    assert len(shown(gallery, IMAGES, **drawn)) == count(**drawn) > 0
    assert [] == data(gallery.get(DAYS, params={"provider": "nobody"}))
    assert 0 == count(keyword="龙") == count(to="2020-01-01") == count(to="2020-01-01T00:00:01")


def test_dates_are_those_of_the_time_zone(gallery):
    """Of the list and of the days alike: here the day has begun before, there it has not ended."""
    item = gallery.get(f"{IMAGES}?page_size=1").json()["data"]["items"][0]
    local = datetime.fromisoformat(item["created_at"]).astimezone(timezone(timedelta(hours=14))).date()
    day = {"from": str(local), "to": str(local), "tz": "+14:00"}
    listed = shown(gallery, IMAGES, **day)

    assert item["id"] == listed[0]
    assert [{"day": str(local), "count": len(listed)}] == data(gallery.get(DAYS, params=day))
    assert [] == data(gallery.get(DAYS, params={**day, "from": str(local + timedelta(days=1)), "to": ""}))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (IMAGES, {}),
        (IMAGES, {"provider": "demo", "operation": "generate"}),
        (SEARCH, {"keyword": "可爱的"}),
        (SEARCH, {"keyword": "可爱的猫", "mode": "relevant"}),
        (SEARCH, {"keyword": "可爱的猫", "mode": "relevant", "model_id": "demo"}),
    ],
)
def test_neighbours_lead_through_the_list(gallery, path, query):
    """From its first image to its last one and back, in the order of its pages; both ends are null."""
    ids = shown(gallery, path, **query)

    assert [ids, ids[::-1]] == walked(gallery, ids[0], **query)


def test_an_image_outside_the_list_has_no_neighbours(gallery):
    """Its record is there all the same."""
    other = make_image(gallery, "another")
    record = data(gallery.get(f"{IMAGES}/{other['id']}", params={"keyword": "雪山"}))

    relatives = {"parents": [], "children": []}
    assert {**other, **relatives, "previous": None, "next": None} == record


@pytest.mark.parametrize("path", [DAYS, f"{IMAGES}/1"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("tz=Mars/Olympus", "tz"),
        ("from=yesterday", "from"),
        ("operation=paint", "operation"),
        ("mode=fuzzy", "mode"),
        ("keyword=%20%E3%80%80", "keyword"),
        (f"provider={'x' * 65}", "provider"),
    ],
)
def test_an_invalid_query_is_refused(gallery, path, query, field):
    """With the parameter's name."""
    assert [field] == fields(gallery.get(f"{path}?{query}"))


def test_paging_is_no_part_of_the_list(gallery):
    """A client may pass on the whole query of the page that it shows."""
    newest = shown(gallery, IMAGES)[0]
    query = {"page": 2, "page_size": 1, "cursor": "of the list"}

    assert data(gallery.get(f"{IMAGES}/{newest}")) == data(gallery.get(f"{IMAGES}/{newest}", params=query))
