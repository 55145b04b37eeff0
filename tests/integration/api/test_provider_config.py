"""API.md section 2: saving, showing, switching and removing the configuration of a provider."""

import json
import socket
from contextlib import closing

import pytest

from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.secret_boxes.fernet import FernetSecretBox
from tests.fakes.images import png
from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    TASKS,
    WAIT,
    body_of,
    data,
    data_url,
    ended,
    row,
    running,
    submit,
    task_of,
)
from tests.integration.api.conftest import OTHER_UPSTREAM, UPSTREAM
from tests.integration.api.held_upstream import behind
from tests.integration.api.live_server import LiveServer

KEY = "sk-abcdefghijkl-wxyz"


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


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        (KEY, "sk-****wxyz"),
        ("123456789012", "sk-****9012"),
        ("12345678901", "****"),
        ("x", "****"),
        ("  sk-padded-key-00  ", "sk-****y-00"),
    ],
)
def test_a_key_is_masked(saved, key, masked):
    """The last four characters, or none if it is short."""
    config = saved("masked", api_key=key)

    assert (masked, True) == (config["api_key"], config["has_api_key"])


def test_without_a_key_there_is_none(saved):
    """And nothing to mask."""
    config = saved("keyless")

    assert (None, False) == (config["api_key"], config["has_api_key"])


def test_no_response_log_or_file_contains_the_key(api, server, saved):
    """Neither plain on disk nor anywhere else."""
    key = "sk-very-secret-value-7777"
    saved("secretive", api_base=f"{UPSTREAM}/v1", api_key=key)
    task = data(api.post(GENERATE, json={**body_of(), "provider": "secretive"}, headers=WAIT))
    paths = (
        CONFIG,
        f"{CONFIG}/secretive",
        "/api/v1/providers",
        TASKS,
        f"{TASKS}/{task['task_id']}",
        "/health",
    )
    texts = [api.get(path).text for path in paths] + [server.log]

    assert [] == [text for text in texts if key in text]
    assert [] == [
        p.name for p in server.data_dir.rglob("*") if p.is_file() and key.encode() in p.read_bytes()
    ]


def test_passwords_in_extra_config_are_masked_too(saved):
    """Those of a proxy, and secret headers."""
    config = saved(
        "proxied",
        extra_config={"proxy": "http://user:hunter2@proxy.example:8080", "headers": {"X-Secret": "hunter2"}},
    )

    assert "hunter2" not in str(config)


def test_masked_passwords_that_are_sent_back_mean_unchanged(saved, server):
    """Checked in the row itself, where they are sealed."""
    extra = {
        "proxy": "http://user:hunter2@proxy.example:8080",
        "headers": {"X-Secret": "hunter3", "X-Team": "a"},
    }
    config = saved("round-trip", extra_config=extra)
    saved("round-trip", extra_config={**config["extra_config"], "max_concurrency": 2})
    with closing(sqlite3.connect(f"file:{server.data_dir / 'imagegen.db'}?mode=ro", uri=True)) as database:
        origin, public, sealed = database.execute(
            "SELECT key_origin, extra_config, sealed_extra FROM provider_configs "
            "WHERE provider_name = 'round-trip'"
        ).fetchone()
    box = FernetSecretBox.for_directory(server.data_dir, environment_keys=None, sample=sealed)
    secret = box.open(sealed, context=f"provider_configs/round-trip|{origin}|sealed_extra")

    assert {"headers": {"X-Team": "a"}, "max_concurrency": 2} == json.loads(public)
    assert {"headers": {"X-Secret": "hunter3"}, "proxy": extra["proxy"]} == json.loads(secret)


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


@pytest.mark.parametrize("key", ["sk-****wxyz", "****", None])
def test_a_masked_key_that_is_sent_back_means_unchanged(api, saved, key):
    """The task is sent with the old one."""
    saved("kept", api_base=f"{UPSTREAM}/v1", api_key=KEY)
    config = saved("kept", api_key=key, display_name="changed")

    assert ("sk-****wxyz", "changed") == (config["api_key"], config["display_name"])


def test_another_path_of_the_same_origin_needs_no_key(saved):
    """A key is bound to its origin."""
    saved("moved-path", api_base=f"{UPSTREAM}/v1", api_key=KEY)
    config = saved("moved-path", api_base=f"{UPSTREAM}/v2")

    assert (f"{UPSTREAM}/v2", "sk-****wxyz") == (config["api_base"], config["api_key"])


@pytest.mark.parametrize("key", [{}, {"api_key": "sk-****wxyz"}, {"api_key": "****"}, {"api_key": None}])
def test_another_origin_needs_its_own_key(api, saved, key):
    """40007; the saved configuration is as before."""
    before = saved("moved", api_base=f"{UPSTREAM}/v1", api_key=KEY)
    answer = api.post(CONFIG, json={"provider_name": "moved", "api_base": f"{OTHER_UPSTREAM}/v1", **key})

    assert (400, 40007, "api_key_required") == row(answer)
    assert before == data(api.get(f"{CONFIG}/moved"))


