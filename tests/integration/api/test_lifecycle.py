"""API.md section 9: start, SIGTERM, a second SIGTERM, kill -9, and what survives."""

import io
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from PIL import Image

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import (
    ENGLISH,
    GENERATE,
    IMAGES,
    TASKS,
    WAIT,
    body_of,
    data,
    ended,
    finished,
    row,
    submit,
    task_of,
    until,
)
from tests.integration.api.held_upstream import HELD, behind, call_of
from tests.integration.api.live_server import NO_TLS
from tests.integration.api.test_task_events import parse


def test_a_start_takes_little_time(start_server, record_property):
    """The time is printed; the promise is two seconds on an idle machine."""
    started = time.perf_counter()
    server = start_server()
    seconds = time.perf_counter() - started
    record_property("start_seconds", seconds)
    print(f"started in {seconds:.2f} s")

    with server.client() as api:
        assert "ok" == api.get("/health").json()["status"]


def test_sigterm_ends_an_idle_server_with_0(start_server):
    """SIGINT does, too."""
    codes = []
    for number in (signal.SIGTERM, signal.SIGINT):
        server = start_server()
        server.signal(number)
        codes.append(server.process.wait(30))

    assert [0, 0] == codes


def test_sigterm_lets_a_running_task_finish_and_keeps_the_waiting_ones(start_server, held_upstream):
    """Exit code 0; the next start claims the pending ones."""
    server = start_server(behind(held_upstream, queue={"workers": 1}))
    with server.client() as api:
        runs = call_of(api, held_upstream)
        waits = [data(submit(api, f"waits {i}"))["task_id"] for i in range(3)]
        stop_of(server, api)
        held_upstream.hold.set()
    code = server.process.wait(60)
    server.start()
    with server.client() as api:
        first = task_of(api, runs)
        rest = [ended(api, task_id) for task_id in waits]

    assert (0, "completed", 1) == (code, first["status"], len(first["images"]))
    assert [("completed", 1)] * 3 == [(task["status"], task["attempts"]) for task in rest]


def test_while_stopping_reads_go_on_and_new_tasks_are_50301(start_server, held_upstream):
    """With Retry-After, in both languages; health says stopping."""
    server = start_server(behind(held_upstream))
    with server.client() as api:
        done = finished(api, "done before")
        runs = call_of(api, held_upstream)
        health = stop_of(server, api)
        refused = [submit(api), submit(api, headers=ENGLISH), api.post(f"{TASKS}/{runs}/retry")]
        reads = [api.get(path).status_code for path in (TASKS, IMAGES, done["image_url"], f"{TASKS}/{runs}")]

        assert "stopping" == health.json()["status"]
        assert [503, 200] == [api.get(f"/health/{probe}").status_code for probe in ("ready", "live")]
        assert [(503, 50301, "unavailable")] * 3 == [row(answer) for answer in refused]
        assert int(refused[0].headers["retry-after"]) > 0
        assert [False, True] == [a.json()["message"].isascii() for a in refused[:2]]
        assert [200] * 4 == reads
        held_upstream.hold.set()
    assert 0 == server.process.wait(60)


def test_streams_and_waits_end_when_the_service_stops(start_server, held_upstream):
    """They do not delay it; the snapshot came first."""
    server = start_server(behind(held_upstream, queue={"workers": 1}))
    with server.client() as api, ThreadPoolExecutor(2) as pool:
        call_of(api, held_upstream)
        waits = data(submit(api, "waits"))["task_id"]
        stream = pool.submit(httpx.get, f"{server.url}{TASKS}/{waits}/events", timeout=60, trust_env=False)
        waiting = pool.submit(
            httpx.post,
            f"{server.url}{GENERATE}",
            json=body_of(),
            headers={"Prefer": "wait=60"},
            timeout=60,
            trust_env=False,
        )
        until(lambda: data(api.get(TASKS))["total"], lambda total: total == 3)
        server.signal()
        names = [event.name for event in parse(stream.result().text)]
        status = waiting.result().status_code
        held_upstream.hold.set()

        assert (0, ["snapshot"], 202) == (server.process.wait(60), names, status)


