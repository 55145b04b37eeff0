"""Where each field comes from: the request, the database, or the file."""

import pytest

from tests.integration.api.asking import (
    CONFIG,
    GENERATE,
    WAIT,
    body_of,
    data,
    row,
    submit,
)
from tests.integration.api.conftest import KEY, OTHER_UPSTREAM, UPSTREAM


def test_use_saved_config_demands_a_row_in_the_database(api, saved):
    """One in the file does not count."""
    saved("in-the-database")
    on_file, unknown, in_database = (
        api.post(GENERATE, json={**body_of(), "provider": name, "use_saved_config": True})
        for name in ("on-file", "nobody", "in-the-database")
    )

    assert [(400, 40001), (400, 40001), (202, 0)] == [row(a)[:2] for a in (on_file, unknown, in_database)]


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


def test_the_builtin_demo_can_be_hidden(start_server):
    """By the file."""
    server = start_server({"providers": {"demo": {"enabled": False}}})
    with server.client() as api:
        assert (400, 40001) == row(submit(api))[:2]
        assert "demo" not in [p["name"] for p in data(api.get("/api/v1/providers"))["providers"]]
