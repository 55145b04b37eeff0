"""The order in which the running service sends waiting tasks, and how often it claims each."""

import asyncio
from contextlib import closing, contextmanager

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.integration.api.asking import CONFIG, GENERATE, data, ended, finished, task_of, until
from tests.integration.api.live_server import LiveServer


class ManualUpstream(FakeOwn):
    """A provider that answers each call on request; its ledger lists the prompts in order."""

    def __init__(self):
        super().__init__()
        self._loop = None
        self._answers = {}

    async def __call__(self, request):
        reply = super().__call__(request)
        if request.path == "/make":
            self._loop = asyncio.get_running_loop()
            await self._answer_to(request.json["words"]).wait()
        return reply

    def answer(self, words):
        """Answer a call in flight; called from the test's thread."""
        self._loop.call_soon_threadsafe(self._answer_to(words).set)

    def _answer_to(self, words):
        return self._answers.setdefault(words, asyncio.Event())


@contextmanager
def service_with(folder, *fakes, **extra):
    """Yield a client of a service with each of the fakes as a provider, named own-0, own-1 …"""
    servers = [in_thread(HttpServer(fake)) for fake in fakes]
    urls = [server.__enter__().url for server in servers]
    allowed = [url.partition("://")[2] for url in urls]
    service = LiveServer(folder, {"security": {"allow_private_upstreams": allowed}}).start()
    try:
        with service.client() as api:
            for number, url in enumerate(urls):
                configure(api, f"own-{number}", url, **extra)
            yield api
    finally:
        service.end()
        for server in servers:
            server.__exit__(None, None, None)


def configure(api, name, url, **extra):
    config = {"kind": "http", "api_base": url, "api_key": FakeOwn.key, "timeout_seconds": 60}
    extra_config = {"spec": DOCUMENT, **extra}
    data(api.post(CONFIG, json={"provider_name": name, **config, "extra_config": extra_config}))


def submit(api, words, provider="own-0"):
    """Submit a task and return its id."""
    params = {"prompt": words, "width": 64, "height": 64}
    return data(api.post(GENERATE, json={"provider": provider, "params": params}))["task_id"]


def claims(folder):
    """Return how often each task was claimed, oldest first."""
    with closing(sqlite3.connect(folder / "data" / "imagegen.db")) as database:
        return [row[0] for row in database.execute("SELECT epoch FROM tasks ORDER BY seq")]


@pytest.mark.parametrize("limit", [1, 3])
def test_sixty_tasks_are_sent_in_the_order_in_which_they_were_accepted(tmp_path, limit):
    """Each is claimed once, when its provider has capacity; until then its queue position is exact."""
    upstream, words = ManualUpstream(), [f"image {n}" for n in range(60)]
    with service_with(tmp_path, upstream, max_concurrency=limit) as api:
        ids = []
        for word in words:
            ids.append(submit(api, word))
            until(lambda: len(upstream.ledger), lambda n: n >= min(len(ids), limit))
        places = [task_of(api, task_id)["queue_position"] for task_id in ids]
        begun = [task_of(api, task_id)["started_at"] is not None for task_id in ids]
        for n, word in enumerate(words):
            until(lambda: len(upstream.ledger), lambda m: m >= min(n + limit, 60))  # noqa: B023 - called before the loop goes on
            upstream.answer(word)
        statuses = [ended(api, task_id)["status"] for task_id in ids]

    assert words == upstream.ledger
    assert [1] * 60 == claims(tmp_path)
    assert [None] * limit + list(range(1, 61 - limit)) == places
    assert [True] * limit + [False] * (60 - limit) == begun
    assert {"completed"} == set(statuses)


def test_a_full_provider_blocks_no_other(tmp_path):
    """Forty tasks wait for one provider; those of others are sent at once, in order."""
    slow, other = ManualUpstream(), ManualUpstream()
    words = [f"image {n}" for n in range(40)]
    with service_with(tmp_path, slow, other, max_concurrency=1) as api:
        ids = [submit(api, word) for word in words]
        others = [submit(api, word, "own-1") for word in words[:3]]
        until(lambda: len(other.ledger), lambda n: n == 1)
        waiting = [task_of(api, task_id)["queue_position"] for task_id in others]
        finished(api)
        for n, word in enumerate(words[:3]):
            until(lambda: len(other.ledger), lambda m: m == n + 1)  # noqa: B023 - called before the loop goes on
            other.answer(word)
        ends = [ended(api, task_id)["status"] for task_id in others]
        begun = [task_of(api, task_id)["status"] for task_id in ids]

    assert [None, 1, 2] == waiting
    assert ["completed"] * 3 == ends
    assert ["processing", *["pending"] * 39] == begun
    assert (words[:1], words[:3]) == (slow.ledger, other.ledger)


def test_a_changed_limit_applies_to_waiting_tasks(tmp_path):
    """From one concurrent call to four, without a restart."""
    upstream = ManualUpstream()
    with service_with(tmp_path, upstream, max_concurrency=1) as api:
        for n in range(6):
            submit(api, str(n))
        until(lambda: len(upstream.ledger), lambda n: n == 1)
        url = data(api.get(f"{CONFIG}/own-0"))["api_base"]
        configure(api, "own-0", url, max_concurrency=4)
        calls = until(lambda: len(upstream.ledger), lambda n: n >= 4)

    assert 4 == calls
    assert [1, 1, 1, 1, 0, 0] == claims(tmp_path)
