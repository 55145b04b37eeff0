"""Saving, showing, switching and removing the configuration of a provider."""

import json
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    WAIT,
    body_of,
    data,
    ended,
    row,
    task_of,
)
from tests.integration.api.conftest import KEY, UPSTREAM
from tests.integration.api.held_upstream import behind


def test_a_configuration_is_saved_and_shown_with_all_its_fields(api, saved):
    """200 with the object, alike wherever it is shown."""
    config = saved(
        "complete",
        display_name="完整",
        api_base=f"{UPSTREAM}/v1/",
        api_key=KEY,
        models=[{"id": "a", "name": "A"}, {"id": "b", "default": True, "capabilities": ["generate", "edit"]}],
        timeout_seconds=30,
        max_retries=2,
        extra_config={"headers": {"X-Team": "a"}, "max_concurrency": 4},
    )
    alone = data(api.get(f"{CONFIG}/complete"))
    listed = [c for c in data(api.get(CONFIG))["items"] if c["provider_name"] == "complete"]

    assert config == alone == listed[0]
    assert {
        "provider_name": "complete",
        "kind": "demo",
        "display_name": "完整",
        "api_base": f"{UPSTREAM}/v1",
        "api_key": "sk-****wxyz",
        "has_api_key": True,
        "enabled": True,
        "timeout_seconds": 30,
        "max_retries": 2,
        "extra_config": {"headers": {"X-Team": "a"}, "max_concurrency": 4},
        "source": "database",
        "warnings": [],
    }.items() <= config.items()
    assert [("a", False), ("b", True)] == [(m["id"], m["default"]) for m in config["models"]]
    assert ["generate", "edit"] == config["models"][1]["capabilities"]
    assert len(config["models"][0]["capabilities"]) == 6
    assert config["created_at"] <= config["updated_at"]


def test_fields_that_an_update_leaves_out_stay(api, saved):
    """Field by field."""
    before = saved("partial", display_name="one", api_base=f"{UPSTREAM}/v1", api_key=KEY, timeout_seconds=30)
    after = saved("partial", max_retries=1)
    changed = {name for name in before if before[name] != after[name]}

    assert {"max_retries", "updated_at"} == changed | {"updated_at"}


def test_null_resets_a_value(api, saved):
    """To its default."""
    saved("nulled", timeout_seconds=30, max_retries=1, display_name="x", models=[{"id": "m"}])
    config = saved("nulled", timeout_seconds=None, max_retries=None, display_name=None, models=None)

    assert (60, 3, "nulled", ["demo"]) == (
        config["timeout_seconds"],
        config["max_retries"],
        config["display_name"],
        [m["id"] for m in config["models"]],
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gemini", "gemini"),
        ("gemini-2", "gemini"),
        ("stable-diffusion", "stable_diffusion"),
        ("stable-diffusion-b", "stable_diffusion"),
        ("openai", "http"),
        ("openai-dalle", "http"),
        ("dashscope", "http"),
        ("siliconflow", "http"),
    ],
)
def test_the_kind_follows_from_the_name(api, name, kind):
    """A preset's name is that preset."""
    config = data(api.post(CONFIG, json={"provider_name": name, "api_base": UPSTREAM, "api_key": KEY}))
    api.delete(f"{CONFIG}/{name}")

    assert kind == config["kind"]


def test_a_row_that_is_no_longer_valid_hides_nothing(start_server):
    """What an earlier version accepted is listed with the others, and can be disabled and corrected."""
    server = start_server()
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": "old", "kind": "http", "api_base": "https://a.example"}))
    server.stop()
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        database.execute("UPDATE provider_configs SET extra_config = '{\"spec\": {}}'")
    server.start()
    with server.client() as api:
        listed = [c["provider_name"] for c in data(api.get(CONFIG))["items"]]
        usable = [p["name"] for p in data(api.get("/api/v1/providers"))["providers"]]
        refused = api.post(GENERATE, json={"provider": "old", "params": {"prompt": "x"}})
        off = data(api.patch(f"{CONFIG}/old/toggle", json={"enabled": False}))
        mended = data(api.post(CONFIG, json={"provider_name": "old", "extra_config": {"preset": "openai"}}))

    assert (["demo", "old"], ["demo"], 40000) == (listed, usable, refused.json()["code"])
    assert (False, True) == (off["enabled"], bool(mended["models"]))


