"""Clients of all kinds, which record what the service promised them."""

import base64
import contextlib
import hashlib
import itertools
import random
import subprocess
import threading
from collections import Counter, deque

import attrs
import httpx

from tests.chaos.service import IMAGEGEN
from tests.fakes.images import png
from tests.soak.stage import DEMO, JOBS, SYNC, Stage

CALLERS = 6
KEPT_IMAGES = 400
OPEN_STREAMS = 8
SUBJECTS = ("一只猫", "老灯塔", "雨中的街道", "龍", "a red fox", "茶杯", "雪山", "竹林", "夜市", "船")
STYLES = ("水墨画", "油画", "黄昏", "清晨的雾", "in the rain", "像素风格", "特写", "繁體字海報")
TOLERATED = frozenset({503, 507, 504})
"""Expected statuses above 500: stopping, an unreachable bucket, a full disk, a task still running."""


@attrs.define
class Load:
    """Clients that act while its context is open, together ``rate`` times per second.

    ``answers`` counts (action, status), with status 0 without a response; ``refusals`` counts 4xx messages.
    """

    stage: Stage
    seed: int
    rate: float
    answers: Counter = attrs.field(factory=Counter)
    backups: list = attrs.field(factory=list)
    defects: list = attrs.field(factory=list)
    refusals: Counter = attrs.field(factory=Counter)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _threads: list = attrs.field(factory=list)

    def __enter__(self):
        callers = [Caller.make(self, number) for number in range(CALLERS)]
        self._threads = [self.stage.thread(worker.run) for worker in (*callers, Janitor(self))]
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def pause(self, seconds):
        """Wait, and return whether to continue."""
        return not self._stop.wait(seconds)

    def count(self, action, answer):
        """Count a response; one that must never occur is a defect."""
        self.answers[action, answer.status_code] += 1
        if answer.is_client_error:
            error = answer.json()
            self.refusals[f"{action}: {error.get('message') or error['error']['message']}"] += 1
        if answer.status_code >= 500 and answer.status_code not in TOLERATED:
            self.defects.append(f"{action}: {answer.status_code} {answer.text[:300]}")

    def broken(self, sentence):
        self.stage.promises.seen_broken.append(sentence)


