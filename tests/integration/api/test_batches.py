"""Batches over HTTP: what they make, in which order, for how much, and how they are stopped."""

import csv
import io
import zipfile
from collections import Counter

import pytest

from tests.fakes.receiver import Receiver
from tests.integration.api.asking import (
    CONFIG,
    IMAGES,
    SMALL,
    TASKS,
    data,
    ended,
    fields,
    row,
    submit,
    total,
    until,
)

BATCHES = "/api/v1/batches"
NAMES = [f"a{number}" for number in range(4_500)]
HUGE = {"template": "".join(f"{{{name}}}" for name in NAMES), "variables": dict.fromkeys(NAMES, ["猫"] * 10)}


def create(api, headers=None, **body):
    """Post a batch of small images; return the response."""
    return api.post(BATCHES, json={"params": SMALL, **body}, headers=headers)


def created(api, **body):
    return data(create(api, **body))["batch_id"]


def batch_of(api, batch_id):
    return data(api.get(f"{BATCHES}/{batch_id}"))


def completed(api, batch_id, *statuses):
    """Return the batch once it is in one of the statuses, by default completed."""
    expected = statuses or ("completed",)
    return until(lambda: batch_of(api, batch_id), lambda batch: batch["status"] in expected)


def act(api, batch_id, verb):
    return data(api.post(f"{BATCHES}/{batch_id}/{verb}"))


def priced(amount, **more):
    """Return a configuration in which an image of the demo costs something."""
    price = {"currency": "CNY", "rates": [{"amount": amount}]}
    return {"extra_config": {"prices": {"demo": price}, **more}}


def prompts_of(api, path, batch_id):
    return [item["prompt"] for item in data(api.get(path, params={"batch_id": batch_id}))["items"]]


def test_a_template_is_made_with_every_combination(api):
    """By every target; the tasks and images of the batch can be listed, each with its prompt."""
    body = {
        "template": "{{一只}}{animal}在{place}",
        "variables": {"animal": ["猫", "狗"], "place": ["海边", "山上"]},
        "targets": [{"provider": "demo"}, {"provider": "on-file"}],
    }
    answer = create(api, name="动物", **body)
    accepted = data(answer)
    batch = completed(api, accepted["batch_id"])

    expected = [f"{{一只}}{animal}在{place}" for animal in "猫狗" for place in ("海边", "山上")] * 2
    assert (202, f"{BATCHES}/{batch['batch_id']}") == (answer.status_code, answer.headers["location"])
    assert (8, None, []) == (accepted["tasks"], accepted["estimate"], accepted["estimates"])
    assert ("动物", 8, 8, 8) == (
        batch["name"],
        batch["tasks"],
        batch["submitted"],
        batch["counts"]["completed"],
    )
    assert sorted(expected) == sorted(prompts_of(api, TASKS, batch["batch_id"]))
    assert sorted(expected) == sorted(prompts_of(api, IMAGES, batch["batch_id"]))
    assert batch["batch_id"] == data(api.get(TASKS))["items"][0]["batch_id"]
    assert batch == data(api.get(BATCHES))["items"][0]


