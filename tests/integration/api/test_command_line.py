"""API.md sections 7 and 8: the commands, their exit codes and their error messages."""

import io
import json
import os
import socket
from contextlib import closing
from importlib.metadata import version

import pytest
import yaml
from PIL import Image

from imagegen_adapters.databases.sqlite.engine import sqlite3
from tests.integration.api.asking import CONFIG, data, ended, finished, running, submit, task_of
from tests.integration.api.live_server import imagegen

SMALL = ("--param", "width=64", "--param", "height=64")


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command in an empty directory."""
    return lambda *args, **more: imagegen(*args, cwd=tmp_path, **more)


def good(result):
    assert (0, "") == (result.returncode, result.stderr), result
    return result.stdout


def failed(result, code=1):
    """Return the only line that a failed command prints to stderr."""
    lines = result.stderr.strip().splitlines()
    assert (code, 1) == (result.returncode, len(lines)), result
    assert "Traceback" not in result.stderr
    return lines[0]


def test_generate_writes_an_image_without_a_server(run, tmp_path):
    """And stores it."""
    out = good(run("generate", "一只可爱的猫", *SMALL, "-o", "cat.png"))
    with Image.open(tmp_path / "cat.png") as decoded:
        size, kind = decoded.size, decoded.format
    listed = json.loads(good(run("images", "list", "--json")))

    assert ((64, 64), "PNG", True) == (size, kind, "cat.png" in out)
    assert ["一只可爱的猫"] == [image["prompt"] for image in listed]


@pytest.mark.parametrize("name", ["b.jpg", "b.GIF"])
def test_a_file_gets_the_extension_of_its_format(run, name, tmp_path):
    """Its bytes are the provider's; no file is replaced that the user did not name."""
    (tmp_path / "b.png").write_text("a file of the user's")
    result = run("generate", "a boat", *SMALL, "-o", name)
    with Image.open(tmp_path / "b-2.png") as decoded:
        kind = decoded.format

    assert (0, "PNG", "b-2.png") == (result.returncode, kind, result.stdout.strip().rpartition("/")[2])
    assert [True] * 3 == [word in result.stderr for word in (name, "image/png", "b-2.png")]
    assert {"b.png", "b-2.png", "data"} == {path.name for path in tmp_path.iterdir()}
    assert "a file of the user's" == (tmp_path / "b.png").read_text()


@pytest.mark.parametrize("name", ["b.JPEG", "b.dat", "b"])
def test_a_name_without_another_formats_extension_stays(run, name, tmp_path):
    """A JPEG may be called .jpeg, and a file may have any other extension."""
    good(run("generate", "a boat", *SMALL, "--param", "format=jpeg", "-o", name))
    with Image.open(tmp_path / name) as decoded:
        kind = decoded.format

    assert "JPEG" == kind


def test_generate_prints_the_finished_task_as_json(run):
    """For scripts: JSON alone."""
    task = json.loads(good(run("generate", "a boat", "-n", "2", *SMALL, "--json")))

    assert ("completed", 2, 64) == (task["status"], len(task["images"]), task["images"][0]["width"])


@pytest.mark.parametrize(
    "args",
    [
        ("generate", "a\udcffb"),
        ("generate", "a", "--param", "style=\udcff"),
        ("images", "search", "\udcff"),
        ("tasks", "show", "\udcff"),
        ("providers", "set", "\udcff"),
        ("backup", "\udcff"),
    ],
)
def test_an_argument_that_is_not_utf_8_ends_a_command_with_one_line(run, args):
    """A shell passes on any bytes, and Python decodes them as halves of surrogate pairs."""
    good(run("generate", "a boat", *SMALL))  # begins the data directory that the others look into

    assert "UTF-8" in failed(run(*args))


@pytest.mark.parametrize("args", [("images", "search", "\udcff"), ("backup", "\udcff")])
def test_without_data_a_command_says_so_whatever_its_arguments_are(run, args, tmp_path):
    """The wrong directory has to be fixed first."""
    assert str(tmp_path / "data") in failed(run(*args))


