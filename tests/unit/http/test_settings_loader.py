"""Settings: file, environment, secrets; each error is one line that names the key."""

from pathlib import Path

import pytest

from imagegen_adapters.providers.document.reading import preset_names
from imagegen_core.messages import Language
from imagegen_http.settings.loader import DASHED_PROVIDERS, check_bind, load_settings, variable_warnings
from imagegen_http.settings.schema import SettingsError


@pytest.fixture
def load(tmp_path):
    """Load settings from the text of a file and an environment."""

    def load(text="", **environ):
        (tmp_path / "config.yaml").write_text(text)
        return load_settings(config=None, environ=environ, cwd=tmp_path)

    return load


def test_everything_has_a_default(tmp_path):
    """Without a file the service listens on loopback and puts its data beside it."""
    settings = load_settings(config=None, environ={}, cwd=tmp_path)

    assert ("127.0.0.1", 8080, tmp_path / "data") == (
        settings.server.host,
        settings.server.port,
        settings.data_dir,
    )


def test_the_environment_overrides_the_file(load):
    """Any key can be a variable; its text is converted to the key's type."""
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


def test_origins_of_pages_are_listed_as_browsers_send_them(load):
    """Those of the web and those of apps."""
    origins = ("https://app.example.com", "http://localhost:3000", "app://-", "chrome-extension://abcdef")

    assert origins == load(f"security: {{allowed_origins: {list(origins)}}}").security.allowed_origins


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "*",
        "",
        "file://",
        "https://*.example.com",
        "https://a.example/path",
        "https://u@a.example",
        "a.example",
        "App://-",
        "https://a.example,https://b.example",
    ],
)
def test_an_origin_that_is_not_of_one_site_stops_the_start(load, origin):
    """``null`` is what a page of anybody sends from a frame in a sandbox."""
    with pytest.raises(SettingsError, match=r"^security\.allowed_origins"):
        load(f"security: {{allowed_origins: ['{origin}']}}")


BUCKET = "{endpoint: a, region: b, bucket: c, access_key_id: d, access_key_secret: e}"


@pytest.mark.parametrize("nothing", ["", "null"])
def test_a_variable_can_remove_the_token(load, nothing):
    """As it can any optional key: ``null`` is not a password."""
    settings = load("server: {auth_token: a-token}", IMAGEGEN_SERVER__AUTH_TOKEN=nothing)

    assert settings.server.auth_token is None


def test_lists_and_mappings_can_be_json_in_a_variable(load):
    """For values that commas cannot express; also a number below ``extra_config``."""
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
    """A secret with our prefix, for use with env:, is not an unknown key."""
    settings = load("server: {auth_token: 'env:IMAGEGEN_TOKEN'}", IMAGEGEN_TOKEN="t" * 20)

    assert "t" * 20 == settings.server.auth_token


