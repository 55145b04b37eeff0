"""A stop of the running service in the middle of an answer that is paid for."""

import asyncio
import json
import signal
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.images import png_base64
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.fakes.raw_server import RawServer, http_response
from tests.integration.api.asking import CONFIG, GENERATE, data, ended, until
from tests.integration.api.live_server import LiveServer

JOBS = {
    **DOCUMENT,
    "operations": {
        "make": {
            **DOCUMENT["operations"]["make"],
            "task": {"id": "job"},
            "poll": {
                "request": {"method": "GET", "path": "/jobs/${task.id}"},
                "status": {"source": "state", "succeeded": "done"},
            },
        }
    },
}
"""The same provider when it answers with a job."""

IMAGE = {"made": [{"data": png_base64(1)}]}
ANSWERS = {"direct": (DOCUMENT, IMAGE), "job": (JOBS, {"job": "j-1"})}


class HesitantUpstream:
    """Begins each paid answer at once and sends the rest when the test says so; ``ledger`` counts them."""

    def __init__(self, answer):
        self.ledger = []
        self._response = http_response(body=json.dumps(answer).encode(), content_type="application/json")
        self._rest = None
        self._loop = None

    @property
    def answers(self):
        done = json.dumps({"state": "done", **IMAGE}).encode()
        return {"/make": self._make, "/jobs/j-1": http_response(body=done, content_type="application/json")}

    async def _make(self, writer):
        self._loop, self._rest = asyncio.get_running_loop(), asyncio.Event()
        self.ledger.append("paid")
        cut = len(self._response) - 10
        writer.write(self._response[:cut])
        await writer.drain()
        await self._rest.wait()
        writer.write(self._response[cut:])
        await writer.drain()

    def send_the_rest(self):
        self._loop.call_soon_threadsafe(self._rest.set)


@pytest.mark.parametrize("kind", ANSWERS)
def test_two_sigterms_while_an_answer_arrives_lose_nothing(tmp_path, kind):
    """The service waits for the rest, writes it down and ends; the next start makes the image of it."""
    document, answer = ANSWERS[kind]
    upstream = HesitantUpstream(answer)
    with in_thread(RawServer(upstream.answers)) as raw_server:
        server = LiveServer(
            tmp_path, {"security": {"allow_private_upstreams": [raw_server.authority]}}
        ).start()
        try:
            with server.client() as api:
                own = {
                    "provider_name": "own",
                    "kind": "http",
                    "api_base": raw_server.url,
                    "api_key": FakeOwn.key,
                }
                data(api.post(CONFIG, json={**own, "extra_config": {"spec": document}}))
                params = {"prompt": "a cat", "width": 64, "height": 64}
                task_id = data(api.post(GENERATE, json={"provider": "own", "params": params}))["task_id"]
            until(lambda: upstream.ledger, bool)

            server.signal(signal.SIGTERM)
            until(lambda: server.log, lambda log: "stopping" in log)
            server.signal(signal.SIGTERM)
            until(
                lambda: (server.log, server.process.poll()),
                lambda state: "a response that has started" in state[0] or state[1] is not None,
            )
            upstream.send_the_rest()
            code = server.process.wait(60)
            row = stored(server)
            with server.start().client() as api:
                task = ended(api, task_id)
        finally:
            server.end()

    assert (0, ("pending", "accepted" if kind == "job" else "received", "certain")) == (code, row)
    assert ("completed", ["paid"]) == (task["status"], upstream.ledger)


def stored(server):
    """Return the task's status, its attempt's phase, and what that cost."""
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database:
        return database.execute(
            "SELECT status, phase, charge FROM tasks JOIN attempts USING (task_id)"
        ).fetchone()
