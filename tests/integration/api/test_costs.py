"""What tasks and images cost, what requests would cost, and what was used."""

from decimal import Decimal

import pytest

from tests.integration.api.asking import (
    ENGLISH,
    GENERATE,
    IMAGES,
    SMALL,
    TASKS,
    WAIT,
    data,
    fields,
    finished,
    row,
    task_of,
)

ESTIMATE = f"{TASKS}/estimate"
USAGE = "/api/v1/usage"


def prices(amount, **conditions):
    """Return a configuration in which an image of the demo costs something."""
    price = {"currency": "CNY", "rates": [{"amount": amount, **conditions}]}
    return {"extra_config": {"prices": {"demo": price}}}


def cny(amount, basis="estimated"):
    return {"amount": amount, "currency": "CNY", "basis": basis}


def made_with(api, provider, **params):
    """Return the finished task of a provider."""
    body = {"provider": provider, "params": {"prompt": "一座灯塔", **SMALL, **params}}
    return data(api.post(GENERATE, json=body, headers=WAIT))


def usage_of(api, key, **query):
    """Return the group of the usage with that key."""
    groups = data(api.get(USAGE, params=query))["groups"]
    return next(group for group in groups if group["key"] == key)


def test_a_task_and_its_images_say_what_they_cost(api, saved):
    """The images share it; a task that is shown later and the list say the same."""
    saved("priced", **prices(0.1))
    task = made_with(api, "priced", num=3)

    assert (cny("0.30"), [cny("0.30")]) == (task["cost"], task["costs"])
    assert [cny("0.10")] * 3 == [image["cost"] for image in task["images"]]
    assert cny("0.10") == data(api.get(f"{IMAGES}/{task['images'][0]['id']}"))["cost"]
    assert cny("0.30") == task_of(api, task["task_id"])["cost"]
    assert cny("0.30") == data(api.get(TASKS, params={"provider": "priced"}))["items"][0]["cost"]


def test_what_nobody_bills_costs_nothing(api):
    """The demo's tasks and images have no cost."""
    task = finished(api)

    assert (None, [], None) == (task["cost"], task["costs"], task["images"][0]["cost"])


def test_the_events_say_it_too(api, saved):
    """The snapshot of a finished task has its cost."""
    saved("priced", **prices(0.1))
    task = made_with(api, "priced")

    events = api.get(f"{TASKS}/{task['task_id']}/events").text
    assert '"cost": {"amount": "0.10", "currency": "CNY", "basis": "estimated"}' in events


def test_a_request_is_priced_before_it_is_sent(api, saved):
    """The body is that of a generation; no task comes of it."""
    saved("priced", **prices(0.1))
    before = data(api.get(f"{TASKS}/counts"))
    body = {"provider": "priced", "params": {"prompt": "一座灯塔", "num": 4}}

    assert {"cost": cny("0.40")} == data(api.post(ESTIMATE, json=body))
    assert before == data(api.get(f"{TASKS}/counts"))


def test_other_operations_are_priced_by_their_name(api, saved):
    """Their images may be left out, and are not read where they are there."""
    saved("priced", **prices(0.3, operations=["edit", "upscale"]))
    bodies = [
        {"operation": "edit", "prompt": "猫"},
        {"operation": "edit", "prompt": "猫", "image": "image:999999", "edit_mode": "EDIT_MODE_OUTPAINT"},
        {"operation": "upscale", "upscale_factor": "x4"},
        {"operation": "reference", "prompt": "猫", "reference_images": ["image:999999"]},
    ]

    costs = [data(api.post(ESTIMATE, json={"provider": "priced", **body}))["cost"] for body in bodies]
    unknown = {"amount": None, "currency": None, "basis": "unknown"}
    assert [cny("0.30")] * 3 + [unknown] == costs


def test_an_unknown_price_is_told_by_the_last_images(api, saved):
    """The median of those of the same operation, times the images asked for; nothing where there are none."""
    saved("by-history", **prices(0.1))
    for amount in (0.1, 0.5, 0.2):
        saved("by-history", **prices(amount))
        made_with(api, "by-history")
    saved("by-history", **prices(0.3, operations=["upscale"]))

    def estimate(**body):
        return data(api.post(ESTIMATE, json={"provider": "by-history", **body}))

    usual = {"amount": "0.80", "currency": "CNY", "images": 3}
    assert usual == estimate(params={"num": 4})["usual"]
    assert {"cost": cny("0.30")} == estimate(operation="upscale", upscale_factor="x2")
    assert ["cost"] == list(estimate(operation="edit"))


def test_what_costs_nothing_has_no_estimate(api):
    """The demo."""
    assert {"cost": None} == data(api.post(ESTIMATE, json={"provider": "demo", "params": {"prompt": "猫"}}))


