"""How agents get in: the guard before ``/mcp``, the command on stdio, the extra, and the lines to copy."""

import contextlib
import json
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from imagegen_http.running_server import SERVER_FILE
from tests.integration.agents.agent import on_stdio, over_http
from tests.integration.api.asking import data, until
from tests.integration.api.held_upstream import behind
from tests.integration.api.live_server import IMAGEGEN, STOP_SECONDS, LiveServer, clean_environ, imagegen

ROOT = Path(__file__).parents[3]
PROVIDER = "stable-diffusion"
TOKEN = "a-token-of-some-length"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream"}
HEAVY = ("mcp", "mcp_types", "pydantic", "sse_starlette", "starlette.applications", "jsonschema", "httpx2")
"""Litestar itself looks for Starlette's errors and OpenTelemetry, which are small."""
PAGES = [ROOT / "docs/how-to/use-from-agents.md", ROOT / "docs/zh-CN/how-to/use-from-agents.md"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server with a token."""
    config = {"mcp": {"enabled": True}, "server": {"auth_token": TOKEN}}
    running = LiveServer(tmp_path_factory.mktemp("guarded"), config).start()
    yield running
    running.end()


def test_the_token_is_demanded(guarded):
    with guarded.client(**ACCEPT) as client:
        statuses = [
            client.post("/mcp", json=INITIALIZE, headers=headers).status_code
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}"})
        ]

    assert [401, 401, 200] == statuses


def test_links_open_without_the_token(guarded):
    """Those of both ways in; nothing else does."""
    with over_http(guarded.url, headers={"Authorization": f"Bearer {TOKEN}"}) as agent:
        (image,) = agent.data("generate_image", prompt="signed", width=64, height=64)["images"]
    with on_stdio(guarded.folder) as agent:
        (same,) = agent.data("get_image", image_id=image["id"])["images"]

    assert [200, 200] == [httpx.get(each["url"], trust_env=False).status_code for each in (image, same)]
    assert 401 == httpx.get(image["url"].partition("?")[0], trust_env=False).status_code


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("POST", {"Host": "evil.example"}, INITIALIZE, 403),
        ("POST", {"Origin": "https://evil.example"}, INITIALIZE, 403),
        ("POST", {"Content-Type": "text/plain"}, "x", 415),
        ("POST", {"Content-Type": "application/json"}, '"' + "x" * 1_200_000 + '"', 413),
        ("POST", {"Content-Type": "application/json"}, "[" * 100 + "]" * 100, 400),
        ("POST", {"Content-Type": "application/json"}, "{", 400),
        ("GET", {}, None, 405),
        ("DELETE", {}, None, 405),
    ],
)
def test_the_guard_is_that_of_the_api(server, method, headers, body, status):
    """Nothing that a page of another site sends gets to the tools."""
    content = body if isinstance(body, str | None) else json.dumps(body)
    headers = {**ACCEPT, "Content-Type": "application/json", **headers}
    with server.client(**headers) as client:
        assert status == client.request(method, "/mcp", content=content).status_code


def test_switched_off_there_is_no_such_address(start_server):
    """As it is unless somebody wants it."""
    server = start_server()
    with server.client(**ACCEPT) as client:
        assert 404 == client.post("/mcp", json=INITIALIZE).status_code


def test_a_start_that_fails_is_told_as_without_it(tmp_path):
    """In one sentence, not as a group of exceptions."""
    (tmp_path / "data" / SERVER_FILE / "not-empty").mkdir(parents=True)
    environ = {"IMAGEGEN_MCP__ENABLED": "true", "IMAGEGEN_LANG": "en"}
    done = imagegen("serve", "--port", "0", cwd=tmp_path, environ=environ)

    assert (1, False) == (done.returncode, "Traceback" in done.stderr)
    assert "Is a directory" in done.stderr


def test_messages_are_in_the_callers_language(server):
    with over_http(server.url, headers={}) as agent:
        error = agent.error("get_image", image_id=999_999)

    assert "图片不存在" in error["message"]


def test_progress_is_told_while_a_tool_waits(server, hold):
    """To who wants to know."""
    notes = []

    async def note(progress, total, message):
        notes.append((progress, total, message))

    with over_http(server.url) as agent:
        arguments = {"prompt": "told", "provider": PROVIDER, "wait_seconds": 3}
        agent.do(agent.client.call_tool, "generate_image", arguments, progress_callback=note)

    assert [(2, None, "working for 2 s")] == notes


def test_large_messages_of_tools_that_wait_keep_nobody_waiting(server, upstream, hold):
    """Eight large bodies at a time are parsed; who waits for an image is not one of them."""
    arguments = {"prompt": "large message", "provider": PROVIDER, "wait_seconds": 40}
    call = {**LIST, "method": "tools/call", "params": {"name": "generate_image", "arguments": arguments}}
    body = json.dumps(call) + " " * 300_000
    headers = {**ACCEPT, "Content-Type": "application/json"}
    with contextlib.ExitStack() as stack, server.client(**headers) as api:
        before = data(api.get("/api/v1/tasks"))["total"]
        pool = stack.enter_context(ThreadPoolExecutor(8))
        waiting = [
            pool.submit(
                httpx.post, f"{server.url}/mcp", content=body, headers=headers, timeout=90, trust_env=False
            )
            for _ in range(8)
        ]
        stack.callback(hold.set)
        until(lambda: data(api.get("/api/v1/tasks"))["total"], lambda total: total == before + 8)
        estimate = json.dumps({"operation": "generate", "provider": "demo"}) + " " * 300_000
        answered = api.post("/api/v1/tasks/estimate", content=estimate, timeout=20)

        assert (200, False) == (answered.status_code, any(call.done() for call in waiting))


def test_a_stop_ends_waits_and_nothing_hangs(start_server, upstream, hold):
    """The call is answered with its task, which the next start goes on with."""
    server = start_server(behind(upstream, mcp={"enabled": True}, shutdown_grace_seconds=3))
    with over_http(server.url) as agent, server.client() as api:
        slow = agent.begin("generate_image", prompt="stopped", provider=PROVIDER)
        assert upstream.begun.wait(30)
        (task,) = data(api.get("/api/v1/tasks"))["items"]
        waiting = agent.begin("get_task", task_id=task["task_id"])
        server.signal(signal.SIGTERM)
        shown = [future.result(30).structured_content for future in (slow, waiting)]

        assert ["processing"] * 2 == [each["status"] for each in shown]
        assert task["task_id"] in shown[0]["next"]
    assert 0 == server.process.wait(STOP_SECONDS)


def test_without_a_server_the_command_works_alone(tmp_path):
    """Images have no URLs then; a second process is told so."""
    with on_stdio(tmp_path) as agent:
        (image,) = agent.data("generate_image", prompt="alone", width=64, height=64)["images"]
        matches = agent.data("search_images", keyword="alone")["images"]

    assert ([image["id"]], False) == ([each["id"] for each in matches], "url" in image)
    assert "" == (tmp_path / "stderr").read_text()


def test_it_works_with_a_node_elsewhere(guarded, tmp_path):
    """By its address and token alone; the images are there."""
    environ = {"IMAGEGEN_SERVER": guarded.url, "IMAGEGEN_TOKEN": TOKEN}
    with on_stdio(tmp_path, environ=environ) as agent:
        (image,) = agent.data("generate_image", prompt="elsewhere", width=64, height=64)["images"]

    assert image["url"].startswith(guarded.url)
    assert ["stderr"] == [path.name for path in tmp_path.iterdir()]


def test_a_server_that_is_gone_is_an_error(start_server):
    """Not the end of the session: it may come back."""
    server = start_server()
    with on_stdio(server.folder) as agent:
        server.stop()
        error = agent.error("search_images")

    assert ("unavailable", False) == (error["code"], error["possible_charge"])
    assert "connection refused" in error["message"]


def command(folder, **more):
    return subprocess.Popen(
        [IMAGEGEN, "mcp"],
        cwd=folder,
        env=clean_environ(IMAGEGEN_LANG="en"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )


def lines(*messages):
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def test_a_line_that_is_too_long_is_told_and_the_next_one_is_read(server):
    """So is one that is no message; stdout has the protocol alone."""
    done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    text = lines(INITIALIZE, done) + b"x" * 1_100_000 + b"\n{\n" + lines(LIST)
    with command(server.folder) as process:
        process.stdin.write(text)
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()

        assert ([1, None, 2], b"") == ([answer["id"] for answer in answers], process.stdout.read())
        assert (0, b"") == (process.wait(STOP_SECONDS), process.stderr.read())


def test_a_client_that_closes_stdout_ends_the_command(server):
    """Without a traceback: it has left, and stdin may stay open for a moment."""
    with command(server.folder) as process:
        process.stdin.write(lines(INITIALIZE))
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(lines(LIST))
        process.stdin.flush()

        assert (0, b"") == (process.wait(STOP_SECONDS), process.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_although_stdin_is_open(tmp_path, number):
    with command(tmp_path) as process:
        process.stdin.write(lines(INITIALIZE))
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(number)

        assert 1 == process.wait(STOP_SECONDS)
        assert b"imagegen: stopped" == process.stderr.read().strip()


def test_files_are_refused(tmp_path):
    """They cannot be waited for."""
    done = subprocess.run(
        [IMAGEGEN, "mcp"],
        cwd=tmp_path,
        env=clean_environ(IMAGEGEN_LANG="en"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )

    assert (1, True) == (done.returncode, b"have to be pipes" in done.stderr)


def python(code, *, cwd, **environ):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=clean_environ(IMAGEGEN_LANG="en", **environ),
        input="",
        capture_output=True,
        text=True,
        check=False,
    )


WITHOUT = """
import sys
sys.modules["mcp"], sys.argv[1:] = None, {arguments}
from imagegen_http.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["mcp"], {}),
        (["serve", "--port", "0"], {"IMAGEGEN_MCP__ENABLED": "true"}),
        (["config", "check"], {"IMAGEGEN_MCP__ENABLED": "true"}),
        (["doctor"], {"IMAGEGEN_MCP__ENABLED": "true"}),
    ],
)
def test_without_the_extra_each_command_says_what_to_install(tmp_path, arguments, environ):
    """Before anything else goes wrong."""
    done = python(WITHOUT.format(arguments=arguments), cwd=tmp_path, **environ)

    assert done.returncode in (1, 2)
    assert "`./run setup mcp`" in done.stderr


