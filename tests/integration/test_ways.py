"""What the page about the ways says is what happens: a value is traced through the running service."""

import asyncio
import contextlib
from pathlib import Path

import httpx
import uvicorn

from imagegen_http.composition import compose
from imagegen_http.server import server
from imagegen_http.settings.schema import SecuritySettings, Settings
from tests.integration.api.asking import CONFIG, GENERATE, data
from tests.unit.test_ports import plural
from tests.value_trace import ValueTrace
from tests.ways import ways

PROMPT = "a prompt that is traced"
UPSTREAM, KEY = "127.0.0.1:9", "sk-0123456789abcdef"
PORTS = "src/imagegen_core/ports/"


@contextlib.asynccontextmanager
async def _serving(data_dir):
    """Serve on loopback in this process, without a worker; yield a client."""
    settings = Settings(data_dir=data_dir, security=SecuritySettings(allow_private_upstreams=(UPSTREAM,)))
    async with compose(settings, environ={}, run_background=False) as service:
        guard = server._guard(service)
        with server._bind("127.0.0.1", 0) as listener:
            running = uvicorn.Server(server._config(guard))
            accepting = asyncio.create_task(running.serve(sockets=[listener]))
            url = "http://{}:{}".format(*listener.getsockname())
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
                yield client
            running.should_exit = True
            await accepting
        guard.close()


async def _trace_of_a_prompt(data_dir):
    """Trace a prompt until its row is committed, which is when the queue hears of the task."""
    trace = ValueTrace(PROMPT.encode(), until="SqliteQueue.enqueue")
    with trace.tracing_threads():
        async with _serving(data_dir) as client:
            config = {"provider_name": "openai", "api_base": f"http://{UPSTREAM}", "api_key": KEY}
            data(await client.post(CONFIG, json=config))
            with trace:
                body = {"provider": "openai", "params": {"prompt": PROMPT}}
                data(await client.post(GENERATE, json=body))
    return trace


def _ports_of(files):
    """Return the listed ports that adapters among the files serve."""
    directories = {file.split("/")[2] for file in files if file.startswith("src/imagegen_adapters/")}
    ports = (file for file in ways()["prompt"] if file.startswith(PORTS))
    return {port for port in ports if plural(Path(port).stem) in directories}


async def test_the_way_of_a_prompt_is_as_the_page_says(tmp_path):
    """Every listed file receives the prompt, or is the port of one that does; no other file does."""
    trace = await _trace_of_a_prompt(tmp_path / "data")

    assert sorted(ways()["prompt"]) == sorted(trace.files | _ports_of(trace.files))
