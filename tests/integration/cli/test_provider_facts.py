"""``providers check`` names the models of a configuration that end, and what to use instead."""

import json

import pytest
import yaml

from tests.integration.cli.outcomes import failed, good

OLD = {
    "providers": {
        "openai": {
            "api_key": "k",
            "models": [{"id": "gpt-image-2", "default": True}, {"id": "dall-e-3"}, {"id": "gpt-image-1.5"}],
        },
        "gemini": {"api_key": "k", "models": [{"id": "gemini-3.1-flash-image"}]},
        "demo": {"enabled": False},
    }
}


@pytest.fixture
def old(desk):
    """A desk whose configuration is from another time."""
    desk.folder.joinpath("config.yaml").write_text(yaml.safe_dump(OLD))
    return desk


def listed(old, *options):
    facts = json.loads(good(old.imagegen("providers", "check", "--json", *options)))
    return {model["model"]: model for model in facts if model["provider"] != "kept"}


def test_what_ends_first_comes_first(old):
    """Then what goes on, the oldest facts before the others."""
    models = [name for name in listed(old) if name in ("dall-e-3", "gemini-3.1-flash-image", "gpt-image-2")]

    assert ["dall-e-3", "gemini-3.1-flash-image", "gpt-image-2"] == models


def test_each_that_ends_has_its_replacement(old):
    """Also where its end is still to come, or past."""
    facts = listed(old)

    assert {
        "dall-e-3": ("retired", "2026-05-12", "gpt-image-2"),
        "gemini-3.1-flash-image": ("retired", "2026-10-29", "gemini-nano-banana-2.1"),
    } == {
        name: (facts[name]["status"], facts[name]["ends"], facts[name]["use_instead"])
        for name in ("dall-e-3", "gemini-3.1-flash-image")
    }
    assert ("2026-12-01", "gpt-image-2.6-sunburst") == (
        facts["gpt-image-1.5"]["ends"],
        facts["gpt-image-1.5"]["use_instead"],
    )
    assert ("active", None) == (facts["gpt-image-2"]["status"], facts["gpt-image-2"]["ends"])


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("C.UTF-8", "openai: model dall-e-3 is retired (2026-05-12); use gpt-image-2 instead"),
        ("zh_CN.UTF-8", "openai：模型 dall-e-3 已下线（2026-05-12）；请改用 gpt-image-2"),
    ],
)
def test_it_is_said_in_both_languages(old, language, sentence):
    """As sentences, beside the list."""
    outcome = old.imagegen("providers", "check", environ={"LC_ALL": language})

    assert sentence in outcome.stderr


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("C.UTF-8", "tencent was switched off by its provider on 2026-09-30; use preset tokenhub"),
        ("zh_CN.UTF-8", "tencent 已由其服务商于 2026-09-30 停用；请改用预设 tokenhub"),
    ],
)
def test_a_preset_that_ended_is_named_with_its_successor(desk, language, sentence):
    """It has no models any more; in the file alone it is no reason to be silent about it."""
    providers = {"hunyuan": {"kind": "http", "api_key": "id:key", "extra_config": {"preset": "tencent"}}}
    desk.folder.joinpath("config.yaml").write_text(yaml.safe_dump({"providers": providers}))

    outcome = desk.imagegen("providers", "check", "--strict", environ={"LC_ALL": language})

    assert "hunyuan" in outcome.stderr
    assert sentence in outcome.stderr
    assert 4 == outcome.returncode


def test_strict_ends_with_4(old):
    """For whoever wants to hear of it from a timer."""
    assert [0, 4] == [
        old.imagegen("providers", "check", *options).returncode for options in ((), ("--strict",))
    ]


def test_a_configuration_of_today_ends_with_0(desk):
    """Nothing of the demo ends."""
    assert 0 == desk.imagegen("providers", "check", "--strict").returncode


@pytest.mark.parametrize("exists", [False, True])
def test_settings_are_checked_before_there_is_any_data(other, old, exists):
    """As they are listed once there is; neither directory, database nor key is created."""
    other.folder.joinpath("config.yaml").write_text(yaml.safe_dump(OLD))
    if exists:
        other.data_dir.mkdir()
    before = sorted(other.folder.rglob("*"))
    facts = listed(other)
    outcome = other.imagegen("providers", "check", "--strict", environ={"LC_ALL": "zh_CN.UTF-8"})

    assert (4, before) == (outcome.returncode, sorted(other.folder.rglob("*")))
    assert "openai：模型 dall-e-3 已下线（2026-05-12）；请改用 gpt-image-2" in outcome.stderr
    assert facts == listed(old)


def test_wrong_settings_are_named_before_there_is_any_data(other):
    """As the service would refuse them."""
    providers = {"openai": {"extra_config": {"preset": "nobody"}}}
    other.folder.joinpath("config.yaml").write_text(yaml.safe_dump({"providers": providers}))

    assert "providers.openai.extra_config.preset" in failed(other.imagegen("providers", "check"), code=2)