def stop_of(server, api):
    """Send SIGTERM and return what /health says once the service is stopping."""
    server.signal()
    return until(lambda: api.get("/health"), lambda answer: answer.status_code == 503)


def test_a_client_that_reads_slowly_is_disconnected_without_a_traceback(start_server, held_upstream):
    """It keeps the service no longer than others that are connected."""
    server = start_server(behind(held_upstream))
    held_upstream.hold.set()
    held_upstream.spoilt.append(held_upstream._images({"width": 11200, "height": 11200}))
    with server.client() as api, socket.socket() as line:
        task = data(api.post(GENERATE, json={**body_of("large"), "provider": HELD}, headers=WAIT))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect((api.base_url.host, api.base_url.port))
        path = f"{IMAGES}/{task['images'][0]['id']}/content"
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {server.url.partition('//')[2]}\r\n\r\n".encode())
        start = line.recv(100)
        server.signal(signal.SIGTERM)
        code = server.process.wait(30)

    assert (b"HTTP/1.1 200", 0) == (start[:12], code)
    assert [] == [line for line in server.log.splitlines() if "Traceback" in line or "Cancel" in line]


def test_a_second_sigterm_ends_at_once_and_says_what_is_unknown(start_server, held_upstream):
    """Exit code 0; a synchronous call in flight may have been charged, a job is resumed."""
    server = start_server(behind(held_upstream))
    with server.client() as api:
        call = call_of(api, held_upstream)
        job = data(submit(api, "a job", delay_seconds=3, as_job=True))["task_id"]
        accepted = "SELECT count(*) FROM attempts WHERE job IS NOT NULL"
        until(lambda: _one(server, accepted), lambda count: count == 1)
        stop_of(server, api)
        server.signal()
    code = server.process.wait(60)
    server.start()
    with server.client() as api:
        lost, resumed = task_of(api, call), ended(api, job)

    assert (0, "failed", "outcome_unknown", True) == (
        code,
        lost["status"],
        lost["error"]["code"],
        lost["error"]["possible_charge"],
    )
    assert 1 == len(held_upstream.ledger)
    assert ("completed", 1) == (resumed["status"], resumed["attempts"])


def test_after_the_grace_time_the_same_happens(start_server, held_upstream):
    """Without a second signal."""
    server = start_server(behind(held_upstream, shutdown_grace_seconds=1))
    with server.client() as api:
        call = call_of(api, held_upstream)
    code = server.stop()
    server.start()
    with server.client() as api:
        task = task_of(api, call)

    assert (0, "failed", "outcome_unknown") == (code, task["status"], task["error"]["code"])


def test_after_a_kill_a_free_call_is_made_again(start_server):
    """A drawing of the demo costs nothing, so its image simply comes later."""
    server = start_server()
    with server.client() as api:
        call = data(submit(api, "a call", delay_seconds=2))["task_id"]
        begun = "SELECT count(*) FROM attempts WHERE phase <> 'reserved'"
        until(lambda: _one(server, begun), lambda count: count == 1)
    server.kill()
    server.start()
    with server.client() as api:
        assert "completed" == ended(api, call)["status"]


def test_after_a_kill_a_call_in_flight_is_unknown_and_never_resent(start_server, held_upstream):
    """One attempt, one charge; another one needs an explicit retry."""
    server = start_server(behind(held_upstream))
    with server.client() as api:
        call = call_of(api, held_upstream)
    server.kill()
    server.start()
    with server.client() as api:
        task = ended(api, call)

        assert ("failed", "outcome_unknown", True, 1) == (
            task["status"],
            task["error"]["code"],
            task["error"]["possible_charge"],
            task["attempts"],
        )
        assert 1 == len(held_upstream.ledger)
        again = data(api.post(f"{TASKS}/{call}/retry"))
        assert again["task_id"] != call


