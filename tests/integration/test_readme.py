"""What the documents tell people to type works: shell blocks against a real server, Python as programs.

A block below ``<!-- not run by the tests: … -->`` is left out.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.gemini import KEY, FakeGemini
from tests.fakes.in_thread import in_thread
from tests.integration.api.live_server import IMAGEGEN, LiveServer, clean_environ

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"(?P<mark><!--[^\n]*-->\n)?^```(?P<kind>sh|python|toml)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)
PNG = b"\x89PNG\r\n\x1a\n"
WAIT_SECONDS = 240
COMMANDS = ("./run serve", "./run test")
"""The two that a newcomer types first; `.ci/run` runs the second with `--all`, each test here the first."""


def _blocks(page, kind):
    text = (ROOT / page).read_text("utf-8")
    return [m["text"] for m in FENCE.finditer(text) if m["kind"] == kind and not m["mark"]]


@pytest.fixture
def server(tmp_path):
    """A server that has made an image already, with no settings but a free port, where commands are typed."""
    if shutil.which("curl") is None:
        pytest.skip("curl is missing; .ci/run installs it")
    running = LiveServer(tmp_path).start()
    running.imagegen("generate", "what was there before", "--param", "width=64", "--param", "height=64")
    yield running
    running.end()


def python(*args, cwd, **environ):
    """Run Python to its end; text out."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=clean_environ(**environ),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def _typed(page, server):
    """Run a page's shell blocks as one script: with the server's port, and a curl that fails on an error."""
    lines = [line for block in _blocks(page, "sh") for line in block.splitlines() if line not in COMMANDS]
    script = (
        "\n".join(lines)
        .replace("http://127.0.0.1:8080", server.url)
        .replace("./run ", f"{shlex.quote(str(IMAGEGEN))} ")
    )
    script = script.replace("curl -", "curl --noproxy '*' --show-error --fail-with-body -")
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=server.folder,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def _answers(output):
    """Return every JSON object in what was printed; curl ends its answers without a line break."""
    decoder, answers, position = json.JSONDecoder(), [], 0
    while (position := output.find('{"', position)) >= 0:
        answer, position = decoder.raw_decode(output, position)
        answers.append(answer)
    return answers


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_the_two_commands_of_a_checkout(page):
    """Each stands in a block of its own, and `./run` knows it."""
    blocks = [block for block in _blocks(page, "sh") if block.startswith("./run ")]
    usage = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True).stdout

    assert [[f"{command}\n"] for command in COMMANDS] == [
        [block for block in blocks if command in block] for command in COMMANDS
    ]
    assert [True, True] == [f"  {command.removeprefix('./run ')} " in usage for command in COMMANDS]