def test_a_secret_comes_from_a_file(load, tmp_path):
    """``file:`` is relative to the settings file; white space around the secret is stripped."""
    (tmp_path / "key").write_text("sk-secret-secret\n")

    settings = load("providers: {openai: {api_key: 'file:key'}}")

    assert "sk-secret-secret" == settings.providers["openai"].api_key.reveal()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("server: {prot: 1}", "server.prot: unknown key; did you mean port?"),
        ("foo: 1", "foo: unknown key"),
        ("server: {'': 1}", "server.: unknown key"),
        ("defualt_provider: demo", "defualt_provider: unknown key; did you mean default_provider?"),
        ("server: {port: x}", "server.port: must be an integer"),
        ("server: {port: 99999}", "server.port: must be at most 65535"),
        ("server: {port: true}", "server.port: must be an integer"),
        ("queue: 5", "queue: must be a mapping of keys"),
        ("log: {level: loud}", "log.level: must be one of debug, info, warning, error"),
        ("storage: {local: null}", "storage.local: null needs storage.oss or storage.s3"),
        ("storage: {cache_mb: 5}", "storage.cache_mb: is for `storage.local: null`"),
        ("storage: {oss: {endpoint: a}}", "storage.oss.region: is required"),
        ("storage: {s3: {endpoint: a}}", "storage.s3.region: is required"),
        (f"storage: {{oss: {BUCKET}, s3: {BUCKET}}}", "storage.s3: and another archive exclude each other"),
        ("server: {auth_token: 'env:NOPE'}", "server.auth_token: the environment variable NOPE is not set"),
        ("server: {auth_token: 'file:nope'}", "server.auth_token: the file with the secret, "),
        ("providers: {Bad Name: {}}", "providers.Bad Name.provider_name: must be 1 to 64"),
        ("providers: {sd: {prot: 1}}", "providers.sd.prot: unknown key"),
        ("providers: {sd: {apikey: x}}", "providers.sd.apikey: unknown key; did you mean api_key?"),
        (
            "providers: {sd: {models: [{id: a, defalt: true}]}}",
            "providers.sd.models.0.defalt: unknown key; did you mean default?",
        ),
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
        (f"shutdown_grace_seconds: 1{'0' * 400}", "shutdown_grace_seconds: must be a finite number"),
        ("queue: 2026-99-99", "config.yaml: holds a value that cannot be read"),
        ("queue: &queue [*queue]", "config.yaml: holds a value that cannot be read"),
        ("providers: &a {sd: {extra_config: *a}}", "config.yaml: holds a value that cannot be read"),
    ],
)
def test_an_error_is_one_line_that_names_the_key(load, tmp_path, text, line):
    """Unknown keys, wrong types and missing secrets prevent the start."""
    with pytest.raises(SettingsError) as error:
        load(text)

    assert str(error.value).removeprefix(f"{tmp_path}/").startswith(line)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("nope", "cannot be read: No such file or directory", "：没有这个文件或目录"),
        (".", "cannot be read: Is a directory", "：是目录"),
        ("bytes", "cannot be read: is not UTF-8", "：不是 UTF-8"),
        ("empty", "is empty", " 为空"),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_used_is_named(load, tmp_path, name, english, chinese):
    """With its whole path, since it is relative to the settings, and never with what it holds."""
    (tmp_path / "bytes").write_bytes(b"sk-canary\xff")
    (tmp_path / "empty").touch()
    with pytest.raises(SettingsError) as error:
        load(f"server: {{auth_token: 'file:{name}'}}")
    path = tmp_path / name

    assert f"server.auth_token: the file with the secret, {path}, {english}" == str(error.value)
    assert error.value.reason.text(Language.ZH).endswith(f"存放机密的文件 {path}{chinese}")


def test_a_variable_that_is_not_utf_8_is_named(load):
    """Python decodes its bytes as half surrogate pairs, which nothing could write."""
    with pytest.raises(SettingsError, match=r"providers\.a\.api_key: must be UTF-8 text"):
        load(IMAGEGEN_PROVIDERS__A__API_KEY="\udcff")


def test_a_named_file_must_exist(tmp_path):
    """--config and IMAGEGEN_CONFIG are mandatory, ./config.yaml is optional."""
    with pytest.raises(SettingsError, match=r"nope\.yaml: cannot be read"):
        load_settings(config=Path("nope.yaml"), environ={}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "server: {auth_token: t}\nlog: {}\nserver: {port: 1}",
            "the key server is there twice, in line 1 and line 3",
        ),
        (
            "server:\n  port: 1\n  'port': 2\n",
            "the key port is there twice, in line 2 and line 3",
        ),
        ("providers:\n  1: {}\n  '1': {}\n", "the key 1 is there twice, in line 2 and line 3"),
    ],
)
def test_a_duplicate_key_is_refused(load, tmp_path, text, line):
    """A second ``server:`` would lose the token of the first; the file is named with its whole path."""
    with pytest.raises(SettingsError) as error:
        load(text)

    assert f"{tmp_path / 'config.yaml'}: {line}" == str(error.value)