@attrs.define
class Caller:
    """One client, which repeatedly draws an action, performs it, and waits."""

    load: Load
    chance: random.Random
    client: httpx.Client
    number: int
    recent: deque = attrs.field(factory=lambda: deque(maxlen=50))
    unanswered: deque = attrs.field(factory=lambda: deque(maxlen=20))
    streams: list = attrs.field(factory=list)
    keys: itertools.count = attrs.field(factory=itertools.count)

    @classmethod
    def make(cls, load, number):
        client = httpx.Client(timeout=20, trust_env=False, headers={"Accept-Language": "en"})
        return cls(load, random.Random(f"{load.seed}-{number}"), client, number)

    def run(self):
        actions, weights = zip(*ACTIONS, strict=True)
        with self.client:
            while self.load.pause(self.chance.expovariate(self.load.rate / CALLERS)):
                act = self.chance.choices(actions, weights)[0]
                try:
                    act(self)
                except httpx.HTTPError:
                    self.load.answers[act.__name__, 0] += 1  # the service is dead, frozen or stopping
            for stream in self.streams:
                stream.close()

    @property
    def url(self):
        return self.load.stage.service.url

    @property
    def promises(self):
        return self.load.stage.promises

    def call(self, action, method, path, **more):
        answer = self.client.request(method, f"{self.url}{path}", **more)
        self.load.count(action, answer)
        return answer

    def generate(self):
        """Submit a task; some wait for it, some have an idempotency key, and some of those are sent again."""
        body = {"provider": self.chance.choices((SYNC, JOBS, DEMO), (4, 4, 2))[0], "params": self.prompt()}
        body["model_id"] = {SYNC: "direct", JOBS: "job", DEMO: "demo"}[body["provider"]]
        headers = {}
        if self.chance.random() < 0.5:
            headers["Idempotency-Key"] = f"{self.number}-{next(self.keys)}"
        if self.chance.random() < 0.3:
            headers["Prefer"] = "wait=5"
        self.submit("generate", "/api/v1/tasks/generate", body, headers)

    def edit(self):
        """Submit an edit of an image."""
        image = base64.b64encode(png(self.chance.randrange(200), (64, 64))).decode()
        body = {"provider": self.chance.choice((SYNC, DEMO)), "image": f"data:image/png;base64,{image}"}
        self.submit("edit", "/api/v1/images/edit", {**body, **self.prompt()}, {})

    def submit(self, action, path, body, headers):
        try:
            answer = self.call(action, "POST", path, json=body, headers=headers)
        except httpx.HTTPError:
            if "Idempotency-Key" in headers:
                self.unanswered.append((action, path, body, headers))
            raise
        task_id = self.remember(answer)
        if task_id and "Idempotency-Key" in headers and self.chance.random() < 0.3:
            again = self.remember(self.call(f"{action}, repeated", "POST", path, json=body, headers=headers))
            if again not in (None, task_id):
                self.load.broken(f"one key, two tasks: {task_id}, {again}")

    def repeat(self):
        """Send a request without a response again, with the same key."""
        if self.unanswered:
            action, path, body, headers = self.unanswered[0]
            self.remember(self.call(f"{action}, repeated", "POST", path, json=body, headers=headers))
            self.unanswered.popleft()

    def remember(self, answer):
        """Record what a response promises and return its task's id, or None."""
        if answer.status_code not in (200, 202):
            return None
        task = answer.json()["data"]
        self.promises.acknowledged.add(task["task_id"])
        self.recent.append(task["task_id"])
        if task["status"] == "completed":
            self.promises.completed.add(task["task_id"])
        return task["task_id"]

    def openai(self):
        """Generate as OpenAI's client does, and disconnect if that takes too long."""
        model = self.chance.choice((f"{SYNC}/direct", f"{JOBS}/job"))
        response_format = self.chance.choice(("url", "b64_json"))
        body = {"model": model, "response_format": response_format, **self.prompt()}
        answer = self.call("openai", "POST", "/v1/images/generations", json=body)
        if task_id := answer.headers.get("X-Task-Id"):
            self.promises.acknowledged.add(task_id)
            if answer.is_success:
                self.promises.completed.add(task_id)

    def retry(self):
        """Send a failed task again, as a new one."""
        failed = self.items("tasks", status="failed", page_size=20)
        if failed:
            task_id = self.chance.choice(failed)["task_id"]
            self.remember(self.call("retry", "POST", f"/api/v1/tasks/{task_id}/retry"))

    def cancel(self):
        if self.recent:
            self.call("cancel", "POST", f"/api/v1/tasks/{self.recent[-1]}/cancel")

    def look(self):
        if self.recent:
            answer = self.call("task", "GET", f"/api/v1/tasks/{self.chance.choice(self.recent)}")
            if answer.is_success:
                self.remember(answer)
            elif answer.status_code == 404:
                self.load.broken(f"acknowledged and not to be found: {answer.url}")

    def follow(self):
        """Open an event stream; read some of it, leave it open, and drop it later."""
        if not self.recent:
            return
        url = f"{self.url}/api/v1/tasks/{self.recent[-1]}/events"
        stream = self.client.send(self.client.build_request("GET", url), stream=True)
        self.load.answers["events", stream.status_code] += 1
        self.streams.append(stream)
        if self.chance.random() < 0.5:
            next(stream.iter_raw(), None)
        while len(self.streams) > self.chance.randrange(OPEN_STREAMS):
            self.streams.pop(0).close()

    def search(self):
        word = self.chance.choice((*SUBJECTS, *STYLES, "雨", "图", "没有的词"))
        params = {"keyword": word, "mode": self.chance.choice(("contains", "relevant"))}
        self.call("search", "GET", "/api/v1/images/search", params=params)

    def page(self):
        """Read a page of a list and the next one by cursor."""
        kind = self.chance.choice(("tasks", "images"))
        answer = self.call("list", "GET", f"/api/v1/{kind}", params={"page": self.chance.randrange(1, 6)})
        cursor = answer.is_success and answer.json()["data"]["next_cursor"]
        if cursor:
            self.call("list", "GET", f"/api/v1/{kind}", params={"cursor": cursor})

    def download(self):
        """Download an image, or the beginning of one, and compare it with its record."""
        images = self.items("images", page_size=50, page=self.chance.randrange(1, 4))
        if not images:
            return
        image = self.chance.choice(images)
        if self.chance.random() < 0.1:
            with self.client.stream("GET", f"{self.url}{image['image_url']}") as answer:
                next(answer.iter_raw(1024), None)
            return
        answer = self.call("picture", "GET", image["image_url"])
        if answer.is_success and hashlib.sha256(answer.content).hexdigest() != image["sha256"]:
            self.load.broken(f"image {image['id']} has other bytes than its record says")

    def thumbnail(self):
        for image in self.items("images", page_size=5):
            self.call("thumbnail", "GET", image["thumbnail_url"])

    def delete(self):
        """Delete one of the newest images, which may just be being uploaded."""
        images = self.items("images", page_size=5)
        if images:
            image = self.chance.choice(images)
            self.promises.deleted.add(image["task_id"])
            self.call("delete", "DELETE", f"/api/v1/images/{image['id']}")

    def configure(self):
        """Change a provider in use, and create, disable and remove an unused one."""
        path = "/api/v1/providers/config"
        seconds = self.chance.choice((6, 7, 8))
        self.call("configure", "POST", path, json={"provider_name": JOBS, "timeout_seconds": seconds})
        spare = {"provider_name": "spare", "kind": "http", "api_key": f"sk-{self.chance.random()}"}
        self.call("configure", "POST", path, json={**spare, "extra_config": {"preset": "openai"}})
        self.call("configure", "PATCH", f"{path}/spare/toggle", json={"enabled": False})
        self.call("configure", "DELETE", f"{path}/spare")
        self.call("configure", "GET", "/api/v1/providers")

    def storage(self):
        operation = self.chance.choice(("sync", "expire", "verify"))
        self.call(f"storage {operation}", "POST", f"/api/v1/storage/{operation}", json={}, timeout=60)

    def backup(self):
        """Make a backup while the service is running."""
        service = self.load.stage.service
        file = service.folder / f"backup-{self.number}.tar"
        environ = {**service.environment(), "IMAGEGEN_CONFIG": str(service.folder / "config.yaml")}
        command = [IMAGEGEN, "backup", "--force", file]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        self.load.answers["backup", f"exit code {done.returncode}"] += 1
        if done.returncode:
            self.load.backups.append(done.stderr.strip()[-300:])

    def items(self, kind, **params):
        answer = self.call("list", "GET", f"/api/v1/{kind}", params=params)
        return answer.json()["data"]["items"] if answer.is_success else []

    def prompt(self):
        subject, style = self.chance.choice(SUBJECTS), self.chance.choice(STYLES)
        return {"prompt": f"{subject}，{style} {self.chance.random():.6f}"}


ACTIONS = (
    (Caller.generate, 30),
    (Caller.edit, 4),
    (Caller.openai, 4),
    (Caller.repeat, 4),
    (Caller.retry, 2),
    (Caller.cancel, 4),
    (Caller.look, 8),
    (Caller.follow, 6),
    (Caller.search, 10),
    (Caller.page, 6),
    (Caller.download, 10),
    (Caller.thumbnail, 4),
    (Caller.delete, 2),
    (Caller.configure, 0.5),
    (Caller.storage, 0.5),
    (Caller.backup, 0.1),
)
"""The actions of clients, with their relative frequencies."""


@attrs.define
class Janitor:
    """Deletes the oldest images, so that their number and disk usage become stable."""

    load: Load

    def run(self):
        caller = Caller.make(self.load, CALLERS)
        with caller.client:
            while self.load.pause(3):
                with contextlib.suppress(httpx.HTTPError):
                    for image in caller.items("images", page_size=50, page=KEPT_IMAGES // 50 + 1):
                        caller.promises.deleted.add(image["task_id"])
                        caller.call("delete", "DELETE", f"/api/v1/images/{image['id']}")
