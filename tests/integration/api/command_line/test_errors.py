"""Exit codes, and what a failed command prints in which language."""

import subprocess
from importlib.metadata import version

import pytest

from tests.integration.api.command_line.conftest import SMALL
from tests.integration.api.live_server import IMAGEGEN, clean_environ
from tests.integration.cli.outcomes import failed, good


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


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("generate", "x", "--param", "num=0"), "num"),
        (("generate", "x", "--param", "refuse=true"), "policy"),
        (("generate", "x", "--param", "sampler=1"), "sampler"),
        (("generate", ""), "prompt"),
        (("generate", "x", "--provider", "nobody"), "provider"),
        (("generate", "x", "--provider", "opnai"), "did you mean 'openai'?"),
        (("providers", "test", "opnai"), "did you mean 'openai'?"),
        (("generate", "x", "--model", "gone"), "model"),
        (("generate", "x", "-o", "no/such/directory/cat.png"), "directory"),
        (("generate", "x", "-o", "directory/"), "directory: no such directory"),
        (("tasks", "show", "nothing"), "task"),
        (("tasks", "cancel", "nothing"), "task"),
        (("images", "show", "99"), "image"),
        (("images", "delete", "99", "--yes"), "image"),
        (("images", "search", " "), "keyword"),
        (("images", "list", "--from", "yesterday"), "from"),
        (("providers", "test", "nobody"), "provider"),
        (("providers", "remove", "nobody", "--yes"), "provider"),
        (("providers", "set", "UPPER"), "provider_name"),
        (
            ("providers", "set", "x", "--api-key", "env:NOT_SET_ANYWHERE"),
            "--api-key: the environment variable",
        ),
        (("providers", "set", "x", "--proxy", "file:nope"), "file nope cannot be read: No such file"),
        (("providers", "set", "x", "--header", "X-Key=file:/dev/null"), "X-Key: the file /dev/null is empty"),
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


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("generate", "x", "--param", "novalue"), "--param novalue: 须为 K=V"),
        (("providers", "set", "x", "--api-key", "sk-x"), "--api-key 只接受 env:NAME、file:PATH 或 -"),
        (("providers", "set", "x", "--proxy", "http://u:p@h:1"), "带用户名的 --proxy 只接受"),
        (("providers", "set", "x", "--preset", "a", "--spec", "b"), "--preset 和 --spec 不能同时使用"),
    ],
)
def test_a_wrong_argument_is_explained_in_the_language_of_the_locale(run, args, message):
    """Below the line that says how the command is used."""
    result = run(*args, environ={"LC_ALL": "zh_CN.UTF-8"})

    assert (2, True, True) == (
        result.returncode,
        "用法：imagegen" in result.stderr,
        message in result.stderr,
    )


def test_help_and_version_are_no_failure(run):
    """Every command has its help."""
    commands = ([], ["serve"], ["generate"], ["providers", "set"], ["tasks", "list"], ["images", "export"])

    assert [0] * 6 == [run(*args, "--help").returncode for args in commands]
    assert version("imagegen-service") in good(run("--version"))


@pytest.mark.parametrize(
    ("lang", "message"), [("C.UTF-8", "no task 'nope'"), ("zh_CN.UTF-8", "没有任务 'nope'")]
)
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


def test_a_misspelt_command_is_told_what_was_probably_meant(run):
    """Although none of the commands is loaded."""
    assert "Did you mean 'backup'?" in run("bakup", "x").stderr


def test_a_current_directory_that_was_deleted_is_said_in_one_line(tmp_path):
    """Whatever the command."""
    command = f"mkdir gone && cd gone && rmdir ../gone && exec {IMAGEGEN} images list"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "imagegen: the current directory cannot be used: No such file or directory" in failed(done)