def test_prompts_and_items_are_made_too(api):
    """An item has parameters and a target of its own; what it leaves out is that of the batch."""
    items = [
        {"params": {"prompt": "一", "seed": 7}, "provider": "on-file"},
        {"params": {"prompt": "二", "width": 128}},
    ]
    first, second = created(api, prompts=["猫", "猫"]), created(api, items=items)
    alike = {"params": {"prompt": "三"}, "model_id": "demo"}
    third = created(api, items=[alike], targets=[{"provider": "on-file"}])
    for batch_id in (first, second, third):
        completed(api, batch_id)

    assert ["猫", "猫"] == prompts_of(api, TASKS, first)
    other, own = data(api.get(TASKS, params={"batch_id": second}))["items"]
    if own["prompt"] != "一":
        other, own = own, other
    assert ("on-file", {**SMALL, "seed": 7}) == (own["provider"], own["params"])
    assert ("demo", {**SMALL, "width": 128}) == (other["provider"], other["params"])
    assert ["on-file"] == [
        task["provider"] for task in data(api.get(TASKS, params={"batch_id": third}))["items"]
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"prompts": ["猫"], "template": "狗"}, "body"),
        ({"prompts": []}, "prompts"),
        ({"items": []}, "items"),
        ({"prompts": ["猫", " "]}, "prompts.1"),
        ({"prompts": ["猫" * 32_001]}, "prompts.0"),
        ({"template": "一只{animal}"}, "variables.animal"),
        ({"template": "一只{animal}", "variables": {"animal": []}}, "variables.animal"),
        ({"template": "一只{animal}", "variables": {"animal": ["猫"], "place": ["海边"]}}, "variables.place"),
        ({"template": "一只{animal", "variables": {"animal": ["猫"]}}, "template"),
        ({"template": "一只}{animal}", "variables": {"animal": ["猫"]}}, "template"),
        ({"template": "{a}", "variables": {"a": ["猫", ""]}}, "template"),
        ({"template": "{a\0}", "variables": {"a\0": ["猫"]}}, "template"),
        ({"template": "{{" * 16_001}, "template"),
        (HUGE, "body"),
        ({"prompts": [" ", *["猫" * 300] * 9_999]}, "prompts.0"),
        (
            {"items": [{"params": {}}, *[{"params": {"prompt": "猫", **SMALL}}] * 9_999]},
            "items.0.params.prompt",
        ),
        ({"prompts": ["猫"], "max_cost": {"amount": "1e5", "currency": "CNY"}}, "max_cost.amount"),
        ({"prompts": ["猫"] * 10_001}, "body"),
        ({"prompts": ["猫"] * 5_001, "targets": [{"provider": "demo"}, {"provider": "on-file"}]}, "body"),
        ({"prompts": ["猫"], "params": {"prompt": "狗"}}, "params.prompt"),
        ({"prompts": ["猫"], "params": {"nothing": 1}}, "params.nothing"),
        ({"items": [{"params": {}}]}, "items.0.params.prompt"),
        ({"prompts": ["猫"], "targets": []}, "targets"),
        (
            {
                "items": [{"params": {"prompt": "猫"}, "provider": "demo"}],
                "targets": [{}, {"provider": "on-file"}],
            },
            "targets",
        ),
        ({"prompts": ["猫"], "operation": "edit"}, "operation"),
        ({"prompts": ["猫"], "fallback": [{"provider": "demo"}]}, "fallback.0.provider"),
        ({"prompts": ["猫"], "fallback": [{"provider": "on-file"}], "mode": "vendor"}, "fallback"),
        ({"prompts": ["猫"], "mode": "vendor"}, "mode"),
        ({"prompts": ["猫"], "concurrency": 0}, "concurrency"),
        ({"prompts": ["猫"], "max_cost": {"amount": "0", "currency": "CNY"}}, "max_cost.amount"),
        ({"prompts": ["猫"], "max_cost": {"amount": "viel", "currency": "CNY"}}, "max_cost.amount"),
        ({"prompts": ["猫"], "max_cost": {"amount": "1", "currency": "yuan"}}, "max_cost.currency"),
    ],
)
def test_what_cannot_be_made_is_refused_as_a_whole(api, body, field):
    """Its field is named, no price is told, and no task comes of it."""
    before = total(api), total(api, BATCHES)
    estimate = api.post(f"{BATCHES}/estimate", json={"params": SMALL, **body})

    assert [field] == fields(create(api, **body)) == fields(estimate)
    assert before == (total(api), total(api, BATCHES))


def test_unknown_targets_are_refused(api):
    """As for a single task."""
    nobody = create(api, prompts=["猫"], targets=[{"provider": "nobody"}])
    no_model = create(api, prompts=["猫"], targets=[{"provider": "demo", "model_id": "nothing"}])

    assert (400, 40001, "provider_not_configured") == row(nobody)
    assert (400, 40003, "model_not_available") == row(no_model)


def test_another_provider_is_asked_next(api):
    """Where the target has charged nothing, as for a single task."""
    refused = {**SMALL, "fail": "unavailable"}
    body = {"prompts": ["猫"], "params": refused, "fallback": [{"provider": "on-file"}]}
    batch = completed(api, created(api, **body))
    (task,) = data(api.get(TASKS, params={"batch_id": batch["batch_id"]}))["items"]

    assert ["demo", "on-file"] == [each["provider"] for each in task["attempt_history"]]
    assert ["on-file"] == [each["provider"] for each in task["fallback"]]


def test_a_key_makes_one_batch(api):
    """Which a replay shows as it is by then; another body with it is refused."""
    key = {"Idempotency-Key": "夜".encode().hex()}
    first, again = (create(api, headers=key, prompts=["猫"]) for _ in range(2))

    assert data(first)["batch_id"] == data(again)["batch_id"]
    assert (None, "true") == tuple(r.headers.get("idempotent-replayed") for r in (first, again))
    assert (422, 42201, "idempotency_key_reused") == row(create(api, headers=key, prompts=["狗"]))