def test_events_go_on_where_they_were_after_a_restart(start_server):
    """Ids keep growing, and the last event is sent."""
    server = start_server()
    with server.client() as api:
        job = data(submit(api, "a job", delay_seconds=2, as_job=True, progress_steps=4))["task_id"]
        with api.stream("GET", f"{TASKS}/{job}/events") as stream:
            received = ""
            for text in stream.iter_text():
                received += text
                if "event: progress" in received and received.endswith("\n\n"):
                    break
        last = parse(received)[-1].id
    server.kill()
    server.start()
    with server.client() as api:
        events = parse(api.get(f"{TASKS}/{job}/events", headers={"Last-Event-ID": str(last)}).text)

    assert ("snapshot", "completed") == (events[0].name, events[-1].name)
    assert [] == [event for event in events[1:] if event.id <= last]


def test_an_idempotency_key_outlives_a_kill(start_server):
    """It returns the same task."""
    server = start_server()
    key = {"Idempotency-Key": "outlives"}
    with server.client() as api:
        before = data(submit(api, headers=key))["task_id"]
    server.kill()
    server.start()
    with server.client() as api:
        again = submit(api, headers=key)

    assert (before, "true") == (data(again)["task_id"], again.headers["idempotent-replayed"])


@pytest.mark.one_python
@pytest.mark.timeout(900)
def test_a_thousand_tasks_of_a_hundred_callers_survive_a_kill(start_server):
    """All completed, all images intact, all ids different: what got its 202 exists."""
    server = start_server({"queue": {"size": 2000}})
    accepted, lock, half = [], threading.Lock(), threading.Event()

    def call(caller):
        for number in range(10):
            key = {"Idempotency-Key": f"{caller}-{number}"}
            task_id = _insist(server, body_of(f"caller {caller} task {number}"), key)
            with lock:
                accepted.append(task_id)
                if len(accepted) == 500:
                    half.set()

    started = time.perf_counter()
    with ThreadPoolExecutor(100) as pool:
        calls = [pool.submit(call, caller) for caller in range(100)]
        assert half.wait(300)
        server.kill()
        server.start()
        for each in calls:
            each.result()
    with server.client() as api:
        until(lambda: _waiting(api), lambda count: count == 0, seconds=600)
        tasks = {t["task_id"]: t for t in _all(api, TASKS)}
        images = _all(api, IMAGES)
        print(f"1000 tasks in {time.perf_counter() - started:.1f} s")
        for image in images:
            with Image.open(io.BytesIO(api.get(image["image_url"]).content)) as decoded:
                decoded.load()

        assert 1000 == len(accepted) == len(set(accepted))
        assert set(accepted) == set(tasks)
        assert {"completed"} == {t["status"] for t in tasks.values()}
        assert 1000 == len({i["id"] for i in images}) == len(images)
        assert set(accepted) == {i["task_id"] for i in images}


def _insist(server, body, headers):
    """Post until it is accepted, as a caller with an idempotency key may."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(
                f"{server.url}{GENERATE}",
                json=body,
                headers=headers,
                timeout=30,
                trust_env=False,
                verify=NO_TLS,
            )
        except httpx.HTTPError:
            time.sleep(0.2)
            continue
        if answer.status_code == 202:
            return answer.json()["data"]["task_id"]
        assert answer.status_code in (429, 503), answer.text
        time.sleep(0.2)
    raise AssertionError("it was never accepted")


def _waiting(api):
    queue = api.get("/health").json()["checks"]["queue"]
    return queue["pending"] + queue["processing"]


def _all(api, path):
    items, cursor = [], ""
    while cursor is not None:
        page = data(api.get(f"{path}?page_size=100{cursor and '&cursor=' + cursor}"))
        items += page["items"]
        cursor = page["next_cursor"]
    return items


def _one(server, query):
    with closing(sqlite3.connect(f"file:{server.data_dir / 'imagegen.db'}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchone()[0]
