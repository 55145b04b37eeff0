"""The settings that hold now."""

import pytest

from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    SMALL,
    WAIT,
    data,
    ended,
    row,
)

SETTINGS = "/api/v1/settings"
UNNAMED = {"params": {"prompt": "a lighthouse", **SMALL}}
"""A task that names no provider."""


def settings_of(api):
    return {item["key"]: (item["value"], item["source"]) for item in data(api.get("/api/v1/settings"))}


def test_the_settings_are_listed_with_their_source(api):
    """What `serve` was told counts as the environment, and the built-in provider as a default."""
    settings = settings_of(api)

    assert {"default", "file", "environment", "database"} >= {source for _, source in settings.values()}
    assert ("127.0.0.1", "demo") == (settings["server.host"][0], settings["providers.demo.kind"][0])
    assert "default" == settings["providers.demo.kind"][1]


def test_what_was_saved_is_of_the_database(api, saved):
    """With its key masked."""
    saved("shown", api_key="sk-0123456789abcdef")

    assert ("****", "database") == settings_of(api)["providers.shown.api_key"]


@pytest.fixture
def default(api):
    """Return a function that saves the default provider; what `config.yaml` says holds again afterwards."""

    def save(name):
        return api.patch(SETTINGS, json={"default_provider": name})

    yield save
    save(None)


def provider_of(api, **headers):
    """Return where a task goes that names no provider."""
    return data(api.post(GENERATE, json=UNNAMED, headers={**WAIT, **headers}))["provider"]


def test_the_default_provider_is_saved(api, saved, default):
    """It counts at once, wherever none is named, until it is taken back."""
    price = {"currency": "CNY", "rates": [{"amount": 0.1}]}
    saved("mine", models=[{"id": "own"}], extra_config={"prices": {"own": price}})
    before = settings_of(api)["default_provider"]
    changed = {item["key"]: item for item in data(default("mine"))}
    estimate = data(api.post("/api/v1/tasks/estimate", json=UNNAMED))
    image = api.post("/v1/images/generations", json={"prompt": "a lighthouse", "size": "64x64"})
    task = ended(api, image.headers["x-task-id"])

    assert {"key": "default_provider", "value": "mine", "source": "database"} == changed["default_provider"]
    assert ("mine", "mine") == (data(api.get("/api/v1/providers"))["default_provider"], provider_of(api))
    assert ("mine", "0.10") == (task["provider"], estimate["cost"]["amount"])
    default(None)
    assert (before, "demo") == (settings_of(api)["default_provider"], provider_of(api))


def test_a_default_that_no_task_could_go_to_is_refused(api, saved, default):
    """The one before stays; what became unusable since is refused, and no task goes elsewhere."""
    saved("mine")
    saved("off", enabled=False)
    default("mine")
    refusals = [row(default(name))[:2] for name in ("nobody", "off", "No Good!")]
    setting = settings_of(api)["default_provider"]
    api.delete(f"{CONFIG}/mine")
    gone = api.post(GENERATE, json=UNNAMED, headers=ENGLISH)

    assert [(400, 40001), (400, 40002), (400, 40000)] == refusals
    assert ("mine", "database") == setting
    assert (400, 40001) == row(gone)[:2]
    assert "mine" in gone.text


def test_a_repeated_request_is_the_same_task_under_another_default(api, saved, default):
    """It was accepted and may be paid for; the new default gets new requests only."""
    saved("mine")
    headers = {"Idempotency-Key": "a-key-that-outlives-the-default"}
    first = data(api.post(GENERATE, json=UNNAMED, headers=headers))
    default("mine")
    again = data(api.post(GENERATE, json=UNNAMED, headers=headers))

    assert (first["task_id"], "demo") == (again["task_id"], ended(api, first["task_id"])["provider"])
