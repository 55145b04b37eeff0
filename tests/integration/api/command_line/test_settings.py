"""``imagegen config``, and what a wrong or missing setting does to a start."""

import pytest
import yaml

from tests.integration.api.asking import CONFIG, data, until
from tests.integration.api.command_line.conftest import SMALL
from tests.integration.cli.outcomes import failed, good


def test_a_file_that_names_an_unknown_preset_starts_no_server(run, tmp_path):
    """Its first task would be too late to find out."""
    (tmp_path / "config.yaml").write_text("providers: {x: {extra_config: {preset: nope}}}")

    assert "providers.x.extra_config.preset" in failed(run("serve", "--port", "0"), 2)


def test_config_show_masks_every_secret(run, tmp_path):
    """And prints the effective value of everything else."""
    secrets = {"TOKEN": "the-token-4711", "KEY": "sk-the-key-4711", "OSS": "the-oss-secret-4711"}
    config = {
        "server": {"auth_token": "env:TOKEN"},
        "providers": {
            "demo": {
                "api_key": "env:KEY",
                "extra_config": {"headers": {"X-Api-Key": "header-4711"}, "proxy": "http://u:proxy-4711@p:1"},
            }
        },
        "storage": {
            "oss": {
                "endpoint": "https://oss-cn-hangzhou.aliyuncs.com",
                "region": "cn-hangzhou",
                "bucket": "b",
                "access_key_id": "id-4711",
                "access_key_secret": "env:OSS",
            }
        },
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    result = run("config", "show", environ={**secrets, "IMAGEGEN_SERVER__PORT": "9000"})
    shown = yaml.safe_load(good(result))

    assert (9000, "127.0.0.1", 1000) == (
        shown["server"]["port"],
        shown["server"]["host"],
        shown["queue"]["size"],
    )
    assert "4711" not in result.stdout


def test_config_show_masks_the_keys_of_s3(run, tmp_path):
    """The token too."""
    bucket = {
        "endpoint": "https://s3.eu-central-1.amazonaws.com",
        "region": "eu-central-1",
        "bucket": "b",
        "access_key_id": "id-4711",
        "access_key_secret": "secret-4711",
        "session_token": "token-4711",
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"storage": {"s3": bucket}}))

    result = run("config", "show")

    assert "eu-central-1" == yaml.safe_load(good(result))["storage"]["s3"]["region"]
    assert "4711" not in result.stdout


