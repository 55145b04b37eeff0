"""API.md section 9: a request that the client retries is paid once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from tests.integration.api.asking import CONFIG, TASKS, data, task_of, total, until
from tests.integration.openai.conftest import client_of

GENERATIONS = "/v1/images/generations"
REPEAT = {"X-Stainless-Retry-Count": "1"}
FIRST = {"X-Stainless-Retry-Count": "0"}


def slow(prompt, seconds=1.5, **more):
    return {"prompt": prompt, "size": "64x64", "extra_body": {"delay_seconds": seconds, **more}}


def tasks_of(api, prompt):
    """Return the tasks of a prompt, newest first."""
    return [task for task in data(api.get(TASKS))["items"] if task["prompt"] == prompt]


def test_a_time_out_and_its_retries_are_one_task(server, api):
    """The client gives up and retries until the image is there."""
    with client_of(server, timeout=0.5, max_retries=9) as client:
        images = client.images.generate(**slow("a time-out"))

    assert (1, ["completed"]) == (len(images.data), [t["status"] for t in tasks_of(api, "a time-out")])


def test_an_edit_and_its_retries_are_one_task(server, api, image):
    """Although each retry has another boundary."""
    with client_of(server, timeout=0.5, max_retries=9) as client:
        images = client.images.edit(
            image=image, prompt="an edit that takes its time", extra_body={"delay_seconds": "1.5"}
        )

    assert (1, 1) == (len(images.data), len(tasks_of(api, "an edit that takes its time")))


def test_a_stream_and_its_retries_are_one_task(server, api):
    """The retry of a streamed image gets the same one."""
    headers = {**FIRST, "Accept-Language": "en"}
    body = {"prompt": "a stream", "size": "64x64", "stream": True, "delay_seconds": 1}
    with server.client() as other, other.stream("POST", GENERATIONS, json=body, headers=headers) as first:
        task_id = first.headers["x-task-id"]
    again = api.post(GENERATIONS, json=body, headers=REPEAT)

    assert (task_id, "true") == (again.headers["x-task-id"], again.headers["idempotent-replayed"])
    assert "event: image_generation.completed" in again.text


def test_equal_requests_on_purpose_are_tasks_of_their_own(server, api):
    """One after the other, or concurrently."""
    with client_of(server) as client, ThreadPoolExecutor(4) as pool:
        client.images.generate(**slow("the same", 0))
        responses = list(pool.map(lambda _: client.images.generate(**slow("the same", 0.2)), range(4)))

    assert [1] * 4 == [len(m.data) for m in responses]
    assert 5 == len(tasks_of(api, "the same"))


def test_equal_requests_that_time_out_keep_their_own_tasks(server, api):
    """Each retry claims a task that nobody waits for."""
    with client_of(server, timeout=0.7, max_retries=9) as client, ThreadPoolExecutor(3) as pool:
        responses = list(pool.map(lambda _: client.images.generate(**slow("three alike", 2)), range(3)))

    assert (3, 3) == (len({m.data[0].b64_json for m in responses}), len(tasks_of(api, "three alike")))


def test_a_retry_of_a_request_that_never_arrived_creates_a_task(api):
    """The first request was lost on its way."""
    answer = api.post(GENERATIONS, json={"prompt": "lost on its way", "size": "64x64"}, headers=REPEAT)

    assert (200, 1) == (answer.status_code, len(tasks_of(api, "lost on its way")))
    assert "idempotent-replayed" not in answer.headers


def test_a_failure_that_cost_nothing_is_attempted_again(server, api):
    """That is what retries are for."""
    data(api.post(CONFIG, json={"provider_name": "down", "kind": "demo", "max_retries": 0}))
    with client_of(server, max_retries=1) as client, pytest.raises(openai.InternalServerError):
        client.images.generate(**slow("down", 0, fail="unavailable"), model="down/demo")
    data(api.delete(f"{CONFIG}/down"))

    assert 2 == len(tasks_of(api, "down"))


def test_another_key_is_another_client(server, api):
    """Their requests are not each other's retries."""
    body = {"prompt": "two clients", "size": "64x64"}
    tasks = {
        api.post(GENERATIONS, json=body, headers=headers).headers["x-task-id"]
        for headers in ({"Authorization": "Bearer a", **FIRST}, {"Authorization": "Bearer b", **REPEAT})
    }

    assert 2 == len(tasks)


@pytest.mark.parametrize("as_job", [False, True])
def test_a_retry_after_a_kill_finds_its_task(start_server, as_job):
    """A job is resumed; a call with an unknown outcome is not paid for a second time."""
    server = start_server()
    answers = []

    def ask():
        with server.client(**FIRST) as client:
            try:
                client.post(GENERATIONS, json=body)
            except httpx.TransportError as error:
                answers.append(error)

    body = {"prompt": "a kill", "size": "64x64", "delay_seconds": 3, "as_job": as_job, "seed": 7}
    asking = threading.Thread(target=ask)
    asking.start()
    with server.client() as api:
        (task,) = until(lambda: tasks_of(api, "a kill"), bool)
        until(lambda: task_of(api, task["task_id"]), lambda t: t["attempts"] == 1)
    server.kill()
    asking.join()
    server.start()
    with server.client() as api:
        again = api.post(GENERATIONS, json=body, headers=REPEAT)

        assert 1 == len(answers)
        assert (task["task_id"], 1) == (again.headers["x-task-id"], total(api))
        answer = (again.status_code, again.headers.get("x-should-retry"))
        assert answer in ([(200, None)] if as_job else [(200, None), (400, "false")])


def test_a_stop_ends_waiting_with_503_and_the_retry_finds_the_task(start_server):
    """A pending task runs after the restart."""
    server = start_server({"queue": {"workers": 1}, "shutdown_grace_seconds": 0})
    body = {"prompt": "in the queue", "size": "64x64"}
    with server.client(**FIRST) as api, server.client(**FIRST) as other, ThreadPoolExecutor(1) as pool:
        busy = {"prompt": "busy", "size": "64x64", "delay_seconds": 60, "as_job": True}
        first = api.post("/api/v1/tasks/generate", json={"params": busy})
        until(lambda: task_of(api, data(first)["task_id"]), lambda t: t["status"] == "processing")
        waiting = pool.submit(other.post, GENERATIONS, json=body)
        until(lambda: tasks_of(api, "in the queue"), bool)
        assert 0 == server.stop()
        stopped = waiting.result()
    server.start()
    with server.client() as api:
        api.post(f"{TASKS}/{data(first)['task_id']}/cancel")
        again = api.post(GENERATIONS, json=body, headers=REPEAT)

        assert (503, "5", None) == (
            stopped.status_code,
            stopped.headers["retry-after"],
            stopped.headers.get("x-should-retry"),
        )
        assert (200, stopped.headers["x-task-id"]) == (again.status_code, again.headers["x-task-id"])
        assert 2 == total(api)
