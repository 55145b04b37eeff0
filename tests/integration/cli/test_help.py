"""A command loads nothing that it does not need, so that ``imagegen --help`` is instant."""

import re
import subprocess
import sys

import pytest

from tests.integration.api.live_server import clean_environ

SCRIPT = """
import sys
sys.argv = ["imagegen", *sys.argv[1:]]
from imagegen_http.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""
HEAVY = {
    "PIL",
    "asyncio",
    "cryptography",
    "google",
    "httpx",
    "imagegen_core.imagegen",
    "imagegen_core.running",
    "imagegen_core.services",
    "litestar",
    "oss2",
    "pydantic",
    "rich",
    "rich_click",
    "sqlite3",
    "structlog",
    "yaml",
}


def python(script, *args, cwd, **environ):
    """Run a script, without the modules that measuring its coverage would import."""
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        cwd=cwd,
        env={k: v for k, v in clean_environ(**environ).items() if not k.startswith("COVERAGE")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def modules_of(*args, cwd, **environ):
    """Return the exit code, what was printed, and the modules that the command imported."""
    ended = python(SCRIPT, *args, cwd=cwd, **environ)
    return ended.returncode, ended.stdout, set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["images", "export", "-h"], ["backup", "--help"]]
)
def test_help_loads_nothing_heavy(args, tmp_path):
    """No SDK, no HTTP client, no database."""
    code, output, modules = modules_of(*args, cwd=tmp_path)

    assert (0, set()) == (code, HEAVY & modules)
    assert output


@pytest.mark.parametrize(
    "args",
    [["--wrong"], ["taks"], ["tasks", "list", "--wrong"], ["generate"], ["tasks", "list", "--limit=x"]],
)
def test_wrong_arguments_load_nothing_heavy(args, tmp_path):
    """They are refused as fast as the help is shown."""
    code, _, modules = modules_of(*args, cwd=tmp_path)

    assert (2, set()) == (code, HEAVY & modules)


@pytest.mark.parametrize(
    ("args", "commands"),
    [
        (["--version"], set()),
        (["--help"], set()),
        (["tasks", "--help"], {"tasks"}),
        (["keys", "-x"], {"admin"}),
        (["--token", "a", "--server=http://127.0.0.1:9", "keys", "rotate"], {"admin"}),
    ],
)
def test_only_the_called_command_is_loaded(args, commands, tmp_path):
    """The modules of the others are not imported."""
    _, _, modules = modules_of(*args, cwd=tmp_path)
    every = {
        "admin",
        "generate",
        "images",
        "providers",
        "tasks",
    }

    assert commands == {name for name in every if f"imagegen_http.cli.{name}" in modules}


def test_a_command_loads_only_the_adapter_of_its_provider(tmp_path):
    """The others would take a tenth of its time."""
    code, _, modules = modules_of("generate", "a cat", cwd=tmp_path)
    adapter = re.compile(r"imagegen_adapters\.providers\.(\w+)")

    assert (0, {"common", "demo"}) == (code, {match[1] for match in map(adapter.fullmatch, modules) if match})


def test_the_service_loads_what_it_uses(tmp_path):
    """No SDK, no image library, no provider, no archive, no label: whatever needs one of them loads it."""
    ended = python("import sys, imagegen_http.server.server; print(*sys.modules)", cwd=tmp_path)
    unused = {
        "PIL",
        "cryptography",
        "difflib",
        "fastcrc",
        "google.genai",
        "imagegen_adapters.archives.oss",
        "imagegen_adapters.images.label",
        "imagegen_adapters.providers.comfyui",
        "imagegen_adapters.providers.demo.provider",
        "imagegen_adapters.providers.gemini.provider",
        "imagegen_adapters.providers.document.provider",
        "imagegen_adapters.providers.stability",
        "oss2",
        "sqlite_utils",
        "xml",
    }

    loaded = set(ended.stdout.split())
    assert {"imagegen_http.server.server"} == loaded & (unused | {"imagegen_http.server.server"})


RESTART = """
import asyncio, pathlib, sys
from imagegen_http.service import compose
from imagegen_http.settings.schema import Settings

async def start():
    settings = Settings(data_dir=pathlib.Path("data"))
    async with compose(settings, environ={}) as service:
        for prompt in sys.argv[1:]:
            await service.imagegen.generate(prompt)

asyncio.run(start())
print(*sys.modules)
"""


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="its Unicode may fold otherwise, so the index is looked at"
)
def test_a_start_without_keys_loads_neither_cipher_nor_dictionaries(tmp_path):
    """Whether the master key and the search index are right is known without them; they take 10 MB."""
    first, second = (python(RESTART, *words, cwd=tmp_path) for words in (["貓"], []))
    loaded, unused = set(second.stdout.split()), {"cryptography", "opencc", "sqlite_utils"}

    assert {"opencc"} == {"cryptography", "opencc"} & set(first.stdout.split()), first.stderr
    assert {"imagegen_http.service"} == loaded & {"imagegen_http.service", *unused}
