"""API.md section 9: from a client that does not number its retries, an equal request may be a retry."""

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fakes.a1111 import FakeA1111
from tests.integration.api.asking import ended, task_of, total, until
from tests.integration.api.held_upstream import behind
from tests.integration.api.live_server import LiveServer
from tests.integration.openai.test_client_retries import FIRST, GENERATIONS, tasks_of

REPLAYED = "idempotent-replayed"
CLOSE = {"Connection": "close"}
NOT_NUMBERED = {}
LITELLM = FIRST
"""Its router sends each repeat as a first request of the official client's."""


@pytest.fixture(scope="module")
def upstream():
    with FakeA1111() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(upstream, tmp_path_factory):
    running = LiveServer(tmp_path_factory.mktemp("lost-callers"), behind(upstream)).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def api(server):
    with server.client(**{"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture
def hold(upstream):
    """While it is not set, no job of the provider ends."""
    upstream.hold.clear()
    yield upstream.hold
    upstream.hold.set()


def body_of(prompt, seconds=1.0, **more):
    return {"prompt": prompt, "size": "64x64", "delay_seconds": seconds, **more}


def blocked_body(prompt, **more):
    """Return a request for an image that is not finished before the provider is released."""
    return {"prompt": prompt, "size": "64x64", "model": "stable-diffusion/default", **more}


def send(server, body, *, receive_bytes=0, **headers):
    """Send a request and return its connection, open, with the task's id.

    ``receive_bytes`` is how much the system takes of the answer before it is read.
    """
    with server.client(**headers) as api:
        before = {task["task_id"] for task in tasks_of(api, body["prompt"])}

        def new():
            return [t["task_id"] for t in tasks_of(api, body["prompt"]) if t["task_id"] not in before]

        request = api.build_request("POST", GENERATIONS, json=body)
        connection = socket.socket()
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.connect((request.url.host, request.url.port))
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        connection.sendall(f"POST {GENERATIONS} HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        return connection, until(new, bool)[0]


def lose(server, body, **headers):
    """Send a request and close its connection; return the task's id."""
    connection, task_id = send(server, body, **headers)
    connection.close()
    return task_id


@pytest.mark.parametrize("headers", [NOT_NUMBERED, LITELLM], ids=["not numbered", "always 0"])
def test_a_disconnected_caller_that_retries_gets_the_response(server, api, hold, headers):
    """Then the next equal request gets a new image."""
    body = blocked_body(f"lost with {len(headers)} headers")
    lost = lose(server, body, **headers)
    hold.set()
    again, new = (api.post(GENERATIONS, json=body, headers=headers) for _ in range(2))

    assert (200, lost, "true") == (again.status_code, again.headers["x-task-id"], again.headers[REPLAYED])
    assert (200, False) == (new.status_code, REPLAYED in new.headers)
    assert 2 == len(tasks_of(api, body["prompt"]))


def test_a_disconnect_does_not_cancel(server, api, hold):
    """The image is generated and stored."""
    lost = lose(server, blocked_body("left alone"))
    hold.set()

    assert "completed" == ended(api, lost)["status"]


def test_the_response_waits_for_a_late_retry(server, api, hold):
    """The task has ended by then."""
    body = blocked_body("lost and late")
    lost = lose(server, body)
    hold.set()
    ended(api, lost)

    assert lost == api.post(GENERATIONS, json=body).headers["x-task-id"]


def test_a_disconnect_before_the_task_is_created_costs_nothing(start_server):
    """Nobody waits for it, and a retry creates a task of its own."""
    server, body = start_server(), body_of("gone at once", 0)
    with server.client() as api:
        request = api.build_request("POST", GENERATIONS, json={**body, "user": "x" * 100_000})
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection((request.url.host, request.url.port)) as connection:
            connection.sendall(f"POST {GENERATIONS} HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        until(lambda: server.log, lambda log: GENERATIONS in log)

        assert [] == tasks_of(api, body["prompt"])


def test_a_caller_may_disconnect_again_and_again(server, api, hold):
    """Each retry joins the same task."""
    body = blocked_body("lost three times")
    lost = lose(server, body)
    for _ in range(2):
        with server.client() as leaving, pytest.raises(httpx.ReadTimeout):
            leaving.post(GENERATIONS, json=body, timeout=0.3)
    hold.set()

    assert lost == api.post(GENERATIONS, json=body).headers["x-task-id"]
    assert 1 == len(tasks_of(api, body["prompt"]))


def test_of_two_equal_requests_after_a_disconnect_one_is_the_retry(server, api, hold):
    """The same image is never delivered twice."""
    body = blocked_body("one lost, two new")
    lost = lose(server, body)
    hold.set()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: api.post(GENERATIONS, json=body), range(2)))
    tasks = {answer.headers["x-task-id"] for answer in answers}

    assert (2, True) == (len(tasks), lost in tasks)
    assert 2 == len(tasks_of(api, body["prompt"]))


def test_equal_requests_whose_callers_wait_are_tasks_of_their_own(server, api):
    """They are equal on purpose."""
    body = body_of("equal on purpose", 0.5)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: api.post(GENERATIONS, json=body), range(3)))

    assert 3 == len({answer.headers["x-task-id"] for answer in answers})