def test_generate_writes_several_images_beside_each_other(run, tmp_path):
    """Numbered; or all into a directory."""
    good(run("generate", "boats", "-n", "2", *SMALL, "-o", "boat.png"))
    (tmp_path / "boats").mkdir()
    good(run("generate", "boats", "-n", "2", *SMALL, "-o", "boats"))

    assert 2 == len(list(tmp_path.glob("boat*.png"))) == len(list((tmp_path / "boats").iterdir()))


def test_params_are_typed_as_they_look(run):
    """Numbers, booleans, texts; seed 7 twice yields the same bytes."""
    args = (
        "generate",
        "x",
        *SMALL,
        "--param",
        "seed=7",
        "--param",
        "format=jpeg",
        "--param",
        "as_job=true",
        "--json",
    )
    one, two = (json.loads(good(run(*args))) for _ in range(2))

    assert {"seed": 7, "format": "jpeg", "as_job": True}.items() <= one["params"].items()
    assert one["images"][0]["sha256"] == two["images"][0]["sha256"]


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("generate", "x", "--param", "num=0"), "num"),
        (("generate", "x", "--param", "refuse=true"), "policy"),
        (("generate", "x", "--param", "sampler=1"), "sampler"),
        (("generate", ""), "prompt"),
        (("generate", "x", "--provider", "nobody"), "provider"),
        (("generate", "x", "--model", "gone"), "model"),
        (("generate", "x", "-o", "no/such/directory/cat.png"), "directory"),
        (("tasks", "show", "nothing"), "task"),
        (("tasks", "cancel", "nothing"), "task"),
        (("images", "show", "99"), "image"),
        (("images", "delete", "99", "--yes"), "image"),
        (("images", "search", " "), "keyword"),
        (("images", "list", "--from", "yesterday"), "from"),
        (("providers", "test", "nobody"), "provider"),
        (("providers", "remove", "nobody", "--yes"), "provider"),
        (("providers", "set", "UPPER"), "provider_name"),
        (("providers", "set", "x", "--api-key", "env:NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_fails_exits_1_with_one_line(run, args, word):
    """The reason, on stderr."""
    good(run("providers", "set", "begun", "--kind", "demo"))

    assert word in failed(run(*args))


@pytest.mark.parametrize(
    "args",
    [
        ("paint",),
        ("generate",),
        ("generate", "x", "-n", "11"),
        ("generate", "x", "-n", "two"),
        ("generate", "x", "--param", "novalue"),
        ("generate", "x", "--colour", "red"),
        ("tasks", "list", "--status", "done"),
        ("images", "show", "one"),
        ("providers", "set", "x", "--api-key", "sk-in-the-history"),
        ("providers", "set", "x", "--header", "Authorization=sk-in-the-history"),
        ("providers", "set", "x", "--proxy", "http://user:in-the-history@proxy:1"),
        ("providers", "set", "x", "--header", "=a"),
        ("providers", "set", "x", "--max-concurrency", "0"),
        ("providers", "set", "x", "--preset", "openai", "--spec", "own.yaml"),
        ("providers", "set", "x", "--spec", "not-there.yaml"),
        ("serve", "--port", "99999"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(run, args):
    """And prints the usage."""
    result = run(*args)

    assert (2, "", False) == (result.returncode, result.stdout, "Traceback" in result.stderr)
    assert result.stderr.strip()


def test_help_and_version_are_no_failure(run):
    """Every command has its help."""
    commands = ([], ["serve"], ["generate"], ["providers", "set"], ["tasks", "list"], ["images", "export"])

    assert [0] * 6 == [run(*args, "--help").returncode for args in commands]
    assert version("imagegen") in good(run("--version"))


def test_providers_are_set_listed_tested_and_removed(run):
    """A key comes from a variable or from stdin, and is only ever shown masked."""
    key = "sk-from-the-environment-1234"
    texts = [
        good(run("providers", "set", "one", "--kind", "demo", "--api-key", "env:KEY", environ={"KEY": key})),
        good(
            run(
                "providers",
                "set",
                "two",
                "--kind",
                "demo",
                "--api-key",
                "-",
                "--model",
                "a",
                "--model",
                "b",
                stdin=f"{key}\n",
            )
        ),
        good(run("providers", "list")),
        good(run("providers", "test", "one")),
    ]
    listed = {c["provider_name"]: c for c in json.loads(good(run("providers", "list", "--json")))}
    removed = good(run("providers", "remove", "one", "--yes"))

    assert [] == [text for text in texts if key in text]
    assert ("sk-****1234", "sk-****1234", ["a", "b"]) == (
        listed["one"]["api_key"],
        listed["two"]["api_key"],
        [m["id"] for m in listed["two"]["models"]],
    )
    assert "one" in removed
    assert "one" not in [c["provider_name"] for c in json.loads(good(run("providers", "list", "--json")))]


def _extra_of(run, name):
    """Return the ``extra_config`` that the API shows for a provider."""
    listed = json.loads(good(run("providers", "list", "--json")))
    return next(c["extra_config"] for c in listed if c["provider_name"] == name)


def test_providers_set_changes_one_setting_and_leaves_the_others(run, tmp_path):
    """Headers, proxy and preset are set and removed one by one; secrets are references."""
    (tmp_path / "token").write_text("token-from-a-file\n")
    change = ("providers", "set", "mine")
    headers = ("--header", "X-Team=blue", "--header", "X-Auth=file:token", "--header", "X-Key=-")
    texts = [
        good(run(*change, "--preset", "openai-compatible", "--api-base", "https://a.example/v1")),
        good(run(*change, *headers, "--max-concurrency", "2", stdin="key-from-stdin\n")),
        good(run(*change, "--proxy", "env:PROXY", environ={"PROXY": "https://u:proxy-word@p.example:1"})),
    ]
    full = _extra_of(run, "mine")
    texts.append(good(run(*change, "--header", "X-Team", "--header", "X-Key", "--proxy", "")))
    less = _extra_of(run, "mine")

    hidden = ("token-from-a-file", "key-from-stdin", "proxy-word")
    assert [] == [text for text in texts if any(word in text for word in hidden)]
    assert {
        "preset": "openai-compatible",
        "headers": {"X-Team": "blue", "X-Auth": "****", "X-Key": "****"},
        "max_concurrency": 2,
        "proxy": "https://****@p.example:1",
    } == full
    assert ({"X-Auth": "****"}, None, 2) == (less["headers"], less.get("proxy"), less["max_concurrency"])


def test_a_document_comes_from_a_file_with_its_variables(run, tmp_path):
    """It replaces a preset; variables are set one by one."""
    spec = {
        "schema": 1,
        "id": "own",
        "name": "Own",
        "base_url": "https://own.example",
        "vars": {"a": "1", "b": "2"},
        "operations": {
            "generate": {
                "request": {"path": "/x", "body": {"type": "json", "template": {"p": "${prompt}"}}},
                "response": {"images": [{"select": "data[]", "base64": "b64_json"}]},
            }
        },
        "models": [{"id": "m", "capabilities": ["generate"]}],
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(spec))
    (tmp_path / "twice.yaml").write_text("schema: 1\nschema: 2\n")
    good(run("providers", "set", "own", "--preset", "openai", "--max-concurrency", "3"))
    good(run("providers", "set", "own", "--spec", "own.yaml", "--var", "a=5"))
    good(run("providers", "set", "own", "--var", "b=7"))
    both = _extra_of(run, "own")
    good(run("providers", "set", "own", "--var", "a"))
    twice = failed(run("providers", "set", "own", "--spec", "twice.yaml"), 2)
    unknown = failed(run("providers", "set", "own", "--var", "c=1"), 1)

    assert {"spec": spec, "vars": {"a": "5", "b": "7"}, "max_concurrency": 3} == both
    assert {"b": "7"} == _extra_of(run, "own")["vars"]
    assert "the key schema is there twice, in line 1 and line 2" in twice
    assert "extra_config.vars.c" in unknown


def test_a_header_beside_the_files_own_is_all_that_is_saved(run, tmp_path):
    """The rest stays in ``config.yaml``, whose changes keep counting."""
    config = tmp_path / "config.yaml"
    text = "providers: {filed: {kind: demo, extra_config: {max_concurrency: %d, headers: {X-Team: blue}}}}"
    config.write_text(text % 2)
    good(run("providers", "set", "filed", "--header", "X-More=red"))
    config.write_text(text % 7)

    assert {"max_concurrency": 7, "headers": {"X-Team": "blue", "X-More": "red"}} == _extra_of(run, "filed")


def test_testing_a_provider_without_a_free_call_says_not_verified(run):
    """It is neither a failure nor a success."""
    good(run("providers", "set", "minimax", "--api-key", "env:KEY", environ={"KEY": "mm-0123456789abcdef"}))

    assert good(run("providers", "test", "minimax")).startswith(
        "minimax: not verified: this provider has no free"
    )


def test_a_preset_only_needs_a_key(run):
    """Address and models come with it."""
    good(
        run(
            "providers",
            "set",
            "mine",
            "--preset",
            "openai",
            "--api-key",
            "env:KEY",
            environ={"KEY": "sk-preset-0001"},
        )
    )
    mine = next(
        c for c in json.loads(good(run("providers", "list", "--json"))) if c["provider_name"] == "mine"
    )

    assert ("http", "https://api.openai.com/v1", True) == (
        mine["kind"],
        mine["api_base"],
        bool(mine["models"]),
    )


def test_images_are_searched_shown_exported_and_deleted(run, tmp_path):
    """Without a server."""
    for prompt in ("一只可爱的猫", "a dog"):
        good(run("generate", prompt, *SMALL))
    matches = json.loads(good(run("images", "search", "貓", "--operation", "generate", "--json")))
    elsewhere = json.loads(good(run("images", "search", "貓", "--provider", "nobody", "--json")))
    first = run("images", "list", "--limit", "1", "--from", "2020-01-01")
    shown = json.loads(good(run("images", "show", matches[0]["id"])))
    good(run("images", "export", "cats", "--search", "猫"))
    good(run("images", "export", "all"))
    good(run("images", "delete", matches[0]["id"], "--yes"))
    remaining = json.loads(good(run("images", "list", "--json")))

    assert (["一只可爱的猫"], "一只可爱的猫") == ([i["prompt"] for i in matches], shown["prompt"])
    assert [] == elsewhere
    assert "a dog" == first.stdout.strip().split("\t")[-1]
    assert first.stderr.startswith("the first 1 of 2; ")
    assert [1, 2] == [len([*(tmp_path / d).glob("*.png")]) for d in ("cats", "all")]
    assert ["a dog"] == [i["prompt"] for i in remaining]


@pytest.mark.parametrize(("lang", "message"), [("C.UTF-8", "no such task"), ("zh_CN.UTF-8", "任务不存在")])
def test_errors_are_in_the_language_of_the_locale(run, lang, message):
    """Also without a server."""
    good(run("providers", "set", "begun", "--kind", "demo"))

    assert message in failed(run("tasks", "show", "nope", environ={"LC_ALL": lang}))


@pytest.mark.parametrize(
    ("lang", "message"),
    [
        ("C.UTF-8", "imagegen: configuration: server.port: must be at most 65535"),
        ("zh_CN.UTF-8", "imagegen: 配置：server.port：不能大于 65535"),
    ],
)
def test_a_mistake_in_the_settings_is_told_in_the_language_of_the_locale(run, lang, message):
    """From the same rule."""
    environ = {"LC_ALL": lang, "IMAGEGEN_SERVER__PORT": "65536"}
    done = run("config", "check", environ=environ)

    assert (2, message) == (done.returncode, done.stderr.strip())


def test_a_file_that_cannot_be_opened_is_named(run):
    """With the reason."""
    assert "nowhere.tar" in failed(run("restore", "nowhere.tar"))


def test_lists_in_a_pipe_are_lines_with_tabs(run):
    """And empty ones say so on stderr."""
    good(run("providers", "set", "begun", "--kind", "demo"))
    empty = run("tasks", "list")
    good(run("generate", "tab\tand\nline", *SMALL))
    lines = good(run("tasks", "list")).splitlines()

    assert (0, "") == (empty.returncode, empty.stdout)
    assert (1, True) == (len(lines), len(lines[0].split("\t")) == 5)


def test_commands_use_a_running_server(start_server):
    """It does the work, and no other process opens the data directory."""
    server = start_server({"queue": {"workers": 1}})
    with server.client() as api:
        task = json.loads(good(server.imagegen("generate", "through the server", *SMALL, "--json")))
        assert "completed" == task_of(api, task["task_id"])["status"]
        running(api, data(submit(api, delay_seconds=500))["task_id"])
        waiting = data(submit(api, "waits"))["task_id"]
        assert "cancelled" in good(server.imagegen("tasks", "cancel", waiting))
        retried = good(server.imagegen("tasks", "retry", waiting)).strip()
        assert "pending" == task_of(api, retried)["status"]
        listed = json.loads(good(server.imagegen("tasks", "list", "--status", "pending", "--json")))
        assert [retried] == [t["task_id"] for t in listed]
        assert "cancelled" == json.loads(good(server.imagegen("tasks", "show", waiting)))["status"]
        good(server.imagegen("providers", "set", "told", "--kind", "demo"))
        assert 200 == api.get(f"{CONFIG}/told").status_code
        good(server.imagegen("images", "delete", task["images"][0]["id"], "--yes"))
        assert [] == task_of(api, task["task_id"])["images"]


def test_commands_know_the_servers_token(start_server):
    """From the same settings."""
    server = start_server({"server": {"auth_token": "env:TOKEN"}}, environ={"TOKEN": "a-token-of-the-server"})

    assert 0 == server.imagegen("tasks", "list").returncode


def test_commands_send_any_token_that_a_server_accepts(start_server):
    """Also one that is not ASCII."""
    server = start_server({"server": {"auth_token": "一把很长的钥匙"}})

    assert 0 == server.imagegen("tasks", "list").returncode


def test_a_file_that_names_an_unknown_preset_starts_no_server(run, tmp_path):
    """Its first task would be too late to find out."""
    (tmp_path / "config.yaml").write_text("providers: {x: {extra_config: {preset: nope}}}")

    assert "providers.x.extra_config.preset" in failed(run("serve", "--port", "0"), 2)


def test_tasks_of_a_server_are_listed_after_its_end(start_server):
    """From the same data."""
    server = start_server()
    with server.client() as api:
        task = finished(api, "remembered")
    server.stop()
    shown = json.loads(good(server.imagegen("tasks", "show", task["task_id"])))

    assert (task["task_id"], "completed", "remembered") == (
        shown["task_id"],
        shown["status"],
        shown["prompt"],
    )


def test_a_retry_without_a_server_waits_for_the_next_one(start_server):
    """It stays pending."""
    server = start_server()
    with server.client() as api:
        task = data(submit(api, refuse=True, headers={"Prefer": "wait=30"}))
    server.stop()
    retried = good(server.imagegen("tasks", "retry", task["task_id"])).strip()
    server.start()
    with server.client() as api:
        assert ("failed", task["prompt"]) == (ended(api, retried)["status"], task_of(api, retried)["prompt"])


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

    assert (0, True) == (checked.returncode, "default_provider: " in checked.stderr)
    assert [True] * 3 == [reason in output for output in (checked.stderr, looked.stdout, server.log)]
    assert "" == run("config", "check").stderr
    assert "default provider" not in run("doctor").stdout


def test_a_variable_that_nothing_reads_is_reported(run, start_server, tmp_path):
    """By the check and at the start, which both go on."""
    environ, line = {"IMAGEGEN_SPEED": "fast"}, "IMAGEGEN_SPEED: unknown variable, ignored"
    checked = run("config", "check", environ=environ)
    server = start_server({}, folder=tmp_path, environ=environ)

    assert (0, f"imagegen: {line}\n") == (checked.returncode, checked.stderr)
    assert line in server.log


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


def test_an_unusable_data_directory_is_one_line(run, tmp_path):
    """There is a file in its place."""
    (tmp_path / "data").write_text("in the way")

    assert "data" in failed(run("serve", "--port", "0"), code=3)
    assert failed(run("tasks", "list"))


def test_a_data_directory_that_cannot_be_created_is_one_line(run):
    """Its parent is not a directory."""
    assert failed(run("serve", "--port", "0", environ={"IMAGEGEN_DATA_DIR": "/dev/null/data"}), code=3)


def test_a_newer_database_is_refused(run, tmp_path):
    """An older program must not touch it."""
    good(run("generate", "x", *SMALL))
    with closing(sqlite3.connect(tmp_path / "data" / "imagegen.db")) as database, database:
        database.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('imagegen', 'm999_later')"
        )
    line = failed(run("serve", "--port", "0"), code=3)

    assert "newer" in line
    assert failed(run("tasks", "list"))


def test_a_damaged_database_is_refused_in_one_line(run, tmp_path):
    """Without a traceback."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "imagegen.db").write_bytes(b"this is no database" * 500)

    assert failed(run("serve", "--port", "0"), code=3)


def test_a_second_server_on_the_same_data_is_refused(start_server):
    """Exit 1, one line; the first goes on."""
    server = start_server()
    line = failed(server.imagegen("serve", "--port", "0"))
    with server.client() as api:
        assert 200 == api.get("/health").status_code
    assert "data" in line


def test_a_second_server_with_the_same_port_names_the_data(start_server):
    """The same command again: exit 1, because of the first server rather than some port."""
    server = start_server()
    port = server.url.rpartition(":")[2]

    assert "another imagegen" in failed(server.imagegen("serve", "--port", port))


def test_a_port_in_use_is_named(run):
    """Whoever uses it; that is not wrong usage."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        assert str(port) in failed(run("serve", "--port", port))


def test_what_is_logged_stays_out_of_the_output(run, tmp_path):
    """A lost image is reported on stderr; stdout is for scripts."""
    good(run("generate", "x", *SMALL))
    for file in (tmp_path / "data" / "images").rglob("*.png"):
        file.unlink()
    result = run("images", "export", "out")

    counted = f"0 image(s) of {tmp_path / 'data'} in out\n"
    assert (1, counted, True) == (result.returncode, result.stdout, "missing" in result.stderr)
    assert result.stderr.splitlines()[-1].startswith("imagegen: ")


def test_environment_variables_set_any_key(run, tmp_path):
    """``IMAGEGEN_DATA_DIR`` among them."""
    good(run("generate", "x", *SMALL, environ={"IMAGEGEN_DATA_DIR": str(tmp_path / "elsewhere")}))

    assert ((tmp_path / "elsewhere" / "imagegen.db").exists(), (tmp_path / "data").exists()) == (True, False)


def test_an_image_is_written_atomically(run, tmp_path):
    """It decodes, and no temporary file is left."""
    good(run("generate", "x", *SMALL, "-o", "x.png"))
    with Image.open(io.BytesIO((tmp_path / "x.png").read_bytes())) as decoded:
        decoded.load()

    assert ["x.png"] == [p.name for p in tmp_path.iterdir() if p.name.startswith((".", "x"))]


def test_the_server_announces_itself_for_commands_only(start_server):
    """The announcement is removed when it ends."""
    server = start_server()
    existed = (server.data_dir / "server.json").exists()
    server.stop()

    assert (True, False) == (existed, (server.data_dir / "server.json").exists())
    assert 0 == server.imagegen("tasks", "list").returncode


def test_commands_work_after_a_server_was_killed(start_server):
    """Its announcement is stale."""
    server = start_server()
    with server.client() as api:
        finished(api)
    server.kill()

    assert 1 == len(json.loads(good(server.imagegen("tasks", "list", "--json"))))


def test_a_stale_announcement_whose_pid_is_in_use_again_is_no_server(run, tmp_path):
    """As after a power cut, or in a container, where every start has the same pid."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    good(run("providers", "set", "begun", "--kind", "demo"))
    (tmp_path / "data" / "server.json").write_text(json.dumps({"url": url, "pid": os.getpid()}))

    assert [] == json.loads(good(run("tasks", "list", "--json")))