def test_a_merged_mapping_may_be_overridden(load):
    """That is what ``<<`` is for, once or several times."""
    settings = load(
        "providers:\n  a: &a {max_retries: 1, timeout_seconds: 5}\n  b: &b {<<: *a, max_retries: 2}\n"
        "  c: {<<: *b, max_retries: 3}\n"
    )

    assert [(1, 5), (2, 5), (3, 5)] == [
        (settings.providers[name].max_retries, settings.providers[name].timeout_seconds) for name in "abc"
    ]


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("IMAGEGEN_SERVER_PORT", "unknown variable; did you mean IMAGEGEN_SERVER__PORT?"),
        ("IMAGEGEN_DATADIR", "unknown variable; did you mean IMAGEGEN_DATA_DIR?"),
        ("IMAGEGEN_DEFAULT_PROVIDR", "unknown variable; did you mean IMAGEGEN_DEFAULT_PROVIDER?"),
        ("IMAGEGEN_AUTH_TOKEN", "unknown variable; did you mean IMAGEGEN_SERVER__AUTH_TOKEN?"),
        ("IMAGEGEN_HOST", "unknown variable; did you mean IMAGEGEN_SERVER__HOST?"),
        ("IMAGEGEN_ACCES_KEY_ID", "unknown variable; did you mean IMAGEGEN_STORAGE__OSS__ACCESS_KEY_ID?"),
        (
            "IMAGEGEN_STORAGE_OSS_ACCESS_KEY_ID",
            "unknown variable; did you mean IMAGEGEN_STORAGE__OSS__ACCESS_KEY_ID?",
        ),
    ],
)
def test_a_misspelt_variable_is_not_left_alone(load, variable, line):
    """It would be taken for somebody else's, and the key would have its default."""
    with pytest.raises(SettingsError) as error:
        load(**{variable: "1"})

    assert f"{variable}: {line}" == str(error.value)


def test_variables_of_others_are_left_alone(load):
    """Secrets that the settings refer to, whatever their names, and what Kubernetes sets for a service."""
    settings = load(
        "server: {auth_token: 'env:IMAGEGEN_SERVER_TOKEN_AUTH'}",
        IMAGEGEN_SERVER_TOKEN_AUTH="t" * 20,
        IMAGEGEN_SERVER_PORT="tcp://10.0.0.1:80",
        IMAGEGEN_SERVICE_PORT="80",
        IMAGEGEN_SERVER_PORT_80_TCP="tcp://10.0.0.1:80",
        IMAGEGEN_PYTHON="python3.13",
    )

    assert ("t" * 20, 8080) == (settings.server.auth_token, settings.server.port)


def test_a_variable_that_nothing_reads_is_reported(tmp_path):
    """Not those of others, nor one that another variable refers to."""
    others = {"IMAGEGEN_PYTHON": "python3.13", "IMAGEGEN_SERVICE_PORT": "80", "IMAGEGEN_CONFIG": ""}
    fetched = {"IMAGEGEN_SERVER__AUTH_TOKEN": "env:IMAGEGEN_MY_SECRET", "IMAGEGEN_MY_SECRET": "t" * 20}
    environ = {**others, **fetched, "IMAGEGEN_SPEED": "fast"}

    assert ["IMAGEGEN_SPEED: unknown variable, ignored"] == [
        str(warning) for warning in variable_warnings(config=None, environ=environ, cwd=tmp_path)
    ]


def test_a_variable_finds_a_known_provider_without_a_file(load):
    """``stable_diffusion`` would be a different provider, of a different kind."""
    settings = load(
        IMAGEGEN_PROVIDERS__STABLE_DIFFUSION__MAX_RETRIES="5",
        IMAGEGEN_PROVIDERS__OPENAI_COMPATIBLE__MAX_RETRIES="6",
        IMAGEGEN_PROVIDERS__OPENAI__MAX_RETRIES="7",
    )

    assert {"stable-diffusion": 5, "openai-compatible": 6, "openai": 7} == {
        name: config.max_retries for name, config in settings.providers.items()
    }