@pytest.mark.parametrize(
    ("kind", "extra", "field", "message"),
    [
        ("demo", {"max_concurency": 2}, "max_concurency", "unknown key; did you mean max_concurrency?"),
        ("http", {"presett": "openai"}, "presett", "unknown key; did you mean preset?"),
        ("http", {"dialect": "stability"}, "dialect", "unknown key"),
        ("stable_diffusion", {"dialekt": "stability"}, "dialekt", "unknown key; did you mean dialect?"),
        ("gemini", {"projekt": "p", "location": "l"}, "projekt", "unknown key; did you mean project?"),
        (
            "http",
            {"spec": {"schema": 1, "modells": []}},
            "spec.modells",
            "is not a field of the document; did you mean models?",
        ),
    ],
)
def test_an_unknown_setting_is_40000(api, kind, extra, field, message):
    """With the known one that was probably meant; nothing is saved."""
    body = {"provider_name": "misspelt", "kind": kind, "extra_config": extra}
    answer = api.post(CONFIG, json=body, headers=ENGLISH)
    problems = [(problem["field"], problem["message"]) for problem in answer.json()["data"]["errors"]]

    assert (400, 40000) == row(answer)[:2]
    assert (f"extra_config.{field}", message) in problems
    assert 404 == api.get(f"{CONFIG}/misspelt").status_code


def test_a_row_with_an_unknown_setting_goes_on_working(start_server):
    """What an earlier version accepted works, with a warning, and is refused when it is sent again."""
    server, extra = start_server(), {"max_concurency": 2}
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": "old", "kind": "demo"}))
    server.stop()
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        database.execute("UPDATE provider_configs SET extra_config = ?", [json.dumps(extra)])
    server.start()
    with server.client() as api:
        (listed,) = (c for c in data(api.get(CONFIG))["items"] if c["provider_name"] == "old")
        body = {"provider": "old", "params": {"prompt": "x"}}
        task = ended(api, data(api.post(GENERATE, json=body))["task_id"])
        changed = data(api.post(CONFIG, json={"provider_name": "old", "max_retries": 1}))
        again = api.post(CONFIG, json={"provider_name": "old", "extra_config": extra})
        mended = data(api.post(CONFIG, json={"provider_name": "old", "extra_config": {"max_concurrency": 2}}))

    warnings = ["extra_config.max_concurency：未知的键；是否想写 max_concurrency？"]
    assert ("completed", warnings, extra) == (task["status"], listed["warnings"], listed["extra_config"])
    assert (1, warnings) == (changed["max_retries"], changed["warnings"])
    assert ((400, 40000), []) == (row(again)[:2], mended["warnings"])


def test_a_missing_address_is_40001(api):
    """Any server may have that dialect, so the preset has no address of its own."""
    body = {"provider_name": "openai-compatible", "api_key": KEY, "models": [{"id": "m"}]}
    data(api.post(CONFIG, json=body))
    answer = api.post(GENERATE, json={"provider": "openai-compatible", "params": {"prompt": "x"}})
    api.delete(f"{CONFIG}/openai-compatible")

    assert (400, 40001, "provider_not_configured") == row(answer)


@pytest.mark.parametrize(
    "extra",
    [
        {"preset": "no-such-preset"},
        {"spec": {}},
        {"spec": {"unknown": 1}},
        {"preset": "openai", "spec": {}},
        {"spec": "not a document"},
    ],
)
def test_a_document_is_checked_when_it_is_saved(api, extra):
    """40000 with the path."""
    answer = api.post(CONFIG, json={"provider_name": "document", "kind": "http", "extra_config": extra})

    assert (400, 40000, "validation_failed") == row(answer)
    assert answer.json()["data"]["errors"][0]["field"].startswith("extra_config")
    assert 404 == api.get(f"{CONFIG}/document").status_code