def test_tokens_of_gpt_image_are_forecast_by_size_and_quality(api, saved):
    """A quality that the provider chooses is the dearest; a size that it chooses, a square of a megapixel."""
    saved("openai", kind="http", api_key="sk-never-sent")
    requests = [
        {"size": "1024x1024", "quality": "medium"},
        {"size": "1536x1024", "quality": "high", "num": 2},
        {"size": "1024x1024"},
        {"quality": "low"},
        {"size": "1024x1024", "quality": "medium", "model_id": "gpt-image-2.5-flare"},
        {"size": "1024x1024", "quality": "medium", "model_id": "gpt-image-2.6-flare"},
    ]

    costs = []
    for params in requests:
        body = {"provider": "openai", "model_id": params.pop("model_id", None), "params": params}
        costs.append(data(api.post(ESTIMATE, json=body))["cost"])
    amounts = ["0.05268", "0.32928", "0.21072", "0.00588", "0.01317", "0.05268"]
    assert amounts == [cost["amount"] for cost in costs]
    assert {("USD", "estimated")} == {(c["currency"], c["basis"]) for c in costs}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"params": {"prompt": "猫", "num": 11}}, ["params.num"]),
        ({"params": {"prompt": "猫"}, "pictures": []}, ["pictures"]),
        ({"params": {"prompt": "猫"}, "operation": "paint"}, ["operation"]),
        ({"params": {"prompt": "猫"}, "upscale_factor": "x2"}, ["upscale_factor"]),
        ({"operation": "upscale", "upscale_factor": "x3"}, ["upscale_factor"]),
        ({"params": {"prompt": "猫" * 40_000}}, ["params.prompt"]),
        ({"params": {"prompt": 5}}, ["params.prompt"]),
        ({"operation": "edit", "prompt": "猫" * 40_000}, ["prompt"]),
    ],
)
def test_a_request_that_would_be_refused_has_no_estimate(api, body, wrong):
    """The field is named, as it would be then."""
    assert wrong == fields(api.post(ESTIMATE, json={"provider": "demo", **body}))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"params": {"prompt": ""}},
        {"params": {"prompt": None}},
        {"operation": "reference", "reference_images": []},
        {"operation": "edit", "image": "image:99999999"},
    ],
)
def test_prompt_and_images_may_be_missing_from_an_estimate(api, body):
    """A form asks for the price before they are there."""
    assert {"cost": None} == data(api.post(ESTIMATE, json={"provider": "demo", **body}))


def test_a_provider_or_model_that_is_not_there_has_no_estimate(api):
    """With the rows of the error table that a submission has."""
    nobody = api.post(ESTIMATE, json={"provider": "nobody", "params": {"prompt": "猫"}})
    no_model = api.post(ESTIMATE, json={"provider": "demo", "model_id": "none", "params": {"prompt": "猫"}})

    assert (400, 40001, "provider_not_configured") == row(nobody)
    assert (400, 40003, "model_not_available") == row(no_model)


def test_usage_is_added_up_by_provider_model_and_day(api, saved):
    """Deleting an image changes no sum."""
    saved("added-up", **prices(0.1))
    tasks = [made_with(api, "added-up", num=2) for _ in range(2)]
    expected = {
        "key": "added-up",
        "tasks": 2,
        "images": 4,
        "known": {},
        "estimated": {"CNY": "0.40"},
        "possible": {},
        "failed": 0,
        "unknown_attempts": 0,
    }

    before = usage_of(api, "added-up", group_by="provider")
    data(api.delete(f"{IMAGES}/{tasks[0]['images'][0]['id']}"))
    day = tasks[1]["completed_at"][:10]
    of_day = usage_of(api, day)
    of_model = usage_of(api, "demo", group_by="model")

    assert expected == before == usage_of(api, "added-up", group_by="provider")
    assert [True, True] == [
        Decimal(group["estimated"]["CNY"]) >= Decimal("0.4") for group in (of_day, of_model)
    ]
    assert [] == data(api.get(USAGE, params={"to": "2020-01-01"}))["groups"]
    assert day in [g["key"] for g in data(api.get(USAGE, params={"from": day, "to": day}))["groups"]]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "+08:00", "-03:30", "Asia/Kathmandu"])
def test_days_are_those_of_a_time_zone(api, zone):
    """By its name or its offset; all of the tasks are in one of them."""
    finished(api)
    everything = data(api.get(USAGE, params={"group_by": "provider"}))["groups"]
    days = data(api.get(USAGE, params={"tz": zone}))["groups"]

    assert sum(g["tasks"] for g in everything) == sum(g["tasks"] for g in days)


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"group_by": "week"}, "group_by"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"tz": "Asia"}, "tz"),
        ({"tz": "+08:07"}, "tz"),
        ({"tz": "x" * 300}, "tz"),
        ({"tz": "\x00"}, "tz"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(api, query, wrong):
    """The field is named."""
    assert [wrong] == fields(api.get(USAGE, params=query))


def test_a_mistake_is_told_in_both_languages(api):
    """Chinese unless English is asked for."""
    chinese = api.get(USAGE, params={"tz": "Mars"}).json()["data"]["errors"][0]["message"]
    english = api.get(USAGE, params={"tz": "Mars"}, headers=ENGLISH).json()["data"]["errors"][0]["message"]

    assert ("时区" in chinese, "time zone" in english) == (True, True)
