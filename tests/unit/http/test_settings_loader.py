"""Settings: file, environment, secrets; every mistake is one line that names the key."""

from pathlib import Path

import pytest

from imagegen_http.settings import SettingsError
from imagegen_http.settings_loader import check_bind, load_settings


@pytest.fixture
def load(tmp_path):
    """Load settings from the text of a file and an environment."""

    def load(text="", **environ):
        (tmp_path / "config.yaml").write_text(text)
        return load_settings(config=None, environ=environ, cwd=tmp_path)

    return load


def test_everything_has_a_default(tmp_path):
    """Without a file the service listens on loopback and keeps its data beside it."""
    settings = load_settings(config=None, environ={}, cwd=tmp_path)

    assert ("127.0.0.1", 8080, tmp_path / "data") == (
        settings.server.host,
        settings.server.port,
        settings.data_dir,
    )


def test_the_environment_stands_over_the_file(load):
    """Any key can be a variable; its text becomes the key's type."""
    settings = load(
        "server: {port: 1}\nstorage: {local: {retention_days: 1}}",
        IMAGEGEN_SERVER__PORT="9000",
        IMAGEGEN_STORAGE__LOCAL__RETENTION_DAYS="0.5",
        IMAGEGEN_SECURITY__ALLOW_PRIVATE_UPSTREAMS="127.0.0.1:1, 127.0.0.1:2",
        IMAGEGEN_AIGC_LABEL__ENABLED="true",
        IMAGEGEN_AIGC_LABEL__PRODUCER="某公司",
        IMAGEGEN_PROVIDERS__STABLE_DIFFUSION__MAX_RETRIES="5",
    )

    assert (9000, 0.5, True) == (
        settings.server.port,
        settings.storage.local.retention_days,
        settings.aigc_label.enabled,
    )
    assert ("127.0.0.1:1", "127.0.0.1:2") == settings.security.allow_private_upstreams


@pytest.mark.parametrize("nothing", ["", "null"])
def test_a_variable_can_take_the_token_away(load, nothing):
    """As it can any optional key: ``null`` is no password."""
    settings = load("server: {auth_token: a-token}", IMAGEGEN_SERVER__AUTH_TOKEN=nothing)

    assert settings.server.auth_token is None


def test_lists_and_mappings_can_be_json_in_a_variable(load):
    """What commas cannot say; and a number below ``extra_config`` is one."""
    settings = load(
        IMAGEGEN_SERVER__ALLOWED_HOSTS='["a.example", "b.example"]',
        IMAGEGEN_PROVIDERS__OPENAI__MODELS='[{"id": "x", "default": true}]',
        IMAGEGEN_PROVIDERS__OPENAI__EXTRA_CONFIG='{"headers": {"X-Team": "a"}}',
        IMAGEGEN_PROVIDERS__SD__EXTRA_CONFIG__MAX_CONCURRENCY="4",
    )
    openai, sd = settings.providers["openai"], settings.providers["sd"]

    assert ("a.example", "b.example") == settings.server.allowed_hosts
    assert ["x"] == [model.id for model in openai.models]
    assert {"headers": {"X-Team": "a"}} == openai.extra_config
    assert {"max_concurrency": 4} == sd.extra_config


def test_an_ipv6_address_is_no_json(load):
    """Although it is in brackets."""
    assert ("[::1]",) == load(IMAGEGEN_SERVER__ALLOWED_HOSTS="[::1]").server.allowed_hosts


def test_a_variable_finds_the_provider_with_a_dash(load):
    """``-`` cannot be in a variable's name; ``_`` stands for it when the file has the name."""
    settings = load(
        "providers: {stable-diffusion: {api_base: 'http://127.0.0.1:1'}}",
        IMAGEGEN_PROVIDERS__STABLE_DIFFUSION__MAX_RETRIES="5",
    )

    assert 5 == settings.providers["stable-diffusion"].max_retries