RUN_AND_TELL = """
import asyncio, os, signal, sys
from imagegen_http import cli
from imagegen_http.server.server import serve
from imagegen_http.settings.schema import ServerSettings, Settings
cli.load()
def greet(port):
    print([name for name in {heavy} if name in sys.modules])
    os.kill(os.getpid(), signal.SIGTERM)
asyncio.run(serve(Settings(server=ServerSettings(port=0)), environ={{}}, origins={{}}, greet=greet))
"""


def test_a_server_that_does_not_use_it_loads_nothing_of_it(tmp_path):
    """Nor do the commands; it takes half a second, and 30 MB."""
    assert "[]\n" == python(RUN_AND_TELL.format(heavy=HEAVY), cwd=tmp_path).stdout


def configurations(page):
    """Yield each JSON block that configures a program."""
    for block in re.findall(r"```json\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        document = json.loads(block)
        yield (document.get("mcpServers") or document["servers"])["imagegen"]


@pytest.mark.parametrize("page", PAGES, ids=["English", "Chinese"])
def test_the_lines_to_copy_lead_to_the_tools(guarded, page, tmp_path):
    """Each over its own transport, with nothing but paths, address and token changed."""
    tried = []
    for entry in configurations(page):
        if "url" in entry:
            assert "http://127.0.0.1:8080/mcp" == entry["url"]
            headers = {name: text.replace("TOKEN", TOKEN) for name, text in entry["headers"].items()}
            ways = over_http(guarded.url, headers=headers)
        else:
            assert ("/path/to/imagegen", ["mcp"]) == (entry["command"], entry["args"])
            environ = {**entry["env"], "IMAGEGEN_CONFIG": str(guarded.folder / "config.yaml")}
            ways = on_stdio(tmp_path, environ=environ)
        with ways as agent:
            tried.append(len(agent.do(agent.client.list_tools).tools))

    assert [8, 8, 8, 8] == tried


@pytest.mark.parametrize("page", PAGES, ids=["English", "Chinese"])
def test_the_commands_to_copy_say_the_same(page):
    """What Claude Code is told is what the others have in their files."""
    commands = re.findall(r"^claude mcp add .*$", page.read_text("utf-8"), re.MULTILINE)

    assert ["http://127.0.0.1:8080/mcp", "/path/to/imagegen mcp"] == [
        re.search(r"http://\S+|/path/to/imagegen mcp", command)[0] for command in commands
    ]
