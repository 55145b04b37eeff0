"""The decoder is killed while it looks at a paid image, as when memory runs out: the image is kept."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import attrs
import pytest

from tests.fakes.http_server import HttpServer
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.fakes.job_upstreams import FakeReplicate
from tests.integration.api.asking import (
    CONFIG,
    GENERATE,
    WAIT,
    body_of,
    data,
    data_url,
    ended,
    row,
    task_of,
    until,
)
from tests.integration.api.live_server import LiveServer


def decoders(server):
    """Return the process ids of the service's decoders."""
    pids = []
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        with contextlib.suppress(OSError):
            pids += map(int, (task / "children").read_text().split())
    return [pid for pid in pids if b"images.decoder" in command(pid)]


def command(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@attrs.define
class Killer:
    """Kills every decoder that the service starts, for as long as ``active``."""

    server: LiveServer
    active: threading.Event = attrs.field(factory=threading.Event)
    over: threading.Event = attrs.field(factory=threading.Event)
    killed: set = attrs.field(factory=set)

    def run(self):
        while not self.over.is_set():
            if self.active.wait(0.1):
                for pid in decoders(self.server):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        self.killed.add(pid)
                time.sleep(0.001)


@pytest.fixture(scope="module")
def line():
    with in_thread(HttpServer(FakeReplicate())) as line:
        yield line
        assert [] == line.complaints


@pytest.fixture(scope="module")
def server(line, tmp_path_factory):
    upstreams = {"security": {"allow_private_upstreams": [line.url.removeprefix("http://")]}}
    server = LiveServer(tmp_path_factory.mktemp("service"), upstreams).start()
    try:
        with server.client() as api:
            extra = {"kind": "http", "api_base": line.url, "extra_config": {"preset": "replicate"}}
            data(api.post(CONFIG, json={"provider_name": "jobs", "api_key": line.fake.key, **extra}))
        yield server
    finally:
        server.end()


@pytest.fixture
def killer(server):
    killer = Killer(server)
    thread = threading.Thread(target=killer.run)
    thread.start()
    try:
        yield killer
    finally:
        killer.over.set()
        thread.join()


@pytest.fixture
def api(server):
    with server.client() as api:
        yield api


def test_a_paid_image_is_decoded_later_from_where_it_is(server, line, api, killer):
    """Two decoders are killed over it, then it is looked at again: one call, one download, one image."""
    data(api.post(GENERATE, json=body_of(), headers=WAIT))
    (idle,) = decoders(server)
    os.kill(idle, signal.SIGSTOP)  # it is asked, and never gets to answer
    task_id = data(api.post(GENERATE, json={"provider": "jobs", "params": {"prompt": "a lighthouse"}}))[
        "task_id"
    ]
    until(lambda: images_of(server, task_id), lambda files: files)
    killer.active.set()
    waiting = until(lambda: task_of(api, task_id), lambda task: task["status"] == "pending")
    killer.active.clear()
    files = images_of(server, task_id)
    task = ended(api, task_id)

    assert ({idle} < killer.killed, 1) == (True, len(files))
    assert ("completed", None, 1) == (task["status"], task["error"], len(task["images"]))
    assert (1, 1) == (len(line.fake.ledger), sum(r.path == "/files/1" for r in line.requests))
    assert (png(1), "pending") == (api.get(task["image_url"]).content, waiting["status"])


def test_an_input_whose_decoder_is_killed_is_not_called_wrong(api, killer):
    """50301: the same image is fine a moment later."""
    body = {"provider": "demo", "prompt": "a lighthouse", "image": data_url(png(2))}
    killer.active.set()
    answer = api.post("/api/v1/images/edit", json=body)
    killer.active.clear()
    again = api.post("/api/v1/images/edit", json=body)

    assert (503, 50301, "unavailable") == row(answer)
    assert 0 == again.json()["code"], again.text


def images_of(server, task_id):
    """Return the names of the task's files, without thumbnails."""
    paths = (server.data_dir / "images").rglob(f"{task_id}-*")
    return [path.name for path in paths if path.suffix == ".png"]
