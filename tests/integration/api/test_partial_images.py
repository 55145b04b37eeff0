"""API.md section 3: partial images on a task's events, in memory alone."""

import base64
import json
import socket
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.images import png, png_base64
from tests.integration.api.asking import GENERATE, TASKS, data, ended, until
from tests.integration.api.streaming_upstream import STREAMING, streaming, streaming_upstream
from tests.integration.api.test_task_events import follow, parse
from tests.live_files import contents

pytestmark = pytest.mark.one_box


@pytest.fixture
def upstream():
    with streaming_upstream() as upstream:
        yield upstream


@pytest.fixture
def server(upstream, start_server):
    return start_server(streaming(upstream))


@pytest.fixture
def api(server):
    with server.client() as client:
        yield client


def begun(api, upstream, **params):
    """Return the id of a task whose provider is about to stream."""
    params = {"prompt": "a lighthouse", "partial_images": 2, **params}
    task_id = data(api.post(GENERATE, json={"provider": STREAMING, "params": params}))["task_id"]
    until(lambda: upstream.fake.ledger, bool)
    return task_id


def followed(api, upstream, task_id, **headers):
    """Return the events of a task; each step of the provider waits until the one before was received."""
    with api.stream("GET", f"{TASKS}/{task_id}/events", headers=headers) as stream:
        text = ""
        for chunk in stream.iter_text():
            text += chunk
            if text.endswith("\n\n"):
                upstream.fake.steps.release()
        return parse(text)


def test_partial_images_are_events_without_a_number(api, upstream):
    """With the bytes, which image it is and how many came before; what the stream had before stays."""
    task_id = begun(api, upstream)
    events = followed(api, upstream, task_id)
    partial = [event for event in events if event.name == "partial_image"]

    assert ["snapshot", "partial_image", "partial_image", "image", "completed"] == [e.name for e in events]
    assert [None, None] == [event.id for event in partial]
    assert [
        {"index": index, "image_index": 0, "mime_type": "image/png", "b64_json": png_base64(index)}
        for index in range(2)
    ] == [event.data for event in partial]


def test_partial_images_are_never_replayed(api, upstream):
    """Neither to a later follower nor after Last-Event-ID."""
    task_id = begun(api, upstream)
    events = followed(api, upstream, task_id)
    later = [event.name for event in follow(api, task_id)]
    resumed = [event.name for event in follow(api, task_id, **{"Last-Event-ID": str(events[-2].id)})]

    assert (["snapshot", "completed"], ["snapshot", "completed"]) == (later, resumed)


def test_nothing_of_a_partial_image_is_stored(server, api, upstream):
    """Neither in the database nor in a file nor in the log, not even while its task runs."""
    task_id = begun(api, upstream)
    with api.stream("GET", f"{TASKS}/{task_id}/events") as stream:
        chunks = stream.iter_text()
        text = next(chunks)
        upstream.fake.steps.release()
        while "partial_image" not in text:
            text += next(chunks)
        with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database:
            kinds = {kind for (kind,) in database.execute("SELECT kind FROM events")}
        files = contents(server.data_dir).items()
        stored = [path.name for path, content in files if _holds_a_partial_image(content)]
    upstream.fake.steps.release(2)
    ended(api, task_id)

    assert (set(), []) == (kinds & {"partial_image"}, stored)
    assert not _holds_a_partial_image(server.log.encode())


def _holds_a_partial_image(content):
    return png(0) in content or base64.b64encode(png(0)) in content


def test_a_stream_that_dies_with_the_service_is_never_sent_again(server, api, upstream):
    """A kill after a partial image: nobody knows what it cost."""
    task_id = begun(api, upstream)
    with api.stream("GET", f"{TASKS}/{task_id}/events") as stream:
        chunks = stream.iter_text()
        text = next(chunks)
        upstream.fake.steps.release()
        while "partial_image" not in text:
            text += next(chunks)
        server.kill()
    upstream.fake.steps.release(9)
    server.start()
    with server.client() as again:
        task = ended(again, task_id)

    assert ("failed", "outcome_unknown", True) == (
        task["status"],
        task["error"]["code"],
        task["error"]["possible_charge"],
    )
    assert 1 == len(upstream.fake.ledger)


def test_a_follower_that_stops_reading_delays_nobody(server, api, upstream, monkeypatch):
    """The task ends, and others see it; what the slow one misses is dropped."""
    monkeypatch.setattr(
        "tests.fakes.openai_images.png_base64", lambda seed: base64.b64encode(_large(seed)).decode()
    )
    task_id = begun(api, upstream, partial_images=3)
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(f"GET {TASKS}/{task_id}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert slow.recv(9).startswith(b"HTTP/1.1")
        events = followed(api, upstream, task_id)

    assert 3 == [event.name for event in events].count("partial_image")
    assert "completed" == events[-1].name


def _large(seed):
    """Return an image of 4 MB."""
    return png(seed) + bytes(4 * 2**20)


def test_several_images_have_partial_images_each(api, upstream):
    """Each is a call of its own, and the event says of which."""
    task_id = begun(api, upstream, partial_images=1, num=2)
    events = followed(api, upstream, task_id)
    task = ended(api, task_id)

    assert [0, 1] == sorted(e.data["image_index"] for e in events if e.name == "partial_image")
    assert (2, 2) == (len(task["images"]), len(upstream.fake.ledger))


def test_a_number_out_of_range_is_refused(api, upstream):
    """Before anything is queued."""
    params = {"prompt": "a", "partial_images": 4}
    answer = api.post(GENERATE, json={"provider": STREAMING, "params": params})

    assert (400, "params.partial_images") == (
        answer.status_code,
        json.loads(answer.text)["data"]["errors"][0]["field"],
    )
    assert [] == upstream.fake.ledger
