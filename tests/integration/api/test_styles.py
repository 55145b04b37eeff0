"""Styles: those that ship, what people save, and what is refused."""

import pytest

from imagegen_core.limits import MAX_STYLES
from tests.integration.api.asking import data, fields, row

STYLES = "/api/v1/styles"
SHIPPED = ["white-background", "scene", "guochao", "poster-space", "detail"]
RED = {"id": "red", "name": {"zh": "红底"}, "prompt": {"zh": "{prompt}，红色背景，{光线}"}}
HTML = "<script>alert(1)</script>=HYPERLINK(1)"


@pytest.fixture(autouse=True)
def none_saved(api):
    """No style is saved."""
    for style in styles(api):
        if not style["shipped"]:
            data(api.delete(f"{STYLES}/{style['id']}"))


def styles(api, **query):
    return data(api.get(STYLES, params=query))["items"]


def save(api, *changed):
    return api.post(STYLES, json={"styles": list(changed)})


def test_five_kits_ship(api):
    """Each in both languages, with a picture that is there; every one could be saved as it is."""
    kits = styles(api)

    assert SHIPPED == [kit["id"] for kit in kits]
    assert all(kit["shipped"] and "{prompt}" in kit["prompt"]["zh"] and kit["name"]["en"] for kit in kits)
    assert [("image/webp", 200)] * 5 == [
        (answer.headers["content-type"], answer.status_code)
        for answer in (api.get(kit["thumbnail"]) for kit in kits)
    ]
    assert kits == data(save(api, *kits))["items"]


def test_a_style_is_made_changed_carried_and_deleted(api):
    """What was exported is what is imported; a text as HTML comes back as it was, as JSON."""
    params = {"seed": 7, "nested": {"list": [1, {"a": None}]}}
    hostile = {**RED, "id": None, "name": {"en": HTML}, "params": params, "variables": {"光线": [HTML]}}
    [first] = data(save(api, {**hostile, "image_id": 7}))["items"]
    [changed] = data(save(api, {**first, "name": {"zh": "红", "en": HTML}}))["items"]
    exported = styles(api)
    data(api.delete(f"{STYLES}/{first['id']}"))
    without = styles(api)
    data(save(api, *exported))

    assert (HTML, "/api/v1/images/7/thumbnail", params) == (
        changed["name"]["en"],
        changed["thumbnail"],
        changed["params"],
    )
    assert [*SHIPPED, changed["id"]] == [style["id"] for style in exported]
    assert (SHIPPED, exported) == ([style["id"] for style in without], styles(api))


def test_a_kit_that_was_changed_is_brought_back(api):
    """It is shown once, and is as it came once what was saved is deleted."""
    kit = styles(api)[0]
    data(save(api, {**kit, "prompt": {"zh": "{prompt}，白底"}}))
    changed = styles(api)
    data(api.delete(f"{STYLES}/{kit['id']}"))

    assert (5, [False]) == (len(changed), [one["shipped"] for one in changed if one["id"] == kit["id"]])
    assert [kit] * 2 == [styles(api)[0], data(api.get(f"{STYLES}/{kit['id']}"))]
    assert (404, 40410, "style_not_found") == row(api.get(f"{STYLES}/x"))
    assert (404, 40410, "style_not_found") == row(api.delete(f"{STYLES}/{kit['id']}"))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"id": "../x"}, "styles.1.id"),
        ({"name": {}}, "styles.1.name"),
        ({"name": {"zh": "x" * 101}}, "styles.1.name.zh"),
        ({"name": {"zh": "a\nb"}}, "styles.1.name.zh"),
        ({"prompt": {"zh": " "}}, "styles.1.prompt"),
        ({"prompt": {"zh": "{prompt}", "en": "red"}}, "styles.1.prompt.en"),
        ({"prompt": {"zh": "{prompt} {"}}, "styles.1.prompt.zh"),
        ({"variables": {"色": ["红"]}}, "styles.1.variables.色"),
        ({"variables": {"prompt": ["红"]}}, "styles.1.variables.prompt"),
        ({"params": {"a": "x" * 17_000}}, "styles.1"),
        ({"image_id": 0}, "styles.1.image_id"),
        ({"surprise": 1}, "styles.1.surprise"),
    ],
)
def test_what_nobody_could_use_is_refused(api, changes, wrong):
    """With all that came along: nothing of it is saved."""
    answer = save(api, RED, {**RED, **changes})

    assert [wrong] == fields(answer)
    assert SHIPPED == [style["id"] for style in styles(api)]


def test_too_many_are_refused(api):
    """In one request, and together with those that are there; ten megabytes are no body of this path."""
    many = [{**RED, "id": f"red-{number}"} for number in range(MAX_STYLES)]
    data(save(api, *many))
    beyond = save(api, RED)
    again = save(api, *many)
    answers = [save(api, *many * 20), save(api, {**RED, "params": {"a": "x" * 10_000_000}})]

    assert ((400, 40000, "validation_failed"), ["styles"]) == (row(beyond), fields(beyond))
    assert 200 == again.status_code
    assert [400, 413] == [answer.status_code for answer in answers]
    assert MAX_STYLES + len(SHIPPED) == len(styles(api))
    assert 2 == len(styles(api, page_size=2))
