"""Concurrent clients that record what the service promised them, and when."""

import itertools
import threading
import time

import attrs
import httpx

from tests.chaos.service import PATIENCE, Service, post_task


@attrs.define
class Load:
    """Submits tasks from several threads while its context is open.

    ``acknowledged`` and ``completed`` hold (task id, time), with the time at which the whole response had
    been read; ``refused`` holds the status codes of all other responses.
    """

    service: Service
    callers: int = 4
    pause: float = 0.02
    models: tuple = ("direct", "job")
    acknowledged: list = attrs.field(factory=list)
    completed: list = attrs.field(factory=list)
    refused: list = attrs.field(factory=list)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _threads: list = attrs.field(factory=list)

    def __enter__(self):
        targets = [self._submit] * self.callers + [self._look]
        self._threads = [threading.Thread(target=target, daemon=True) for target in targets]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def acknowledged_before(self, moment):
        return {task_id for task_id, at in self.acknowledged if at < moment}

    def completed_before(self, moment):
        return {task_id for task_id, at in self.completed if at < moment}

    def _submit(self):
        models = itertools.cycle(self.models)
        with self.service.client() as client:
            while not self._stop.is_set():
                try:
                    response = post_task(client, next(models))
                except httpx.HTTPError:
                    response = None  # the service is dead or dying
                if response is not None and response.status_code == httpx.codes.ACCEPTED:
                    self.acknowledged.append((response.json()["data"]["task_id"], time.monotonic()))
                elif response is not None:
                    self.refused.append(response.status_code)
                self._stop.wait(self.pause)

    def _look(self):
        known_ids = set()
        with self.service.client() as client:
            while not self._stop.is_set():
                try:
                    response = client.get("/api/v1/tasks", params={"status": "completed", "page_size": 100})
                except httpx.HTTPError:
                    response = None
                if response is not None and response.is_success:
                    now = time.monotonic()
                    ids = {item["task_id"] for item in response.json()["data"]["items"]} - known_ids
                    self.completed.extend((task_id, now) for task_id in ids)
                    known_ids |= ids
                self._stop.wait(0.1)