def test_every_known_provider_that_no_variable_can_spell_is_known_to_the_loader():
    """Otherwise a preset with a dash in its name could not be configured without a file."""
    shipped = {*preset_names(), "demo", "gemini", "stable-diffusion"}

    assert sorted(DASHED_PROVIDERS) == sorted(name for name in shipped if "-" in name or "." in name)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "may mean my_vendor or my-vendor; write the provider's name below providers in the file"),
        ("providers: {my_vendor: {}, my.vendor: {}}", "may mean my.vendor or my_vendor"),
        ("providers: {my-vendor: {}}", None),
        ("providers: {my_vendor: {}}", None),
    ],
)
def test_a_variable_creates_no_provider(load, text, line):
    """A ``_`` may stand for itself, ``-`` and ``.``; only the file can tell which."""
    variable = "IMAGEGEN_PROVIDERS__MY_VENDOR__MAX_RETRIES"
    if line is None:
        assert [5] == [c.max_retries for c in load(text, **{variable: "5"}).providers.values()]
        return
    with pytest.raises(SettingsError) as error:
        load(text, **{variable: "5"})

    assert f"{variable}: {line}" == str(error.value)


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
def test_a_reachable_bind_needs_a_token(host, token, fine):
    """Other machines are only let in with auth_token."""
    if fine:
        check_bind(host, token)
        return
    with pytest.raises(SettingsError, match=r"server\.auth_token is required"):
        check_bind(host, token)


CLUSTER = """
database: postgresql://user:a-password@host/imagegen
storage: {local: null, oss: {endpoint: e, region: r, bucket: b, access_key_id: i, access_key_secret: s}}
"""
KEY = {"IMAGEGEN_MASTER_KEY": "a key"}


def test_a_node_of_a_cluster(load):
    """By default it does everything, and is called dead after twelve missing beats."""
    settings = load(CLUSTER, **KEY)

    assert ("postgresql://user:a-password@host/imagegen", True, True, 5.0, 60.0) == (
        settings.database,
        settings.serves_api,
        settings.runs_tasks,
        settings.cluster.heartbeat_seconds,
        settings.cluster.dead_after_seconds,
    )
    assert "a-password" not in repr(settings)


@pytest.mark.parametrize(("roles", "api", "worker"), [("api", True, False), ("worker", False, True)])
def test_a_node_may_have_one_role(load, roles, api, worker):
    """Also by a variable."""
    settings = load(CLUSTER, IMAGEGEN_ROLES=roles, **KEY)

    assert (api, worker) == (settings.serves_api, settings.runs_tasks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("database: mysql://host/db", "database: must be a URL such as postgresql://user@host/imagegen; @"),
        ("database: postgresql://host/db", "storage.local: must be null with database"),
        ("database: postgresql://host/db\nstorage: {local: null}", "storage.local: null needs storage.oss"),
        ("cluster: {heartbeat_seconds: 1}", "cluster: has no effect without database"),
        (
            CLUSTER.replace("imagegen", "imagegen?sslmode=strict", 1),
            "database: sslmode must be one of disable, ",
        ),
        (
            CLUSTER.replace("imagegen", "imagegen?connect_timeout=3", 1),
            "database: has a parameter after the question mark that is none of database, dbname, gsslib, ",
        ),
        ("roles: [api]", "roles: must be api and worker without database"),
        (f"{CLUSTER}\nroles: []", "roles: must be a list of at least one of api, worker"),
        (f"{CLUSTER}\nroles: [master]", "roles: must be a list of at least one of api, worker"),
        (f"{CLUSTER}\nroles: [api, api]", "roles: has api more than once"),
        (f"{CLUSTER}\ncluster: {{spool: redis}}", "cluster.spool: must be"),
        (f"{CLUSTER}\ncluster: {{heartbeat: 5}}", "cluster.heartbeat: unknown key"),
        (
            f"{CLUSTER}\ncluster: {{heartbeat_seconds: 10, dead_after_seconds: 20}}",
            "cluster.dead_after_seconds: must be at least 3 times cluster.heartbeat_seconds, which is 30",
        ),
    ],
)
def test_a_cluster_that_cannot_be(load, text, message):
    """It is refused before anything is opened, and no password is quoted."""
    with pytest.raises(SettingsError) as refusal:
        load(text, **KEY)

    assert str(refusal.value).startswith(message)
    assert "a-password" not in str(refusal.value)


def test_nodes_need_the_master_key_in_the_environment(load):
    """A key file in the data directory of each would be another key for each."""
    with pytest.raises(SettingsError, match=r"^IMAGEGEN_MASTER_KEY: is required with database"):
        load(CLUSTER)
