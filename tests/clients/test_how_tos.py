"""What the pages about other people's clients show works as it stands, and is paid once."""

import shutil
import subprocess
import time
from pathlib import Path

import attrs
import httpx
import pytest
import yaml

from tests.clients.conftest import environ_of_clients
from tests.clients.nginx import free_ports
from tests.clients.upstream import KEY, CountingUpstream
from tests.fakes.http_server import Break, HttpServer
from tests.fakes.in_thread import in_thread
from tests.integration.api.live_server import IMAGEGEN, LiveServer, clean_environ
from tests.markdown import DOCS, blocks

pytestmark = pytest.mark.timeout(900)

AI_SDK = DOCS / "how-to" / "use-vercels-ai-sdk.md"
LITELLM = DOCS / "how-to" / "use-litellm.md"
IMAGEGEN_ADDRESS, LITELLM_ADDRESS = "127.0.0.1:8080", "127.0.0.1:4000"
PROXY_KEY = "sk-litellm"
START_SECONDS = 300


def shown(page, kind, number=0):
    """Return the page's blocks of a kind, as texts."""
    return [text for other, text in blocks(page) if other == kind][number]


def run(command, *, cwd, **environ):
    path = f"{Path(IMAGEGEN).parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environ(PATH=path, NO_PROXY="127.0.0.1", **environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def listed(server, path):
    with server.client() as api:
        return api.get(path).json()["data"]["items"]


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a service with such settings."""
    servers = []

    def start(settings):
        folder = tmp_path / "imagegen"
        folder.mkdir()
        servers.append(LiveServer(folder, settings).start())
        return servers[0]

    yield start
    for server in servers:
        server.end()


@attrs.frozen
class Proxy:
    """LiteLLM's, with the page's model, which imagegen makes, and one that a provider makes that counts."""

    address: str
    painter: LiveServer
    upstream: HttpServer


@pytest.fixture(scope="module")
def proxy(installed, tmp_path_factory):
    """One for both directions, since a start takes fifteen seconds of a processor."""
    folder = tmp_path_factory.mktemp("litellm")
    painter = LiveServer(folder, {}).start()
    (port,) = free_ports(1)
    with in_thread(HttpServer(CountingUpstream())) as upstream:
        address = painter.url.partition("//")[2]
        settings = yaml.safe_load(shown(LITELLM, "yaml").replace(IMAGEGEN_ADDRESS, address))
        (model,) = settings["model_list"]
        own = {"model": "openai/m", "api_base": f"{upstream.url}/quick/v1", "api_key": KEY}
        settings["model_list"].append({**model, "model_name": "counted", "litellm_params": own})
        (folder / "litellm.yaml").write_text(yaml.safe_dump(settings))
        command = [installed.litellm, *shown(LITELLM, "sh").split()[1:-1], str(port)]
        log = folder / "litellm.log"
        with log.open("w") as opened:
            process = subprocess.Popen(
                command, cwd=folder, env=environ_of_clients(), stdout=opened, stderr=opened
            )
        await_proxy(f"127.0.0.1:{port}", process, log)
        yield Proxy(f"127.0.0.1:{port}", painter, upstream)
        process.terminate()
        process.wait(60)
        assert [] == upstream.complaints
    painter.end()


def await_proxy(address, process, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://{address}/health/liveliness", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"it did not answer: {log.read_text()[-2000:]}")


def test_the_ai_sdk_works_as_its_page_says(serve, installed, tmp_path):
    """Two images in files; run again, the same key is the same task."""
    server = serve({})
    program = installed.folder / "how_to.mjs"  # Node looks for packages beside it
    program.write_text(shown(AI_SDK, "js").replace(IMAGEGEN_ADDRESS, server.url.partition("//")[2]))
    files = []
    for _ in range(2):
        run([shutil.which("node"), str(program)], cwd=tmp_path)
        files.append([(tmp_path / f"cat-{number}.png").read_bytes() for number in range(2)])
    (task,) = listed(server, "/api/v1/tasks")

    assert files[0] == files[1]
    assert files[0][0] != files[0][1]
    assert {"seed": 7, "num": 2}.items() <= task["params"].items()


def test_one_key_for_several_requests_gives_one_image(serve, installed, tmp_path):
    """As the page warns of: this client asks for each image of an unknown model by itself."""
    server = serve({})
    program = installed.folder / "one_key.mjs"
    text = shown(AI_SDK, "js").replace(IMAGEGEN_ADDRESS, server.url.partition("//")[2])
    for old, new in (
        ("createOpenAICompatible", "createOpenAI"),
        ("@ai-sdk/openai-compatible", "@ai-sdk/openai"),
        ("imageModel", "image"),
        ('name: "imagegen", ', ""),
    ):
        text = text.replace(old, new)
    program.write_text(text)
    run([shutil.which("node"), str(program)], cwd=tmp_path)
    alone = [(tmp_path / f"cat-{number}.png").read_bytes() for number in range(2)]
    program.write_text(text.replace("n: 2,", "n: 2, maxImagesPerCall: 10,").replace("4711", "4712"))
    run([shutil.which("node"), str(program)], cwd=tmp_path)
    together = [(tmp_path / f"cat-{number}.png").read_bytes() for number in range(2)]

    assert alone[0] == alone[1]
    assert together[0] != together[1]


def test_litellm_calls_imagegen_as_its_page_says(proxy, tmp_path):
    """The page's proxy and the page's request; asked again, the same key is the same task."""
    command = shown(LITELLM, "sh", 1).replace(LITELLM_ADDRESS, proxy.address)
    answers = [run(["sh", "-eu", "-c", command], cwd=tmp_path) for _ in range(2)]

    assert all('"b64_json"' in answer for answer in answers)
    assert 1 == len(listed(proxy.painter, "/api/v1/tasks"))


def test_imagegen_calls_litellm_as_its_page_says(serve, proxy):
    """A vendor that fails gets one call, and without the page's header three."""
    server = serve({"security": {"allow_private_upstreams": [proxy.address]}})
    command = shown(LITELLM, "sh", 2).replace(LITELLM_ADDRESS, proxy.address)
    command = command.replace("--model cat-painter", "--model counted")

    def outcome(prompt, provider="litellm"):
        body = {"provider": provider, "params": {"prompt": prompt}}
        with server.client(Prefer="wait=60") as api:
            task = api.post("/api/v1/tasks/generate", json=body).json()["data"]
        return task["status"], (task["error"] or {}).get("code")

    run(["sh", "-eu", "-c", command], cwd=server.folder, LITELLM_KEY=PROXY_KEY)
    works = outcome("works")
    proxy.upstream.break_next(Break.SERVER_ERROR, path="/quick/", times=100)
    breaks = outcome("breaks")
    command = command.replace(" --header x-litellm-num-retries=0", "").replace(" set litellm ", " set other ")
    run(["sh", "-eu", "-c", command], cwd=server.folder, LITELLM_KEY=PROXY_KEY)
    repeated = outcome("repeated", "other")

    assert ("completed", None) == works
    assert [("failed", "outcome_unknown")] * 2 == [breaks, repeated]
    assert {"works": 1, "breaks": 1, "repeated": 3} == proxy.upstream.fake.ledger
