"""Disks that are full, broken or slow."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.chaos.injection import SYNCS, injected, launched
from tests.chaos.load import Load
from tests.chaos.service import ROOT, post_task, wait_until
from tests.fakes.images import png_base64
from tests.fakes.receiver import Receiver, event_of

_IMAGE = "data:image/png;base64," + png_base64(1)
_EDIT = {"prompt": "a cat", "image": _IMAGE}


@pytest.mark.long
def test_a_full_disk(stages, disk):
    """Everything acknowledged is stored, and the service recovers without a restart once there is space."""
    small = disk(megabytes=48)
    stage = stages(data_dir=small.mount_point / "data")
    service = stage.service.start()
    stage.upstream.be(seconds=0.1, image_bytes=100_000)

    with Load(service, callers=8) as load:
        wait_until(lambda: load.completed, awaited="tasks before the disk is full")
        with small.filled():
            wait_until(lambda: load.refused, awaited="a refusal while the disk is full")
            time.sleep(3)  # running tasks end without space to record it
        many = len(load.acknowledged) + 10
        wait_until(lambda: len(load.acknowledged) > many, awaited="new tasks once there is room")
    stage.promises.acknowledged |= {task_id for task_id, _ in load.acknowledged}

    assert {503, 507} >= set(load.refused)
    stage.promises.check()
    service.kill()


def test_responses_with_a_full_disk(stages, disk):
    """Every write is refused with 507, also with input images, and nothing of it is stored."""
    small = disk(megabytes=48)
    stage = stages(data_dir=small.mount_point / "data")
    service = stage.service.start()
    task = service.ended(service.submit())
    bodies = {
        "a task": ("POST", "/api/v1/tasks/generate", _task("a cat")),
        "a task for OpenAI's client": ("POST", "/v1/images/generations", {"prompt": "a cat"}),
        "a task with an image": ("POST", "/api/v1/images/edit", {"provider": "demo", **_EDIT}),
        "a configuration": ("POST", "/api/v1/providers/config", {"provider_name": "p", "kind": "demo"}),
        "a deletion": ("DELETE", f"/api/v1/images/{task['images'][0]['id']}", None),
    }
    before = service.rows("SELECT count(*) FROM tasks")[0][0]

    with service.client() as client, small.filled():
        responses = {
            name: client.request(method, path, json=body) for name, (method, path, body) in bodies.items()
        }
        listed = client.get("/api/v1/tasks").json()["data"]["total"]
    service.ended(service.submit())

    assert dict.fromkeys(bodies, 507) == {name: response.status_code for name, response in responses.items()}
    assert {50701} == {r.json()["code"] for name, r in responses.items() if "OpenAI" not in name}
    assert before == listed
    assert [] == service.rows("SELECT 1 FROM provider_configs")
    stage.promises.acknowledged.add(task["task_id"])
    stage.promises.check()
    service.kill()


def test_webhooks_with_a_full_disk(stages, disk):
    """A delivery is written with the end of its task or not at all: both once there is room."""
    small = disk(megabytes=48)
    stage = stages(data_dir=small.mount_point / "data")
    service = stage.service
    with Receiver() as receiver:
        service.settings = {"security": {"allow_webhooks": [receiver.host]}}
        with service.start().client() as api:
            api.post("/api/v1/webhooks", json={"url": receiver.url}).raise_for_status()
        stage.upstream.be(hold=True)
        task_id = service.submit()
        stage.upstream.has_calls(1)
        with small.filled():
            stage.upstream.be(hold=False)
            wait_until(lambda: not stage.upstream.be()["running"], awaited="the answer of the provider")
            time.sleep(2)  # it cannot be stored, nor that it cannot
            during = (service.status(task_id), len(receiver.requests))
        ended = service.ended(task_id)
        (request,) = receiver.wait_for(1)

    assert ("processing", 0) == during
    assert ended["status"] == "completed" or ended["error"]["possible_charge"]
    assert ended["status"] == event_of(request)["data"]["status"]
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())
    service.kill()


def test_a_sync_that_fails(stage):
    """After an I/O error of the database's disk, nothing is accepted and health fails until a restart."""
    service = stage.service.start()
    before = service.submit()
    stage.promises.acknowledged.add(before)
    service.ended(before)

    with injected(service, SYNCS, "error=EIO"), service.client() as client:
        during = [post_task(client).status_code for _ in range(3)]
    with service.client() as client:
        after = post_task(client).status_code
        health = client.get("/health")

    assert all(code >= 500 for code in [*during, after]), during
    assert (503, "failed") == (health.status_code, health.json()["checks"]["database"])
    assert "critical" in service.log
    service.kill()
    service.start()
    stage.promises.check()
    assert "completed" == service.ended(service.submit())["status"]


