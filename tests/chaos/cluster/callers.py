"""Clients of a cluster that do what an answer says: refused, they repeat the request at the next node."""

import hashlib
import itertools
import threading
import time
import uuid
from collections import Counter

import attrs
import httpx

from tests.chaos.cluster.fleet import Fleet
from tests.chaos.service import PATIENCE

TIMEOUT_SECONDS = 4

TRY_AGAIN = (429, 503, 507)


@attrs.define
class Callers:
    """Submit tasks and read images from several threads while the context is open.

    ``acknowledged`` and ``completed`` hold (task id, time), with the time at which the whole answer had been
    read. After a status of `TRY_AGAIN`, or none, a request is sent to the next node, with its key;
    ``repeated`` counts why. ``errors`` counts the answers that no client should get.
    """

    fleet: Fleet
    number: int = 4
    pause: float = 0.02
    models: tuple = ("direct", "job")
    acknowledged: list = attrs.field(factory=list)
    completed: list = attrs.field(factory=list)
    images: int = 0
    repeated: Counter = attrs.field(factory=Counter)
    errors: Counter = attrs.field(factory=Counter)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _threads: list = attrs.field(factory=list)

    def __enter__(self):
        targets = [*((self._submit, index) for index in range(self.number)), (self._look, 0)]
        self._threads = [threading.Thread(target=target, args=(i,), daemon=True) for target, i in targets]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a client hangs"

    def _submit(self, first):
        nodes = itertools.cycle([*self.fleet.nodes[first:], *self.fleet.nodes[:first]])
        models = itertools.cycle(self.models)
        with _client() as client:
            while not self._stop.is_set():
                body = {"provider": "chaos", "model_id": next(models), "params": {"prompt": "to be kept"}}
                key = {"Idempotency-Key": uuid.uuid4().hex}
                answer = self._persist(
                    nodes, client, "POST", "/api/v1/tasks/generate", json=body, headers=key
                )
                if answer is not None:
                    self.acknowledged.append((answer.json()["data"]["task_id"], time.monotonic()))
                self._stop.wait(self.pause)

    def _look(self, _):
        nodes = itertools.cycle(self.fleet.nodes)
        known_ids = set()
        query = {"status": "completed", "page_size": 100}
        with _client() as client:
            while not self._stop.is_set():
                answer = self._persist(nodes, client, "GET", "/api/v1/tasks", params=query)
                now = time.monotonic()
                tasks = [] if answer is None else answer.json()["data"]["items"]
                fresh = [task for task in tasks if task["task_id"] not in known_ids]
                self.completed.extend((task["task_id"], now) for task in fresh)
                known_ids |= {task["task_id"] for task in fresh}
                if fresh:
                    self._read(nodes, client, fresh[0]["task_id"])
                self._stop.wait(0.1)

    def _read(self, nodes, client, task_id):
        """Read the image of a completed task from another node than the one that told of it."""
        answer = self._persist(nodes, client, "GET", f"/api/v1/tasks/{task_id}")
        for image in [] if answer is None else answer.json()["data"]["images"]:
            content = self._persist(nodes, client, "GET", image["image_url"])
            if content is not None:
                self.images += 1
                if hashlib.sha256(content.content).hexdigest() != image["sha256"]:
                    self.errors[f"other bytes: {image['image_url']}"] += 1

    def _persist(self, nodes, client, method, path, **request):
        """Return the answer of the first node that gives one; None if there is none, or the end has come."""
        while not self._stop.is_set():
            node = next(nodes)
            try:
                answer = client.request(method, f"{node.url}{path}", **request)
            except httpx.HTTPError as error:
                self.repeated[type(error).__name__] += 1
                self._stop.wait(0.05)
                continue
            if answer.is_success:
                return answer
            if answer.status_code not in TRY_AGAIN:
                self.errors[f"{method} {path}: {answer.status_code} {_reason(answer)}"] += 1
                return None
            self.repeated[answer.status_code] += 1
            self._stop.wait(0.05)
        return None


def _client():
    return httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)


def _reason(answer):
    """Return what the answer says, without the id of its request."""
    data = (
        answer.json()["data"] if "json" in answer.headers.get("content-type", "") else {"text": answer.text}
    )
    return {name: value for name, value in data.items() if name != "request_id"}