def test_an_unknown_batch_is_not_found(api):
    """Whatever is wanted of it."""
    unknown = "0193a5c8-0000-7c3a-9d52-6f0f5c1e2b7b"
    answers = [api.get(f"{BATCHES}/{unknown}"), api.get(f"{BATCHES}/7")]
    answers += [
        api.post(f"{BATCHES}/{unknown}/{verb}") for verb in ("pause", "resume", "cancel", "retry-failed")
    ]

    assert {(404, 40408, "batch_not_found")} == set(map(row, answers))
    assert [] == data(api.get(TASKS, params={"batch_id": unknown}))["items"]
    assert [] == data(api.get(IMAGES, params={"batch_id": unknown}))["items"]
    assert ["batch_id"] == fields(api.get(IMAGES, params={"batch_id": unknown, "provider": "demo"}))


def test_the_ceiling_stops_it_before_it_is_passed(api, saved):
    """To the cent; the estimate says before what all would cost."""
    saved("priced", **priced("0.3"))
    ceiling = {"max_cost": {"amount": "1.00", "currency": "CNY"}, "targets": [{"provider": "priced"}]}
    answer = create(api, prompts=["猫"] * 5, **ceiling)
    batch = completed(api, data(answer)["batch_id"], "paused")
    resumed = act(api, batch["batch_id"], "resume")
    again = completed(api, batch["batch_id"], "paused")

    cost = {"amount": "1.50", "currency": "CNY", "basis": "estimated"}
    assert (cost, [cost]) == (data(answer)["estimate"], data(answer)["estimates"])
    assert ("max_cost", 3, 3) == (batch["reason"], batch["submitted"], batch["counts"]["completed"])
    assert [{**cost, "amount": "0.90"}] == batch["costs"]
    assert resumed["status"] in ("running", "paused")  # again, if the loop was faster than the answer
    assert batch == again


def test_a_ceiling_needs_prices_in_its_currency(api, saved):
    """Of every target: an unknown price, or another currency, is refused."""
    saved("priced", **priced("0.3"))
    saved(
        "unpriced",
        kind="http",
        api_base="https://example.com",
        api_key="k" * 20,
        extra_config={"preset": "openai"},
        models=[{"id": "nobody-knows", "capabilities": ["generate"]}],
    )
    in_dollars = {"max_cost": {"amount": "1", "currency": "USD"}, "targets": [{"provider": "priced"}]}
    unknown = {
        "max_cost": {"amount": "1", "currency": "CNY"},
        "targets": [{"provider": "priced"}, {"provider": "unpriced"}],
    }

    assert ["max_cost"] == fields(create(api, prompts=["猫"], **in_dollars))
    assert ["max_cost"] == fields(create(api, prompts=["猫"], params={}, **unknown))


def test_failures_are_counted_and_made_again(api):
    """A task that is made again is a new one; each item counts once."""
    items = [{"params": {"prompt": "好"}}, {"params": {"prompt": "坏", "fail": "rejected"}}]
    batch = completed(api, created(api, items=items))
    retried = act(api, batch["batch_id"], "retry-failed")
    again = completed(api, batch["batch_id"])

    failed = data(api.get(TASKS, params={"batch_id": batch["batch_id"], "status": "failed"}))["items"]
    assert (1, 1) == (batch["counts"]["completed"], batch["counts"]["failed"])
    assert "running" == retried["status"]
    assert batch["counts"] == again["counts"]
    assert [failed[1]["task_id"], None] == [task["retry_of"] for task in failed]


def test_a_failure_pauses_a_batch_that_stops_at_it(api):
    """What was not submitted by then waits for a person."""
    items = [{"params": {"prompt": "坏", "fail": "rejected"}}, *[{"params": {"prompt": "好"}}] * 3]
    batch = completed(api, created(api, items=items, on_failure="stop", concurrency=1), "paused")
    act(api, batch["batch_id"], "resume")
    ended_batch = completed(api, batch["batch_id"])

    assert ("failure", 1, None) == (batch["reason"], batch["submitted"], batch["detail"])
    assert (3, 1) == (ended_batch["counts"]["completed"], ended_batch["counts"]["failed"])


def test_a_deleted_provider_pauses_it(api, saved):
    """And the batch says which one."""
    saved("gone")
    delayed = {**SMALL, "delay_seconds": 0.2}
    batch_id = created(
        api, prompts=["猫"] * 50, params=delayed, concurrency=1, targets=[{"provider": "gone"}]
    )
    api.delete(f"{CONFIG}/gone")
    paused = completed(api, batch_id, "paused")

    assert "failure" == paused["reason"]
    assert "gone" in paused["detail"]
    assert paused["submitted"] < 50
    assert "cancelled" == act(api, batch_id, "cancel")["status"]


