"""The settings that hold now."""

from tests.integration.api.asking import data


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