def test_variables_that_are_no_keys_are_left_alone(load):
    """A secret that is named like ours, for use with env:, is no unknown key."""
    settings = load("server: {auth_token: 'env:IMAGEGEN_TOKEN'}", IMAGEGEN_TOKEN="t" * 20)

    assert "t" * 20 == settings.server.auth_token


def test_a_secret_comes_from_a_file(load, tmp_path):
    """``file:`` is relative to the settings file; white space around the secret is no part of it."""
    (tmp_path / "key").write_text("sk-secret-secret\n")

    settings = load("providers: {openai: {api_key: 'file:key'}}")

    assert "sk-secret-secret" == settings.providers["openai"].api_key.reveal()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("server: {prot: 1}", "server.prot: unknown key"),
        ("foo: 1", "foo: unknown key"),
        ("server: {port: x}", "server.port: must be a whole number"),
        ("server: {port: 99999}", "server.port: must be <= 65535: 99999"),
        ("server: {port: true}", "server.port: must be a whole number"),
        ("queue: 5", "queue: must be a mapping of keys"),
        ("log: {level: loud}", "log.level: must be in"),
        ("storage: {local: null}", "storage.local: null needs storage.oss"),
        ("storage: {oss: {endpoint: a}}", "storage.oss.region: is required"),
        ("server: {auth_token: 'env:NOPE'}", "server.auth_token: the environment variable NOPE is not set"),
        ("server: {auth_token: 'file:nope'}", "server.auth_token: the file with the secret cannot be read"),
        ("providers: {Bad Name: {}}", "providers.Bad Name.provider_name: must be 1 to 64"),
        ("providers: {sd: {prot: 1}}", "providers.sd.prot: unknown key"),
        (
            "providers: {sd: {api_base: 'http://u:p@h'}}",
            "providers.sd.api_base: must not contain credentials",
        ),
        ("providers: {sd: {models: [{id: a, capabilities: [fly]}]}}", "providers.sd.models.0.capabilities"),
        ("aigc_label: {enabled: true}", "aigc_label.producer: is required"),
        ("a: [", "config.yaml: is not YAML in line 1"),
        ("- a", "config.yaml: must be a mapping of keys"),
        ("default_provider: No Good!", "default_provider: must be 1 to 64 of a-z 0-9 . _ -"),
        ('default_provider: "\\ud83d"', "default_provider: must be UTF-8 text without NUL"),
        ('providers: {sd: {display_name: "a\\0b"}}', "providers.sd.display_name: must be UTF-8 text"),
        ('"\\ud83d": 1', "a key: must be UTF-8 text"),
        ("shutdown_grace_seconds: .inf", "shutdown_grace_seconds: must be a finite number"),
        ("queue: 2026-99-99", "config.yaml: holds a value that cannot be read"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(load, text, line):
    """Unknown keys, wrong types and missing secrets stop the start."""
    with pytest.raises(SettingsError) as error:
        load(text)

    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_a_variable_that_is_not_utf_8_is_named(load):
    """Python keeps its bytes as half pairs, which nothing could write."""
    with pytest.raises(SettingsError, match=r"providers\.a\.api_key: must be UTF-8 text"):
        load(IMAGEGEN_PROVIDERS__A__API_KEY="\udcff")


def test_a_named_file_must_be_there(tmp_path):
    """--config and IMAGEGEN_CONFIG are demands, ./config.yaml is an offer."""
    with pytest.raises(SettingsError, match=r"nope\.yaml: cannot be read"):
        load_settings(config=Path("nope.yaml"), environ={}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("host", "token", "fine"),
    [
        ("127.0.0.1", None, True),
        ("0.0.0.0", None, False),
        ("::1", None, True),
        ("0.0.0.0", "t", True),
        ("example.com", None, False),
    ],
)
def test_others_are_let_in_only_with_a_token(host, token, fine):
    """A bind that others can reach needs auth_token."""
    if fine:
        check_bind(host, token)
        return
    with pytest.raises(SettingsError, match=r"server\.auth_token is required"):
        check_bind(host, token)
