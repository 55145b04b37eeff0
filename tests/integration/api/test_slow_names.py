"""A DNS server that does not respond delays those who need it, and nobody else."""

import asyncio
import contextlib
import itertools
import socket
import threading

import httpx
import pytest

from imagegen_http.app import build_app
from imagegen_http.service import compose
from imagegen_http.settings.schema import Settings
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, body_of

pytestmark = pytest.mark.anyio

FEW, DEAD_NAMES = 4, 36
"""More than the 32 threads that the event loop makes by itself at most."""


class NameServer:
    """``busy`` is set once some dead names are being looked up."""

    def __init__(self, really):
        self.closed, self.busy = threading.Event(), asyncio.Event()
        self._really = really
        self._loop = asyncio.get_running_loop()
        self._lookups = itertools.count(1)

    def __call__(self, host, *args, **kwargs):
        if not str(host).endswith(".dead.example") or kwargs.get("flags"):
            return self._really(host, *args, **kwargs)
        if next(self._lookups) == FEW:
            self._loop.call_soon_threadsafe(self.busy.set)
        self.closed.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")


@pytest.fixture
async def name_server(monkeypatch):
    """Yield a DNS server that is silent about names below ``dead.example`` until the end of the test."""
    server = NameServer(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.closed.set()


@contextlib.asynccontextmanager
async def served(data_dir):
    async with compose(Settings(data_dir=data_dir), environ={}) as service:
        transport = httpx.ASGITransport(build_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as api:
            yield api


async def save_and_try(api, number):
    """Let one dead name be looked up, by saving it and by calling it."""
    name = f"dead-{number}"
    config = {"provider_name": name, "kind": "gemini", "api_base": f"https://{name}.dead.example"}
    await api.post(CONFIG, json={**config, "api_key": "sk-a-key-of-nobody"})
    await api.post(f"{CONFIG}/{name}/test")


async def test_dead_names_do_not_delay_a_task(tmp_path, name_server):
    """It is drawn, stored and shown while all of them are still being looked up."""
    async with served(tmp_path) as api:
        dead = [asyncio.create_task(save_and_try(api, number)) for number in range(DEAD_NAMES)]
        await name_server.busy.wait()
        try:
            async with asyncio.timeout(100):
                task = (await api.post(GENERATE, json=body_of(), headers=WAIT)).json()["data"]
        finally:
            name_server.closed.set()
            await asyncio.gather(*dead, return_exceptions=True)

    assert "completed" == task["status"]