def test_single_tasks_go_first(narrow):
    """While a batch fills the only worker, a task that comes by itself is the next."""
    batch_id = created(narrow, prompts=["猫"] * 30, params={**SMALL, "delay_seconds": 0.3}, concurrency=5)
    until(lambda: batch_of(narrow, batch_id), lambda batch: batch["counts"]["pending"] == 4)
    single = data(submit(narrow, "a single one"))["task_id"]
    position = data(narrow.get(f"{TASKS}/{single}"))["queue_position"]
    ended(narrow, single)
    batch = batch_of(narrow, batch_id)

    assert position in (1, None)
    assert batch["submitted"] < 30
    narrow.post(f"{BATCHES}/{batch_id}/cancel")


def test_a_batch_is_paused_resumed_and_cancelled(narrow):
    """What waits is cancelled with it; an ended one stays as it is."""
    batch_id = created(narrow, prompts=["猫"] * 9, params={**SMALL, "delay_seconds": 0.2}, concurrency=2)
    paused = act(narrow, batch_id, "pause")
    until(
        lambda: batch_of(narrow, batch_id), lambda b: not b["counts"]["pending"] + b["counts"]["processing"]
    )
    still = batch_of(narrow, batch_id)
    resumed = act(narrow, batch_id, "resume")
    until(lambda: batch_of(narrow, batch_id), lambda b: b["submitted"] > still["submitted"])
    cancelled = act(narrow, batch_id, "cancel")
    done = until(lambda: batch_of(narrow, batch_id), lambda b: b["completed_at"])

    assert ("paused", "person", "paused") == (paused["status"], paused["reason"], still["status"])
    assert ("running", None, "cancelled") == (resumed["status"], resumed["reason"], cancelled["status"])
    assert done["submitted"] < 9
    assert [done] * 4 == [act(narrow, batch_id, v) for v in ("pause", "resume", "cancel", "retry-failed")]


def test_its_images_are_one_file(api):
    """With a table of their prompts, which spreadsheets open; an unknown batch has none."""
    batch = completed(api, created(api, prompts=['猫, "大"', "狗"]))
    answer = api.get(f"{BATCHES}/{batch['batch_id']}/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    table = [*csv.DictReader(io.StringIO(archive.read("prompts.csv").decode("utf-8-sig"), newline=""))]
    unknown = api.get(f"{BATCHES}/0193a5c8-0000-7c3a-9d52-6f0f5c1e2b7b/zip")

    assert ("application/zip", 3) == (answer.headers["content-type"], len(archive.namelist()))
    assert {"狗", '猫, "大"'} == {line["prompt"] for line in table}
    assert {line["file"] for line in table} == {*archive.namelist()} - {"prompts.csv"}
    assert (404, 40408, "batch_not_found") == row(unknown)


def test_an_endpoint_hears_of_its_end(start_server):
    """Once, with the batch as it is shown, beside the events of its tasks."""
    with Receiver() as receiver:
        server = start_server({"security": {"allow_webhooks": [receiver.host]}})
        with server.client() as api:
            endpoint = {"url": receiver.url, "events": ["batch.completed", "task.completed"]}
            secret = data(api.post("/api/v1/webhooks", json=endpoint))["secret"]
            batch = completed(api, created(api, prompts=["猫", "狗"]))
            receiver.wait_for(3)
            deliveries = data(api.get("/api/v1/webhooks/1/deliveries"))["items"]
        events = receiver.events(secret)

    (event,) = [event for event in events if event["type"] == "batch.completed"]
    assert batch == event["data"]
    assert {None: 2, batch["batch_id"]: 1} == Counter(delivery["batch_id"] for delivery in deliveries)
    assert [f"evt_{batch['batch_id'].replace('-', '')}"] == [
        delivery["event_id"] for delivery in deliveries if delivery["batch_id"]
    ]


def test_a_batch_is_priced_before_it_is_sent(api):
    """By all its combinations and targets; it is refused as it would be, and nothing is stored."""
    data(api.post(CONFIG, json={"provider_name": "priced-kits", "kind": "demo", **priced(0.02)}))
    targets = [{"provider": "priced-kits"}, {"provider": "demo"}]
    body = {"template": "{色}的杯子", "variables": {"色": ["红", "蓝"]}, "params": {**SMALL, "num": 3}}
    before = total(api, BATCHES)
    cost = data(api.post(f"{BATCHES}/estimate", json={**body, "targets": targets}))["cost"]
    wrong = api.post(f"{BATCHES}/estimate", json={**body, "params": {"steps": -1}})

    assert ("0.12", "CNY", "estimated") == (cost["amount"], cost["currency"], cost["basis"])
    assert 400 == wrong.status_code
    assert before == total(api, BATCHES)