def test_an_abandoned_stream_is_found_by_its_retry(server, api, hold):
    """Although it had started."""
    body = blocked_body("a lost stream", stream=True)
    with server.client() as other, other.stream("POST", GENERATIONS, json=body) as first:
        lost = first.headers["x-task-id"]
    hold.set()
    again = api.post(GENERATIONS, json=body)

    assert lost == again.headers["x-task-id"]
    assert "event: image_generation.completed" in again.text


@pytest.mark.parametrize(
    "other",
    [{"headers": {"Authorization": "Bearer another"}}, {"json": {"n": 2}}, {"json": {"size": "80x64"}}],
)
def test_another_request_is_not_its_retry(server, api, hold, other):
    """The token and each field count."""
    body = blocked_body(f"lost for good {other}")
    lost = lose(server, body, Authorization="Bearer one")
    hold.set()
    headers = {"Authorization": "Bearer one", **other.get("headers", {})}
    answer = api.post(GENERATIONS, json={**body, **other.get("json", {})}, headers=headers)

    assert lost != answer.headers["x-task-id"]


@pytest.mark.parametrize("headers", [NOT_NUMBERED, LITELLM], ids=["not numbered", "always 0"])
@pytest.mark.parametrize("as_job", [False, True], ids=["call", "job"])
def test_after_a_kill_each_caller_without_a_response_can_retry(start_server, as_job, headers):
    """The retry gets the task's outcome; a caller with its response gets a new image."""
    server = start_server()
    with server.client(**headers) as api:
        first = api.post(GENERATIONS, json=body_of("answered", 0)).headers["x-task-id"]
    body = body_of("killed", 3, as_job=as_job, seed=7)
    losing = threading.Thread(target=_post_and_fail, args=(server, body, headers))
    losing.start()
    with server.client() as api:
        (task,) = until(lambda: tasks_of(api, "killed"), bool)
        until(lambda: task_of(api, task["task_id"]), lambda t: t["attempts"] == 1)
    server.kill()
    losing.join()
    server.start()
    with server.client(**headers) as api:
        again = api.post(GENERATIONS, json=body)
        new = api.post(GENERATIONS, json=body_of("answered", 0)).headers["x-task-id"]

        assert (task["task_id"], True) == (again.headers["x-task-id"], first != new)
        assert again.status_code in ([200] if as_job else [200, 400])
        assert 3 == total(api)


def test_a_disconnect_in_the_middle_of_the_response_is_no_delivery(server, api):
    """All of it was written by then, and was in the system's buffers."""
    body = body_of("lost in the answer", 0, size="1024x1024")
    connection, lost = send(server, body, receive_bytes=4096)
    task = ended(api, lost)
    with connection:
        connection.recv(100)
    again = api.post(GENERATIONS, json=body)

    assert ("completed", lost, 200) == (task["status"], again.headers["x-task-id"], again.status_code), task
    assert len(again.content) > 50_000  # much more than the caller had taken


def test_a_disconnect_with_the_complete_response_is_a_delivery(server, api):
    """As curl does; the next equal request gets a new image."""
    body = body_of("closes at once", 0)
    answers = [httpx.post(f"{server.url}{GENERATIONS}", json=body, headers=CLOSE) for _ in range(3)]

    assert 3 == len({answer.headers["x-task-id"] for answer in answers})


def test_nothing_is_sent_before_the_outcome_is_known(server, api):
    """So that nobody on the way gets a truncated response after a time-out."""
    connection, task_id = send(server, body_of("no early head"))
    connection.setblocking(False)
    early, status = b"", ""
    with connection:
        while status not in ("completed", "failed"):
            with contextlib.suppress(BlockingIOError):
                early += connection.recv(1)
            status = task_of(api, task_id)["status"]
            assert status == "completed" or not early
        connection.setblocking(True)

        assert b"HTTP/1.1 200" == (early + connection.recv(99))[:12]


def _post_and_fail(server, body, headers):
    with server.client(**headers) as api, pytest.raises(httpx.TransportError):
        api.post(GENERATIONS, json=body)
