"""Typed clients that other people's tools generate from our document, and what reads with them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.api.asking import finished
from tests.integration.api.live_server import LiveServer
from tests.markdown import DOCS

pytestmark = pytest.mark.timeout(900)

READERS = Path(__file__).parent / "readers"
PAGE = DOCS / "reference" / "http-api.md"
PROMPT = "一只可爱的猫"
READ = f"completed {PROMPT} image/png 64"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A service with the built-in provider."""
    server = LiveServer(tmp_path_factory.mktemp("generated"), {}).start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def task_id(server):
    """A task that has its image."""
    with server.client() as api:
        return finished(api, PROMPT, width=64, height=64)["task_id"]


@pytest.fixture
def documented(server, installed):
    """Return a function that returns the page's command for a tool, with our address."""

    def command(tool):
        line = next(line for line in PAGE.read_text("utf-8").splitlines() if f" {tool} " in line)
        arguments = line.partition(f" {tool} ")[2].replace("http://127.0.0.1:8080", server.url)
        return [installed.tool(tool), *arguments.split()]

    return command


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command in an empty folder and returns what it prints."""

    def run_command(*command, **environ):
        own = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        completed = subprocess.run(
            command, cwd=tmp_path, env={**own, **environ}, capture_output=True, text=True, check=False
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout.strip()

    return run_command


def test_openapi_typescript(server, task_id, installed, documented, run, tmp_path):
    """A program that asks for images, and reads a task and an image, is checked with the types, and works."""
    shutil.copy(READERS / "reader.ts", tmp_path)
    run(*documented("openapi-typescript"))
    strict = ["--strict", "--noUncheckedSideEffectImports", "--target", "es2022", "--module", "es2022"]
    run(installed.tool("tsc"), *strict, "--outDir", "out", "reader.ts", "imagegen.d.ts")

    assert f"completed 1\n{READ} true" == run("node", "out/reader.js", server.url, task_id)


def test_openapi_python_client(server, task_id, installed, documented, run, tmp_path):
    """The same in Python; mypy finds nothing in what was generated either."""
    shutil.copy(READERS / "reader.py", tmp_path)
    run(*documented("openapi-python-client"))
    client = str(tmp_path / "imagegen-client")
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", installed.python)
    run(*mypy, "reader.py", f"{client}/imagegen_client", MYPYPATH=client)

    assert f"{READ} True" == run(installed.python, "reader.py", server.url, task_id, PYTHONPATH=client)
