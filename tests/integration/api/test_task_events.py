"""API.md section 3: a task's events as text/event-stream."""

import json
import socket
from urllib.parse import urlsplit

import attrs
import pytest

from tests.integration.api.asking import TASKS, data, ended, finished, running, submit

ENDS = {"completed", "failed", "cancelled"}


@attrs.frozen
class Event:
    name: str
    data: dict
    id: int | None


def parse(text):
    """Return the events of a stream, as a browser would see them."""
    events = []
    for block in text.split("\n\n"):
        lines = [line.partition(":") for line in block.split("\n") if line and not line.startswith(":")]
        members = {name: value.removeprefix(" ") for name, _, value in lines}
        if "data" in members:
            number = int(members["id"]) if "id" in members else None
            events.append(Event(members["event"], json.loads(members["data"]), number))
    return events


def follow(api, task_id, **headers):
    answer = api.get(f"{TASKS}/{task_id}/events", headers=headers)
    assert 200 == answer.status_code, answer.text
    return parse(answer.text)


def follow_from_the_start(narrow, **params):
    """Return a task's id and all its events: it is pending behind another one until somebody follows it."""
    before = data(submit(narrow, delay_seconds=500))["task_id"]
    running(narrow, before)
    task_id = data(submit(narrow, **params))["task_id"]
    with narrow.stream("GET", f"{TASKS}/{task_id}/events") as stream:
        chunks = stream.iter_text()
        first = next(chunks)
        narrow.post(f"{TASKS}/{before}/cancel")
        return task_id, parse(first + "".join(chunks))


def test_the_stream_is_an_event_stream_that_nobody_stores(api):
    """Its media type, and that proxies forward it unbuffered."""
    answer = api.get(f"{TASKS}/{finished(api)['task_id']}/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "no-store" in answer.headers["cache-control"]


def test_a_running_task_sends_snapshot_progress_image_and_end(narrow):
    """In this order; every event but the snapshot has an id, and ids grow."""
    _, events = follow_from_the_start(narrow, delay_seconds=1, progress_steps=4, num=2)
    names = [event.name for event in events]
    ids = [event.id for event in events[1:]]

    assert ("snapshot", None, "completed") == (names[0], events[0].id, names[-1])
    assert {"snapshot", "progress", "image", "completed"} == set(names)
    assert (2, 1) == (names.count("image"), len([n for n in names if n in ENDS]))
    assert None not in ids
    assert sorted(set(ids)) == ids


def test_the_events_carry_what_the_api_shows(narrow):
    """The snapshot and the end are the task, an image is its record."""
    task_id, events = follow_from_the_start(narrow)
    task = ended(narrow, task_id)

    assert task == events[-1].data
    assert (task_id, task["images"][0]) == (
        events[0].data["task_id"],
        next(e.data for e in events if e.name == "image"),
    )


@pytest.mark.parametrize(
    ("params", "end"), [({}, "completed"), ({"refuse": True}, "failed"), ({"fail": "timeout"}, "failed")]
)
def test_a_finished_task_gives_its_snapshot_and_its_last_event(api, params, end):
    """Then the stream ends."""
    task_id = data(submit(api, **params))["task_id"]
    ended(api, task_id)
    events = follow(api, task_id)

    assert ["snapshot", end] == [event.name for event in events]
    assert events[1].id is not None


def test_a_cancelled_task_ends_its_stream(api):
    """Whoever cancels it."""
    task_id = data(submit(api, delay_seconds=500))["task_id"]
    running(api, task_id)
    with api.stream("GET", f"{TASKS}/{task_id}/events") as stream:
        chunks = stream.iter_text()
        first = next(chunks)
        api.post(f"{TASKS}/{task_id}/cancel")
        events = parse(first + "".join(chunks))

    assert ("snapshot", "cancelled") == (events[0].name, events[-1].name)


def test_after_last_event_id_only_later_events_come(narrow):
    """The snapshot first, as always; a client with the last event gets 204, which stops a browser."""
    task_id, events = follow_from_the_start(narrow, delay_seconds=0.4, progress_steps=2)
    middle = events[2].id
    again = follow(narrow, task_id, **{"Last-Event-ID": str(middle)})
    at_the_end = narrow.get(f"{TASKS}/{task_id}/events", headers={"Last-Event-ID": str(events[-1].id)})

    assert "snapshot" == again[0].name
    assert [e.id for e in events if e.id and e.id > middle] == [e.id for e in again[1:]]
    assert (204, b"") == (at_the_end.status_code, at_the_end.content)


def test_a_last_event_id_from_the_future_gets_the_end(api):
    """A restored backup starts its ids again; the largest possible id is one from the future, too."""
    task_id = finished(api)["task_id"]
    events = follow(api, task_id, **{"Last-Event-ID": "9" * 30})

    assert ["snapshot", "completed"] == [event.name for event in events]


def test_many_can_follow_one_task(api, server):
    """Each gets the end."""
    task_id = data(submit(api, delay_seconds=1))["task_id"]
    clients = [server.client() for _ in range(5)]
    streams = [client.stream("GET", f"{TASKS}/{task_id}/events") for client in clients]
    opened = [stream.__enter__() for stream in streams]
    ends = [parse("".join(answer.iter_text()))[-1].name for answer in opened]
    for stream, client in zip(streams, clients, strict=True):
        stream.__exit__(None, None, None)
        client.close()

    assert ["completed"] * 5 == ends


def test_while_nothing_happens_a_comment_keeps_the_stream_alive(api, server):
    """Within 20 s; it starts with a colon."""
    task_id = data(submit(api, delay_seconds=500))["task_id"]
    running(api, task_id)
    host = urlsplit(server.url)
    with socket.create_connection((host.hostname, host.port), timeout=60) as connection:
        connection.sendall(f"GET {TASKS}/{task_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = b""
        while b"\n:" not in received:
            chunk = connection.recv(65536)
            assert chunk, received
            received += chunk
    api.post(f"{TASKS}/{task_id}/cancel")

    assert b"event: snapshot" in received


def test_a_disconnected_stream_disturbs_nobody(api):
    """The task goes on."""
    task_id = data(submit(api, delay_seconds=1))["task_id"]
    with api.stream("GET", f"{TASKS}/{task_id}/events") as stream:
        next(stream.iter_text())

    assert "completed" == ended(api, task_id)["status"]