def test_an_image_that_cannot_be_synced(stages):
    """It was paid for, so it is neither reported as completed nor paid for again.

    Python's own SQLite uses another sync call than our files, so only the latter fail.
    """
    stage = stages(environ={"PYTHONPATH": str(ROOT / "tests/fakes/sqlite_hidden")})
    service = stage.service.start()

    with injected(service, "fsync", "error=EIO:when=2+"):
        task_id = service.submit()
        wait_until(stage.upstream.charges, awaited="the call")
        time.sleep(1.0)
        during = service.status(task_id)

    assert "completed" != during
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())
    service.kill()


def test_slow_syncs_are_shared(stages, measured):
    """Concurrent callers share a sync, so many together are far faster than one after another."""
    stage = stages(wrap=launched(SYNCS, "delay_enter=50000"), settings={"queue": {"workers": 1}})
    service = stage.service.start()
    stage.upstream.be(hold=True)

    alone = _rate(service, tasks=20, callers=1)
    together = _rate(service, tasks=500, callers=100)
    service.kill()

    measured(
        f"with syncs of 50 ms: {alone:.0f} tasks/s from one caller, {together:.0f} tasks/s from 100 callers"
    )
    assert together > 5 * alone


def _rate(service, *, tasks, callers):
    limits = httpx.Limits(max_connections=callers, max_keepalive_connections=callers)
    with (
        httpx.Client(base_url=service.url, timeout=60, trust_env=False, limits=limits) as client,
        ThreadPoolExecutor(callers) as pool,
    ):
        started = time.monotonic()
        responses = list(pool.map(lambda _: post_task(client), range(tasks)))
        seconds = time.monotonic() - started
    assert {202} == {response.status_code for response in responses}
    return tasks / seconds


@pytest.mark.long
def test_low_space(stages, disk):
    """Below ``min_free_mb`` no task is accepted or sent; running ones end, waiting ones continue later."""
    small = disk(megabytes=128)
    stage = stages(
        data_dir=small.mount_point / "data",
        settings={"storage": {"min_free_mb": 40}, "queue": {"workers": 1}},
    )
    service = stage.service.start()
    stage.upstream.be(hold=True)
    running = service.submit()
    stage.upstream.has_calls(1)
    waiting = service.submit()

    with small.filled(leaving_bytes=20 * 1024 * 1024):
        refused = wait_until(lambda: _refused(service), awaited="a refusal, once the disk has been looked at")
        stage.upstream.be(hold=False)
        ended = service.ended(running)
        time.sleep(2.5)  # long enough for a worker that does not check the disk
        calls, status = len(stage.upstream.charges()), service.status(waiting)

    assert (507, 50701) == (refused.status_code, refused.json()["code"])
    assert "completed" == ended["status"]
    assert (1, "pending") == (calls, status)
    assert "completed" == service.ended(waiting)["status"]
    stage.promises.acknowledged |= {running, waiting}
    stage.promises.check()
    service.kill()


def _task(prompt):
    return {"provider": "chaos", "model_id": "direct", "params": {"prompt": prompt}}


def _refused(service):
    with service.client() as client:
        response = post_task(client)
    return None if response.status_code == httpx.codes.ACCEPTED else response
