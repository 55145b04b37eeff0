"""Another program holds SQLite's write lock: callers are asked to wait, and what was paid for is kept."""

import asyncio
import contextlib
import threading

import httpx
import pytest

from imagegen_adapters.stores.sqlite import engine
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core import TaskStatus
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.secrets import Secret
from imagegen_http.app import build_app
from imagegen_http.guard.asgi import GuardRules
from imagegen_http.guard.guard import InboundGuard
from imagegen_http.openai.responses import refuse
from imagegen_http.service import compose
from imagegen_http.settings.schema import SecuritySettings, Settings
from tests.fakes.images import png, png_base64
from tests.fakes.loopback import Answer, Loopback
from tests.fakes.own_upstream import DOCUMENT
from tests.integration.api.asking import CONFIG, GENERATE, data_url

pytestmark = pytest.mark.anyio

EDIT = {"provider": "demo", "prompt": "p", "image": data_url(png(3, (64, 64)))}
WRITES = (
    ("POST", GENERATE, {"provider": "demo", "params": {"prompt": "waits"}}),
    ("POST", "/api/v1/images/edit", EDIT),
    ("POST", CONFIG, {"provider_name": "new", "kind": "demo"}),
    ("POST", "/api/v1/images/batch", {"ids": [1], "action": "favourite"}),
    ("PATCH", "/api/v1/images/1", {"favourite": True}),
    ("DELETE", "/api/v1/images/1", None),
    ("POST", "/api/v1/collections", {"name": "new"}),
)
OPENAI_WRITE = ("POST", "/v1/images/generations", {"model": "demo", "prompt": "waits"})


@pytest.fixture(autouse=True)
def _refused_at_once(monkeypatch):
    """Without this, each write would wait for the lock for five seconds."""
    monkeypatch.setattr(engine, "_COMMON", ("PRAGMA busy_timeout=0",))


@contextlib.contextmanager
def locked(data_dir):
    """Hold the write lock of the database, as another program does."""
    database = data_dir / "imagegen.db"
    with contextlib.closing(
        sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    ) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def send(client, method, path, body):
    return await client.request(method, path, json=body)


async def test_writes_are_to_be_tried_again_and_an_answer_that_was_paid_for_is_kept(tmp_path):
    """Each with 503 and Retry-After, below /v1 in OpenAI's form; nothing of them is stored or sent."""
    lock, is_locked = contextlib.ExitStack(), threading.Event()

    def answer(request):
        if b"meanwhile" in request.body:
            lock.enter_context(locked(tmp_path / "data"))
            is_locked.set()
        return Answer.json({"made": [{"data": png_base64(1)}]})

    with Loopback(answer) as upstream, lock:
        own = ProviderConfig(
            provider_name="own",
            kind="http",
            api_base=upstream.url,
            api_key=Secret("sk-of-the-own-provider"),
            source=ConfigSource.FILE,
            extra_config={"spec": DOCUMENT},
        )
        settings = Settings(
            data_dir=tmp_path / "data",
            security=SecuritySettings(allow_private_upstreams=(upstream.host,)),
            providers={"own": own},
        )
        async with compose(settings, environ={}) as service:
            imagegen = service.imagegen
            clock = imagegen.parts.clock
            app = InboundGuard(build_app(service), rules=GuardRules(), refuse=refuse, clock=clock)
            first = await imagegen.submit("before", provider="own")
            await imagegen.wait(first.task_id, timeout=60)
            task = await imagegen.submit("meanwhile", provider="own")
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://localhost"
            ) as client:
                assert await asyncio.to_thread(is_locked.wait, 60)
                refused = [await send(client, *write) for write in WRITES]
                by_openai = await send(client, *OPENAI_WRITE)
                before = await imagegen.parts.tasks.get(task.task_id)
                lock.pop_all().close()
                task = await imagegen.wait(task.task_id, timeout=60)
                listed = (await client.get("/api/v1/tasks")).json()["data"]["total"]
                accepted = [(await send(client, *write)).status_code for write in WRITES]

    assert {(503, 50301, "5")} == {
        (r.status_code, r.json()["code"], r.headers.get("retry-after")) for r in refused
    }
    assert (503, "unavailable", "5") == (
        by_openai.status_code,
        by_openai.json()["error"]["code"],
        by_openai.headers.get("retry-after"),
    )
    assert (TaskStatus.PROCESSING, TaskStatus.COMPLETED, 2) == (before.status, task.status, listed)
    assert [202, 202, 200, 200, 200, 200, 200] == accepted
    assert 2 == len(upstream.requests)
