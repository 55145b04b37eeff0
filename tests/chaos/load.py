"""Callers at work: they remember what was promised to them, and when."""

import itertools
import threading
import time

import attrs
import httpx

from tests.chaos.service import PATIENCE, Service, post_task


@attrs.define
class Load:
    """Submits tasks from several threads while its context is open.

    ``acknowledged`` and ``completed`` are (task id, moment), the moment taken after the whole answer was
    read; ``refused`` are the status codes of all other answers.
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
                    answer = post_task(client, next(models))
                except httpx.HTTPError:
                    answer = None  # it is dead or dying
                if answer is not None and answer.status_code == httpx.codes.ACCEPTED:
                    self.acknowledged.append((answer.json()["data"]["task_id"], time.monotonic()))
                elif answer is not None:
                    self.refused.append(answer.status_code)
                self._stop.wait(self.pause)

    def _look(self):
        seen = set()
        with self.service.client() as client:
            while not self._stop.is_set():
                try:
                    answer = client.get("/api/v1/tasks", params={"status": "completed", "page_size": 100})
                except httpx.HTTPError:
                    answer = None
                if answer is not None and answer.is_success:
                    now = time.monotonic()
                    ids = {item["task_id"] for item in answer.json()["data"]["items"]} - seen
                    self.completed.extend((task_id, now) for task_id in ids)
                    seen |= ids
                self._stop.wait(0.1)
