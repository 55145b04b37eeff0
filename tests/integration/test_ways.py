"""What the page about the ways says is what happens: a value is traced through the running service."""

import asyncio
import contextlib

import httpx

from imagegen_core.secrets import Redactor
from imagegen_http.server import server
from imagegen_http.service import compose
from imagegen_http.settings.schema import SecuritySettings, Settings
from tests.fakes.http_server import HttpServer
from tests.fakes.openai_images import FakeOpenAI
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data
from tests.value_trace import ValueTrace
from tests.ways import is_imported, ways

PROMPT = "a prompt that is traced"
UPSTREAM, KEY = "127.0.0.1:9", "sk-0123456789abcdef"
PORTS = "src/imagegen_core/ports/"
RECEIVING = ("src/imagegen_http/server/", "src/imagegen_http/guard/", "src/imagegen_http/api/requests.py")
"""What every body passes until it is parsed; it is listed on the way of the prompt."""

HEAD = "src/imagegen_http/server/framing.py"
"""Looks for the end of the head, and sees what came with it, which may be the body."""

STORE = "src/imagegen_adapters/stores/configs.py"


class BlindRedactor(Redactor):
    """One whose secrets the trace does not see, so that not everybody who can mask a text carries them."""


@contextlib.asynccontextmanager
async def _serving(data_dir, *, upstream=UPSTREAM, run_background=False):
    """Serve on loopback in this process, by default without a worker; yield a client."""
    settings = Settings(data_dir=data_dir, security=SecuritySettings(allow_private_upstreams=(upstream,)))
    composed = compose(settings, environ={}, redactor=BlindRedactor(), run_background=run_background)
    async with composed as service, server._application(service) as app:
        guard = server._guard(service, app)
        with server._bind("127.0.0.1", 0) as listener:
            running = server.AcceptingServer(server._config(guard, settings.server))
            accepting = asyncio.create_task(running.serve(sockets=[listener]))
            url = "http://{}:{}".format(*listener.getsockname())
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
                yield client
            running.should_exit = True
            await accepting
        guard.close()


async def _trace_of_a_prompt(data_dir):
    """Trace a prompt until its row is committed, which is when the queue hears of the task."""
    trace = ValueTrace(PROMPT.encode(), until="SqlQueue.wake")
    with trace.tracing_threads():
        async with _serving(data_dir) as client:
            config = {"provider_name": "openai", "api_base": f"http://{UPSTREAM}", "api_key": KEY}
            data(await client.post(CONFIG, json=config))
            with trace:
                body = {"provider": "openai", "params": {"prompt": PROMPT}}
                data(await client.post(GENERATE, json=body))
    return trace


async def _trace_of_a_key(data_dir):
    """Trace a key from the request that saves it to the socket that a later task's request leaves by."""
    trace = ValueTrace(FakeOpenAI.key.encode(), until="_to_httpx")
    with trace.tracing_threads():
        async with HttpServer(FakeOpenAI()) as provider:
            upstream = provider.url.removeprefix("http://")
            async with _serving(data_dir, upstream=upstream, run_background=True) as client:
                config = {
                    "provider_name": "openai",
                    "api_base": f"{provider.url}/v1",
                    "api_key": FakeOpenAI.key,
                }
                with trace:
                    data(await client.post(CONFIG, json=config))
                    body = {"provider": "openai", "params": {"prompt": PROMPT}}
                    data(await client.post(GENERATE, json=body, headers=WAIT))
    assert [] == provider.complaints
    return trace


def _ports_of(files, name="prompt"):
    """Return the listed ports that one of the files imports."""
    return {port for port in ways()[name] if port.startswith(PORTS) and is_imported(port, files)}


async def test_the_way_of_a_prompt_is_as_the_page_says(tmp_path):
    """Every listed file receives the prompt, or is the port of one that does; no other file does."""
    trace = await _trace_of_a_prompt(tmp_path / "data")

    assert sorted(ways()["prompt"]) == sorted((trace.files | _ports_of(trace.files)) - {HEAD})


async def test_the_way_of_a_key_is_as_the_page_says(tmp_path):
    """No file has the key but those that are listed, and the store, which has it sealed, and their ports."""
    trace = await _trace_of_a_key(tmp_path / "data")

    files = {file for file in trace.files if not file.startswith(RECEIVING)} | {STORE}
    assert sorted(ways()["key"]) == sorted(files | _ports_of(files, "key"))