def test_a_provider_is_switched_off_and_on(api, saved):
    """40002 in between."""
    saved("switched")
    off = data(api.patch(f"{CONFIG}/switched/toggle", json={"enabled": False}))
    refused = api.post(GENERATE, json={**body_of(), "provider": "switched"})
    on = data(api.patch(f"{CONFIG}/switched/toggle", json={"enabled": True}))
    accepted = api.post(GENERATE, json={**body_of(), "provider": "switched"})

    assert (False, (400, 40002, "provider_disabled"), True, 202) == (
        off["enabled"],
        row(refused),
        on["enabled"],
        accepted.status_code,
    )


def test_an_unsaved_provider_cannot_be_switched(api):
    """40403."""
    assert (404, 40403) == row(api.patch(f"{CONFIG}/nobody/toggle", json={"enabled": True}))[:2]


def test_a_deleted_provider_is_gone_but_its_history_stays(api, saved):
    """200 with null, then 40403."""
    saved("forgotten")
    task = data(api.post(GENERATE, json={**body_of(), "provider": "forgotten"}, headers=WAIT))
    answer = api.delete(f"{CONFIG}/forgotten")

    assert (200, None) == (answer.status_code, data(answer))
    assert [(404, 40403)] * 2 == [
        row(a)[:2] for a in (api.get(f"{CONFIG}/forgotten"), api.delete(f"{CONFIG}/forgotten"))
    ]
    assert (400, 40001) == row(api.post(GENERATE, json={**body_of(), "provider": "forgotten"}))[:2]
    assert ("completed", "forgotten") == (
        task_of(api, task["task_id"])["status"],
        data(api.get(f"/api/v1/images/{task['images'][0]['id']}"))["provider"],
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda api: api.delete(f"{CONFIG}/fickle"), "provider_not_configured"),
        (lambda api: api.patch(f"{CONFIG}/fickle/toggle", json={"enabled": False}), "provider_disabled"),
    ],
    ids=["deleted", "disabled"],
)
def test_pending_tasks_of_a_deleted_provider_fail(start_server, held_upstream, change, code):
    """A call that is running already goes on."""
    server = start_server({**behind(held_upstream), "providers": {}, "queue": {"workers": 1}})
    with server.client() as api:
        fickle = {"provider_name": "fickle", "kind": "stable_diffusion", "api_base": held_upstream.url}
        data(api.post(CONFIG, json=fickle))
        runs, waits = (
            data(api.post(GENERATE, json={**body_of(), "provider": "fickle"}))["task_id"] for _ in range(2)
        )
        assert held_upstream.begun.wait(60)
        change(api)
        held_upstream.hold.set()
        task = ended(api, waits)

        assert ("failed", code, 0) == (task["status"], task["error"]["code"], task["attempts"])
        assert "completed" == ended(api, runs)["status"]


@pytest.mark.parametrize("name", ["gemini", "stable-diffusion", "openai", "echoed"])
def test_a_configuration_may_be_sent_back_as_it_was_shown(api, name):
    """A client that changes one field sends the others along; secrets stay as they were."""
    extra = {"headers": {"X-Team-Key": "hidden"}, "proxy": "http://user:hidden@127.0.0.1:9"}
    kind = {"kind": "demo"} if name == "echoed" else {}
    body = {"provider_name": name, "api_base": UPSTREAM, "api_key": KEY, "extra_config": extra, **kind}
    shown = data(api.post(CONFIG, json=body))
    again = data(api.post(CONFIG, json={**shown, "timeout_seconds": 33}))
    api.delete(f"{CONFIG}/{name}")

    assert {**shown, "timeout_seconds": 33, "updated_at": again["updated_at"]} == again