def test_another_origin_with_a_new_key_is_saved(saved):
    """They belong together."""
    saved("moved-well", api_base=f"{UPSTREAM}/v1", api_key=KEY)
    config = saved("moved-well", api_base=f"{OTHER_UPSTREAM}/v1", api_key="sk-another-key-1111")

    assert (f"{OTHER_UPSTREAM}/v1", "sk-****1111") == (config["api_base"], config["api_key"])


def test_a_request_that_moves_to_another_origin_needs_its_own_key(api, saved):
    """40007, and nothing is stored."""
    saved("bound", api_base=f"{UPSTREAM}/v1", api_key=KEY)
    body = {**body_of(), "provider": "bound", "config": {"api_base": f"{OTHER_UPSTREAM}/v1"}}
    refused = api.post(GENERATE, json=body)
    masked = api.post(GENERATE, json={**body, "config": {**body["config"], "api_key": "sk-****wxyz"}})
    accepted = api.post(GENERATE, json={**body, "config": {**body["config"], "api_key": "sk-own-key-000000"}})

    assert [(400, 40007), (400, 40007), (202, 0)] == [row(a)[:2] for a in (refused, masked, accepted)]


INSIDE = [
    "http://10.0.0.1/v1",
    "http://192.168.1.1",
    "http://172.16.0.1",
    "http://127.0.0.1:8000",
    "http://localhost:8000",
    "http://LOCALHOST.:8000",
    "http://[::1]:8000",
    "http://[::ffff:127.0.0.1]:8000",
    "http://[fd00::1]",
    "http://0.0.0.0:8000",
    "http://127.1:8000",
    "http://2130706433:8000",
    "http://0x7f000001:8000",
    "http://0177.0.0.1:8000",
    "http://169.254.169.254/latest",
    "http://100.100.100.200/latest",
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_private_address_is_refused_when_it_is_saved(api, address):
    """However it is written; nothing is saved."""
    answer = api.post(CONFIG, json={"provider_name": "inside", "kind": "demo", "api_base": address})

    assert (400, 40008, "upstream_not_allowed") == row(answer)
    assert 404 == api.get(f"{CONFIG}/inside").status_code


@pytest.mark.parametrize("address", INSIDE)
def test_a_private_address_in_a_task_is_refused(api, address):
    """With a key of its own or without."""
    body = {**body_of(), "config": {"api_base": address, "api_key": "sk-own-key-000000"}}

    assert (400, 40008, "upstream_not_allowed") == row(api.post(GENERATE, json=body))


def test_the_service_itself_is_no_upstream_even_if_listed(tmp_path):
    """It would call itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = {"security": {"allow_private_upstreams": [f"127.0.0.1:{port}"]}}
    server = LiveServer(tmp_path, config, port=port).start()
    try:
        with server.client() as api:
            answer = api.post(CONFIG, json={"provider_name": "loop", "kind": "demo", "api_base": server.url})
    finally:
        server.end()

    assert (400, 40008, "upstream_not_allowed") == row(answer)


def test_a_name_that_does_not_resolve_may_be_saved(saved):
    """It may resolve later."""
    config = saved("unresolved", api_base="https://nowhere.invalid/v1", api_key=KEY)

    assert "https://nowhere.invalid/v1" == config["api_base"]


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


@pytest.mark.parametrize(
    ("name", "key", "warnings"),
    [
        ("stable-diffusion", KEY, ["api_key：须为 user:password 的形式"]),
        ("stable-diffusion", "user:password", []),
        ("tencent", KEY, ["api_key：须为 SecretId:SecretKey 的形式"]),
        ("tencent", "id:secret", []),
    ],
)
def test_a_key_that_cannot_be_right_is_saved_with_a_warning(api, name, key, warnings):
    """The warning comes on saving and whenever it is shown, not first with a task that fails."""
    config = data(api.post(CONFIG, json={"provider_name": name, "api_base": UPSTREAM, "api_key": key}))
    shown = data(api.get(f"{CONFIG}/{name}"))
    api.delete(f"{CONFIG}/{name}")

    assert [warnings] * 2 == [config["warnings"], shown["warnings"]]


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


@pytest.mark.parametrize("name", ["gemini", "openai", "openai-dalle"])
def test_a_missing_key_is_40001(api, name):
    """It is saved all the same, and a task reports what is missing."""
    data(api.post(CONFIG, json={"provider_name": name}))
    answer = api.post(GENERATE, json={"provider": name, "params": {"prompt": "x"}})
    api.delete(f"{CONFIG}/{name}")

    assert (400, 40001, "provider_not_configured", name) == (*row(answer), answer.json()["data"]["provider"])


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


def test_use_saved_config_demands_a_row_in_the_database(api, saved):
    """One in the file does not count."""
    saved("in-the-database")
    on_file, unknown, in_database = (
        api.post(GENERATE, json={**body_of(), "provider": name, "use_saved_config": True})
        for name in ("on-file", "nobody", "in-the-database")
    )

    assert [(400, 40001), (400, 40001), (202, 0)] == [row(a)[:2] for a in (on_file, unknown, in_database)]


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


def test_a_provider_is_tested_without_paying(api, saved):
    """Outcome, latency and detail."""
    saved("tested")
    probe = data(api.post(f"{CONFIG}/tested/test"))

    assert {"ok", "outcome", "latency_ms", "detail"} == set(probe)
    assert (True, "ok", True) == (probe["ok"], probe["outcome"], probe["latency_ms"] >= 0)


def test_a_provider_without_a_free_call_is_not_verified(api, saved):
    """No request was sent, so nothing is known of address and key."""
    saved("untried", kind="http", api_base=UPSTREAM, api_key=KEY, extra_config={"preset": "minimax"})
    probe = data(api.post(f"{CONFIG}/untried/test"))

    assert (True, "not_verified") == (probe["ok"], probe["outcome"])


def test_a_provider_that_cannot_be_reached_says_why(api, saved):
    """Nothing listens there."""
    saved("off", kind="http", api_base=UPSTREAM, api_key=KEY, extra_config={"preset": "openai"})
    probe = data(api.post(f"{CONFIG}/off/test"))

    assert (False, "failed") == (probe["ok"], probe["outcome"])
    assert "无法连接 127.0.0.1（连接被拒绝）" == probe["detail"]


def test_an_upstream_that_does_not_answer_is_not_ok(api):
    """200 with false: the test itself succeeded."""
    body = {"provider_name": "stable-diffusion", "api_base": UPSTREAM}
    data(api.post(CONFIG, json=body))
    probe = data(api.post(f"{CONFIG}/stable-diffusion/test"))
    api.delete(f"{CONFIG}/stable-diffusion")

    assert (False, True) == (probe["ok"], bool(probe["detail"]))


def test_the_file_is_the_lowest_layer(api):
    """Its provider exists without being saved."""
    config = data(api.get(f"{CONFIG}/on-file"))

    assert ("file", "From the file", f"{UPSTREAM}/file", "sk-****0001", 11, 1) == tuple(
        config[name]
        for name in ("source", "display_name", "api_base", "api_key", "timeout_seconds", "max_retries")
    )


def test_request_overrides_database_overrides_file_field_by_field(api, saved):
    """Each field comes from the highest layer that has it."""

    def snapshot(config=None):
        body = {**body_of(), "provider": "on-file", **({"config": config} if config else {})}
        return data(api.post(GENERATE, json=body, headers=WAIT))["config_snapshot"]

    def effective(config=None):
        fields = snapshot(config)
        return (
            fields["api_base"],
            fields["api_key"],
            fields["timeout_seconds"],
            fields["max_retries"],
            fields["source"],
        )

    file = (f"{UPSTREAM}/file", "sk-****0001", 11, 1, "file")
    assert file == effective()
    assert (*file[:2], 12, 1, "request") == effective({"timeout": 12})
    saved("on-file", timeout_seconds=22, api_base=f"{UPSTREAM}/database")
    assert (f"{UPSTREAM}/database", "sk-****0001", 22, 1, "database") == effective()
    assert (f"{UPSTREAM}/request", "sk-****0001", 22, 0, "request") == effective(
        {"api_base": f"{UPSTREAM}/request", "max_retries": 0}
    )
    api.delete(f"{CONFIG}/on-file")
    assert file == effective()


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ({}, "file"),
        ({"api_key": "sk-****0001"}, "file"),
        ({"timeout": 11, "max_retries": 1}, "file"),
        ({"api_base": f"{UPSTREAM}/file", "timeout": 11}, "file"),
        ({"timeout": 11, "max_retries": 2}, "request"),
        ({"api_key": "sk-file-secret-0002"}, "request"),
    ],
)
def test_a_request_that_changes_nothing_is_not_the_source(api, config, source):
    """Only a difference from the configuration makes it the request's own."""
    body = {**body_of(), "provider": "on-file", "config": config}

    assert source == data(api.post(GENERATE, json=body, headers=WAIT))["config_snapshot"]["source"]


def test_a_request_cannot_define_a_provider(api):
    """An address and a key alone make no provider of an unconfigured name."""
    config = {"api_base": UPSTREAM, "api_key": KEY}
    answer = api.post(GENERATE, json={**body_of(), "provider": "never-heard-of", "config": config})

    assert (400, 40001, "provider_not_configured") == row(answer)
    assert "never-heard-of" == answer.json()["data"]["provider"]


def test_a_row_overrides_only_the_fields_that_it_has(api):
    """Kind, name and address stay the file's; a key never moves to another origin."""
    moved = api.post(CONFIG, json={"provider_name": "on-file", "api_base": f"{OTHER_UPSTREAM}/v1"})
    config = data(api.post(CONFIG, json={"provider_name": "on-file", "max_retries": 5}))
    api.delete(f"{CONFIG}/on-file")

    assert (400, 40007, "api_key_required") == row(moved)
    assert ("demo", "From the file", f"{UPSTREAM}/file", 5) == tuple(
        config[name] for name in ("kind", "display_name", "api_base", "max_retries")
    )


def test_an_incomplete_provider_of_the_file_hides_nothing(start_server):
    """A row may still name the preset; until then it cannot be used, and the others can."""
    config = {"providers": {"unfinished": {"kind": "http"}}}
    server = start_server(config)
    with server.client() as api:
        refused = api.post(GENERATE, json={"provider": "unfinished", "params": {"prompt": "x"}})

        assert ["demo", "unfinished"] == [c["provider_name"] for c in data(api.get(CONFIG))["items"]]
        assert ["demo"] == [p["name"] for p in data(api.get("/api/v1/providers"))["providers"]]
        assert (400, 40001, "provider_not_configured") == row(refused)


def test_a_file_that_moves_a_saved_key_elsewhere_hides_nothing(start_server):
    """The list still shows it; a task is 40007."""
    listed = {"security": {"allow_private_upstreams": ["127.0.0.1:9", "127.0.0.1:19"]}}
    server = start_server({**listed, "providers": {"moving": {"kind": "demo", "api_base": UPSTREAM}}})
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": "moving", "api_base": f"{UPSTREAM}/v1"}))
    server.stop()
    server.config["providers"]["moving"] |= {"api_base": OTHER_UPSTREAM, "api_key": KEY}
    server.start()
    with server.client() as api:
        refused = api.post(GENERATE, json={**body_of(), "provider": "moving"})

        assert ["demo", "moving"] == [c["provider_name"] for c in data(api.get(CONFIG))["items"]]
        assert (400, 40007, "api_key_required") == row(refused)


def test_a_masked_key_in_a_request_means_the_saved_one(api, saved):
    """A client may send back what it was shown."""
    saved("echoed", api_base=f"{UPSTREAM}/v1", api_key=KEY)
    body = {**body_of(), "provider": "echoed", "config": {"api_key": "sk-****wxyz"}}

    assert "sk-****wxyz" == data(api.post(GENERATE, json=body, headers=WAIT))["config_snapshot"]["api_key"]


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


def test_a_provider_limits_its_own_concurrency(api, saved):
    """One call at a time, in order, while others run."""
    saved("single", extra_config={"max_concurrency": 1})
    body = {**body_of(delay_seconds=500), "provider": "single"}
    one, other = (data(api.post(GENERATE, json=body))["task_id"] for _ in range(2))
    running(api, one)
    meanwhile = data(submit(api, headers=WAIT))["status"]
    waits = task_of(api, other)["status"]
    for task_id in (one, other):
        running(api, task_id)
        api.post(f"{TASKS}/{task_id}/cancel")

    assert ("completed", "pending") == (meanwhile, waits)
    assert ["cancelled"] * 2 == [ended(api, task_id)["status"] for task_id in (one, other)]


def test_the_builtin_demo_can_be_hidden(start_server):
    """By the file."""
    server = start_server({"providers": {"demo": {"enabled": False}}})
    with server.client() as api:
        assert (400, 40001) == row(submit(api))[:2]
        assert "demo" not in [p["name"] for p in data(api.get("/api/v1/providers"))["providers"]]


def test_a_default_model_is_used_when_none_is_named(api, saved):
    """The one that is marked, else the first."""
    saved("defaults", models=[{"id": "first"}, {"id": "second", "default": True}])
    saved("no-default", models=[{"id": "first"}, {"id": "second"}])

    assert ["second", "first"] == [
        data(api.post(GENERATE, json={**body_of(), "provider": name}, headers=WAIT))["model_id"]
        for name in ("defaults", "no-default")
    ]


def test_capabilities_limit_what_a_model_does(api, saved):
    """40004 names the supported ones."""
    saved("limited", models=[{"id": "m", "capabilities": ["upscale"]}])
    answer = api.post(GENERATE, json={**body_of(), "provider": "limited"})
    upscaled = api.post("/api/v1/images/upscale", json={"provider": "limited", "image": data_url(png())})

    assert (400, 40004, "unsupported_operation") == row(answer)
    assert ("generate", ["upscale"], 202) == (
        answer.json()["data"]["operation"],
        answer.json()["data"]["supported"],
        upscaled.status_code,
    )