@pytest.mark.parametrize("variable", ["LANG", "LC_MESSAGES", "LC_ALL"])
def test_the_script_keeps_the_reader_s_language(tmp_path, variable):
    """Where the machine lacks that locale too: `./run` then sets how bytes are read, and nothing else."""
    for name in ("run", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    (folder / "imagegen").write_text(f"#!/bin/sh\nexec {shlex.quote(str(IMAGEGEN))} --help\n")
    (folder / "imagegen").chmod(0o700)
    (folder.parent / ".imagegen-root").write_text(f"{tmp_path.resolve()}\n")
    needed = b"".join((tmp_path / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    checksum = subprocess.run(["cksum"], input=needed, capture_output=True, check=True).stdout
    (folder.parent / ".imagegen-base").write_bytes(checksum)
    environ = {"PATH": os.environ["PATH"], variable: "zh_XX.GB18030"}

    done = subprocess.run(
        [tmp_path / "run", "--help"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "用法" in done.stdout


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_commands_of_the_readme_work(page, server):
    """From the first curl to the search, in the order in which they stand; both images are found."""
    done = _typed(page, server)

    assert 0 == done.returncode, done.stderr
    task, provider, matches = (answer["data"] for answer in _answers(done.stdout))
    assert ("completed", "sk-****cdef", 2) == (task["status"], provider["api_key"], matches["total"])
    first = (server.folder / "first.png").read_bytes()
    assert task["images"][0]["sha256"] == hashlib.sha256(first).hexdigest()
    assert PNG == (server.folder / "cat.png").read_bytes()[:8]


@pytest.mark.thorough
@pytest.mark.parametrize("docs", ["docs", "docs/zh-CN"])
def test_the_tutorial_works(docs, server):
    """Every step answers, and says what the page says of it."""
    done = _typed(f"{docs}/tutorial/first-image.md", server)

    assert 0 == done.returncode, done.stderr
    waited, accepted, listed, matches, failed, once, again = (a["data"] for a in _answers(done.stdout))
    assert "HTTP/1.1 202 Accepted" in done.stdout
    assert accepted["task_id"] == listed["items"][0]["task_id"]
    kitten = (server.folder / "kitten.png").read_bytes()
    assert waited["images"][0]["sha256"] == hashlib.sha256(kitten).hexdigest()
    assert ("completed", 768) == (waited["status"], waited["images"][0]["width"])
    assert ["雨中的一只小猫"] == [item["prompt"] for item in matches["items"]]
    assert ("outcome_unknown", True) == (failed["error"]["code"], failed["error"]["possible_charge"])
    assert once["task_id"] == again["task_id"]


@pytest.mark.thorough
def test_an_adapter_in_a_project_of_its_own_is_tested(tmp_path):
    """The first block is a module that the contracts run over; the second is a program that uses it."""
    module, program = _blocks("docs/how-to/test-an-adapter.md", "python")
    (tmp_path / "table_blobs.py").write_text(module, "utf-8")
    (tmp_path / "program.py").write_text(program, "utf-8")
    chapters = ("tests/contracts/test_blobs.py", "tests/contracts/test_spool.py")

    tested = python(
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", *chapters, "--store=table_blobs:store"),
        cwd=ROOT,
        PYTHONPATH=tmp_path,
        CI="",  # what a store does not have is skipped, which fails in CI alone
    )
    used = python("program.py", cwd=tmp_path)

    assert 0 == tested.returncode, tested.stdout
    promises = re.findall(r"async def (test_\w+)\(blobs", (ROOT / chapters[0]).read_text("utf-8"))
    assert [] == [name for name in promises if not re.search(rf"::{name}\[.*PASSED", tested.stdout)]
    assert "the store has no spool" in tested.stdout
    assert ("completed True\n", "") == (used.stdout, used.stderr)


@pytest.mark.parametrize("package", ["imagegen_core", "imagegen_adapters", "imagegen_http"])
def test_the_packages_say_that_they_are_typed(package):
    """Without its marker, mypy would take no annotation of the library for a program that imports it."""
    assert (ROOT / "src" / package / "py.typed").is_file()


PROGRAMS = [
    (page, number)
    for page in ("README.md", "README.zh-CN.md", "docs/how-to/use-as-a-library.md")
    for number, _ in enumerate(_blocks(page, "python"))
]


@pytest.mark.thorough
@pytest.mark.parametrize(("page", "number"), PROGRAMS)
def test_the_programs_work(page, number, tmp_path):
    """Each Python block is a program that ends well and says what came of it; of a task, ``completed``."""
    program = tmp_path / "program.py"
    source = _blocks(page, "python")[number]
    program.write_text(source, "utf-8")

    done = python(program, cwd=tmp_path)

    assert (0, "") == (done.returncode, done.stderr)
    assert ("completed" if "status" in source else "\n") in done.stdout


@pytest.mark.thorough
def test_the_program_that_calls_an_upstream_works(tmp_path):
    """The block that costs money runs as it stands, with the provider's address replaced by a fake's."""
    text = (ROOT / "docs/how-to/use-as-a-library.md").read_text("utf-8")
    (block,) = [m["text"] for m in FENCE.finditer(text) if m["kind"] == "python" and m["mark"]]
    with in_thread(FakeGemini()) as upstream:
        listed = block.replace('"10.0.0.7:4000"]', f'"10.0.0.7:4000", {upstream.address!r}]')
        gemini = (
            f'ProviderConfig(provider_name="gemini", source=ConfigSource.FILE, api_base={upstream.url!r})'
        )
        moved = listed.replace('{"gateway": gateway}', f'{{"gateway": gateway, "gemini": {gemini}}}')
        program = tmp_path / "program.py"
        program.write_text(moved, "utf-8")
        done = python(program, cwd=tmp_path, GEMINI_API_KEY=KEY, GATEWAY_KEY="of the gateway")

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout in {"[1, 2]\n", "[2, 1]\n"}  # whichever call ends first
    assert 2 == len(upstream.ledger)
