"""One stream for all tasks: what changes, resumed after its last id."""

import pytest

from tests.integration.api.asking import TASKS, data, fields, finished, running, submit
from tests.integration.api.test_task_events import parse

EVENTS = "/api/v1/events"


@pytest.fixture
def follow(api):
    """Return a function that reads a stream until a task has a status; meanwhile ``act`` does something."""

    def read(task, status, *, act=lambda: None, query="", **headers):
        text = ""
        with api.stream("GET", f"{EVENTS}{query}", headers=headers) as stream:
            for chunk in stream.iter_text():
                if not text:
                    act()
                text += chunk
                events = parse(text) if text.endswith("\n\n") else []
                if any((e.data["task_id"], e.data["status"]) == (task(), status) for e in events):
                    return events
        return []

    return read


def test_what_a_task_goes_through_is_told(api, follow):
    """As it is at that moment, with its place, its images and its id."""
    tasks = []
    events = follow(lambda: tasks[0]["task_id"], "completed", act=lambda: tasks.append(finished(api, num=2)))
    own = [event for event in events if event.data["task_id"] == tasks[0]["task_id"]]
    images = [image["id"] for image in tasks[0]["images"]]

    assert {"task"} == {event.name for event in events}
    assert {"task_id", "status", "progress", "queue_position", "retry", "image_ids", "error"} == set(
        own[-1].data
    )
    assert (1.0, None, images, None) == tuple(
        own[-1].data[name] for name in ("progress", "queue_position", "image_ids", "error")
    )
    assert sorted(event.id for event in events) == [event.id for event in events]


@pytest.mark.parametrize(
    ("query", "spoken"), [("", "en"), ("?lang=en", "zh-CN")], ids=["in a header", "in the address"]
)
def test_a_failure_has_its_error(api, follow, query, spoken):
    """In the caller's language, and whether it may have been charged."""
    tasks = []
    events = follow(
        lambda: tasks[0],
        "failed",
        act=lambda: tasks.append(data(submit(api, fail="timeout"))["task_id"]),
        query=query,
        **{"Accept-Language": spoken},
    )
    (error,) = [event.data["error"] for event in events if event.data["status"] == "failed"]

    assert ("timeout", True, True) == (error["code"], error["possible_charge"], error["message"].isascii())


def test_a_client_gets_what_it_missed(api, follow):
    """Each task once, as it is now; what it saw before does not come again."""
    tasks = []
    events_before = follow(lambda: tasks[0], "completed", act=lambda: tasks.append(finished(api)["task_id"]))
    missed = [finished(api)["task_id"] for _ in range(2)]
    events = follow(lambda: missed[-1], "completed", **{"Last-Event-ID": str(events_before[-1].id)})

    assert missed == [event.data["task_id"] for event in events]


def test_only_tasks_of_a_status_are_told(api, follow):
    """Where the caller wants no others."""
    tasks = []

    def act():
        finished(api)
        tasks.append(data(submit(api, refuse=True))["task_id"])

    events = follow(lambda: tasks[0], "failed", act=act, query="?status=failed")

    assert {"failed"} == {event.data["status"] for event in events}


def test_a_task_that_is_asked_to_stop_is_told(api, follow):
    """Its end comes when the provider has stopped."""
    task_id = data(submit(api, delay_seconds=500))["task_id"]
    running(api, task_id)
    events = follow(lambda: task_id, "cancelled", act=lambda: api.post(f"{TASKS}/{task_id}/cancel"))

    assert ["cancelled"] == [e.data["status"] for e in events if e.data["task_id"] == task_id][-1:]


def test_an_empty_id_is_none(api):
    """It is what a client has that has seen nothing yet."""
    with api.stream("GET", EVENTS, headers={"Last-Event-ID": ""}) as answer:
        assert 200 == answer.status_code


@pytest.mark.parametrize("text", ["-1", "x", "1.5"])
def test_an_id_is_made_of_digits(api, text):
    """Anything else is named."""
    answer = api.get(EVENTS, headers={"Last-Event-ID": text})

    assert ["Last-Event-ID"] == fields(answer)


def test_an_unknown_status_is_refused(api):
    """Before the stream begins."""
    assert ["status"] == fields(api.get(f"{EVENTS}?status=waiting"))
