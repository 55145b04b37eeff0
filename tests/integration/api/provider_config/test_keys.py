"""Keys and other secrets of a provider: masked, kept, and bound to the origin of its address."""

import json
from contextlib import closing

import pytest

from imagegen_adapters.secrets import FernetSecretBox
from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import (
    CONFIG,
    GENERATE,
    TASKS,
    WAIT,
    body_of,
    data,
    row,
)
from tests.integration.api.conftest import KEY, OTHER_UPSTREAM, UPSTREAM
from tests.live_files import contents


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        (KEY, "sk-****wxyz"),
        ("123456789012", "****9012"),
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
    assert [] == [path.name for path, content in contents(server.data_dir).items() if key.encode() in content]


def test_passwords_in_extra_config_are_masked_too(saved):
    """Those of a proxy, and secret headers."""
    config = saved(
        "proxied",
        extra_config={"proxy": "http://user:hunter2@proxy.example:8080", "headers": {"X-Secret": "hunter2"}},
    )

    assert "hunter2" not in str(config)


@pytest.mark.one_box
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


@pytest.mark.parametrize("key", ["sk-****wxyz", "****wxyz", "****", None])
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


@pytest.mark.parametrize(
    ("name", "key", "warnings"),
    [
        ("stable-diffusion", KEY, ["api_key：须为 user:password 的形式"]),
        ("stable-diffusion", "user:password", []),
        ("kling", KEY, ["api_key：须为 AccessKey:SecretKey 的形式"]),
        ("kling", "id:secret", []),
    ],
)
def test_a_key_that_cannot_be_right_is_saved_with_a_warning(api, name, key, warnings):
    """The warning comes on saving and whenever it is shown, not first with a task that fails."""
    config = data(api.post(CONFIG, json={"provider_name": name, "api_base": UPSTREAM, "api_key": key}))
    shown = data(api.get(f"{CONFIG}/{name}"))
    api.delete(f"{CONFIG}/{name}")

    assert [warnings] * 2 == [config["warnings"], shown["warnings"]]


@pytest.mark.parametrize("name", ["gemini", "openai", "openai-dalle"])
def test_a_missing_key_is_40001(api, name):
    """It is saved all the same, and a task reports what is missing."""
    data(api.post(CONFIG, json={"provider_name": name}))
    answer = api.post(GENERATE, json={"provider": name, "params": {"prompt": "x"}})
    api.delete(f"{CONFIG}/{name}")

    assert (400, 40001, "provider_not_configured", name) == (*row(answer), answer.json()["data"]["provider"])


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