def test_config_check_says_that_the_settings_are_valid(run):
    """Also without a file."""
    assert good(run("config", "check"))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"default_provider": "nowhere"}, "no provider 'nowhere' is configured"),
        ({"providers": {"demo": {"enabled": False}}}, "no provider 'demo' is configured"),
        (
            {"default_provider": "off", "providers": {"off": {"kind": "demo", "enabled": False}}},
            "is switched off",
        ),
    ],
)
def test_an_unusable_default_provider_is_reported(run, start_server, tmp_path, config, reason):
    """By the check, by the doctor and at the start, until it is saved."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = run("config", "check")
    server = start_server(config, folder=tmp_path)
    looked = run("doctor")
    name = config.get("default_provider", "demo")
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": name, "kind": "demo", "enabled": True}))

    until(lambda: server.log, lambda log: reason in log)
    assert (0, True) == (checked.returncode, "default_provider: " in checked.stderr)
    assert [True] * 2 == [reason in output for output in (checked.stderr, looked.stdout)]
    assert "" == run("config", "check").stderr
    assert "default provider" not in run("doctor").stdout


def test_a_variable_that_nothing_reads_is_reported(run, start_server, tmp_path):
    """By the check and at the start, which both go on."""
    environ, line = {"IMAGEGEN_SPEED": "fast"}, "IMAGEGEN_SPEED: unknown variable, ignored"
    checked = run("config", "check", environ=environ)
    server = start_server({}, folder=tmp_path, environ=environ)

    assert (0, f"imagegen: {line}\n") == (checked.returncode, checked.stderr)
    until(lambda: server.log, lambda log: line in log)


def test_config_check_warns_of_a_key_that_cannot_be_right(run, tmp_path):
    """It prevents nothing, since a saved row may still set another dialect."""
    config = {"providers": {"stable-diffusion": {"api_key": "no-colon-4711"}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = run("config", "check")

    assert (0, "imagegen: providers.stable-diffusion.api_key: must be user:password\n") == (
        checked.returncode,
        checked.stderr,
    )


@pytest.mark.parametrize(
    ("config", "environ", "key"),
    [
        ("servr: {}", {}, "servr"),
        ("server: {prt: 1}", {}, "server.prt"),
        ("server: {port: eighty}", {}, "server.port"),
        ("server: {port: 70000}", {}, "server.port"),
        ("server: {port: true}", {}, "server.port"),
        ("server: 17", {}, "server"),
        ("queue: {size: 0}", {}, "queue.size"),
        ("queue: {workers: '4'}", {}, "queue.workers"),
        ("storage: {local: {retention_days: -1}}", {}, "storage.local.retention_days"),
        ("storage: {oss: {bucket: b}}", {}, "storage.oss"),
        ("log: {level: loud}", {}, "log.level"),
        ("server: {auth_token: env:NOT_SET_ANYWHERE}", {}, "server.auth_token"),
        ("server: {auth_token: file:no-such-file}", {}, "server.auth_token"),
        ("providers: {demo: {colour: red}}", {}, "providers.demo.colour"),
        ("providers: {demo: {api_key: 7}}", {}, "providers.demo.api_key"),
        ("providers: {UPPER: {}}", {}, "providers.UPPER"),
        ("providers: {x: {kind: painter}}", {}, "providers.x.kind"),
        ("security: {allow_private_upstreams: [no-port]}", {}, "security.allow_private_upstreams"),
        ("aigc_label: {enabled: true}", {}, "aigc_label.producer"),
        ("", {"IMAGEGEN_SERVER__PORT": "x"}, "server.port"),
        ("", {"IMAGEGEN_SERVER__PRT": "1"}, "server.prt"),
        ("{", {}, "config.yaml"),
        ("- a list", {}, "config.yaml"),
        ("server: {host: 0.0.0.0}", {}, "server.host"),
        ("server: {auth_token: file:/dev/null}", {}, "server.auth_token"),
        ("server: {auth_token: '  '}", {}, "server.auth_token"),
        ("server: {allowed_hosts: ['https://a.example']}", {}, "server.allowed_hosts"),
        ("server: {public_url: a.example}", {}, "server.public_url"),
        ("server: {trusted_proxies: [localhost]}", {}, "server.trusted_proxies"),
        ("security: {allow_webhooks: [127.0.0.0/8]}", {}, "security.allow_webhooks"),
        ("security: {allow_webhooks: [n8n.lan]}", {}, "security.allow_webhooks"),
        (
            "storage: {oss: {endpoint: '', region: r, bucket: b, access_key_id: i, access_key_secret: s}}",
            {},
            "storage.oss.endpoint",
        ),
        ("providers: {openai: {max_retries: 99}}", {}, "providers.openai.max_retries"),
        ("providers: {openai: {timeout_seconds: -1}}", {}, "providers.openai.timeout_seconds"),
        ("providers: {x: {extra_config: {preset: nope}}}", {}, "providers.x.extra_config.preset"),
        ("providers: {x: {extra_config: {spec: {}}}}", {}, "providers.x.extra_config.spec"),
        ("", {"IMAGEGEN_PROVIDERS__X__EXTRA_CONFIG": "[]"}, "providers.x.extra_config"),
        (
            "providers: {x: {extra_config: {max_concurency: 2}}}",
            {},
            "providers.x.extra_config.max_concurency: unknown key; did you mean max_concurrency?",
        ),
        (
            "providers: {gemini: {kind: gemini, extra_config: {locaton: us, project: p}}}",
            {},
            "providers.gemini.extra_config.locaton: unknown key; did you mean location?",
        ),
        (
            "providers: {x: {kind: http, extra_config: {dialect: a1111}}}",
            {},
            "x.extra_config.dialect",
        ),
        ("", {"IMAGEGEN_SERVER_AUTH_TOKEN": "t"}, "did you mean IMAGEGEN_SERVER__AUTH_TOKEN?"),
        (
            "server: {auth_token: t}\nserver: {port: 1}",
            {},
            "the key server is there twice",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_wrong_setting_exits_2_and_names_its_key(run, tmp_path, config, environ, key):
    """In one line."""
    (tmp_path / "config.yaml").write_text(config)

    assert key in failed(run("config", "check", environ=environ), 2)


@pytest.mark.parametrize(
    "config",
    [
        "servr: {}",
        "server: {host: 0.0.0.0}",
        "providers: {x: {kind: painter}}",
        "server: {auth_token: env:NOT_SET}",
        "server: {auth_token: file:/dev/null}",
        "server: {allowed_hosts: ['*']}",
    ],
)
def test_a_wrong_setting_prevents_the_start(run, tmp_path, config):
    """Before anything is created."""
    (tmp_path / "config.yaml").write_text(config)
    failed(run("serve", "--port", "0"), 2)

    assert not (tmp_path / "data").exists()


def test_a_missing_config_file_is_named(run):
    """Whether an option or a variable names it."""
    by_option = failed(run("config", "check", "--config", "nowhere.yaml"), 2)
    by_variable = failed(run("tasks", "list", environ={"IMAGEGEN_CONFIG": "nowhere.yaml"}), 2)

    assert ["nowhere.yaml" in line for line in (by_option, by_variable)] == [True, True]


def test_a_configuration_is_found_by_option_then_variable_then_directory(run, tmp_path):
    """In this order of precedence."""
    for name, port in (("config.yaml", 1001), ("variable.yaml", 1002), ("option.yaml", 1003)):
        (tmp_path / name).write_text(f"server: {{port: {port}}}")
    environ = {"IMAGEGEN_CONFIG": "variable.yaml"}
    shown = [
        run("config", "show"),
        run("config", "show", environ=environ),
        run("config", "show", "--config", "option.yaml", environ=environ),
    ]

    assert [1001, 1002, 1003] == [yaml.safe_load(good(s))["server"]["port"] for s in shown]


def test_a_secret_never_shows_in_an_error(run, tmp_path):
    """Only its key does."""
    (tmp_path / "config.yaml").write_text("server: {auth_token: [sk-secret-4711]}")

    assert "4711" not in failed(run("config", "check"), 2)


def test_environment_variables_set_any_key(run, tmp_path):
    """``IMAGEGEN_DATA_DIR`` among them."""
    good(run("generate", "x", *SMALL, environ={"IMAGEGEN_DATA_DIR": str(tmp_path / "elsewhere")}))

    assert ((tmp_path / "elsewhere" / "imagegen.db").exists(), (tmp_path / "data").exists()) == (True, False)
