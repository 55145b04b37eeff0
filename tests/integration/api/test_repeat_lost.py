"""`Prefer: repeat-lost`: a caller whose first request was lost gets its task, not a second one."""

import socket

import pytest

from tests.fakes.a1111 import FakeA1111
from tests.integration.api.asking import ended, until
from tests.integration.api.held_upstream import behind
from tests.integration.api.live_server import LiveServer

GENERATE = "/api/v1/tasks/generate"
REPEAT = {"Prefer": "wait=20, repeat-lost"}
REPLAYED = "idempotent-replayed"


@pytest.fixture(scope="module")
def upstream():
    with FakeA1111() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(upstream, tmp_path_factory):
    running = LiveServer(tmp_path_factory.mktemp("repeat-lost"), behind(upstream)).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def api(server):
    with server.client() as client:
        yield client


@pytest.fixture
def hold(upstream):
    """While it is not set, no job of the provider ends."""
    upstream.hold.clear()
    yield upstream.hold
    upstream.hold.set()


def body_of(prompt, **more):
    return {"provider": "stable-diffusion", "params": {"prompt": prompt, **more}}


def ids_of(api, prompt):
    tasks = api.get("/api/v1/tasks", params={"page_size": 100}).json()["data"]["items"]
    return [task["task_id"] for task in tasks if task["prompt"] == prompt]


def lose(server, api, body, headers=REPEAT):
    """Send a request, close its connection once its task is there, and return the task's id."""
    request = api.build_request("POST", GENERATE, json=body, headers=headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((request.url.host, request.url.port)) as connection:
        connection.sendall(f"POST {GENERATE} HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        return until(lambda: ids_of(api, body["params"]["prompt"]), bool)[0]


def test_the_repeat_of_a_lost_request_gets_its_task(server, api, hold):
    """Who has got it and asks once more gets a new one."""
    body = body_of("lost and repeated")
    lost = lose(server, api, body)
    hold.set()
    again, new = (api.post(GENERATE, json=body, headers=REPEAT) for _ in range(2))

    assert (200, lost, "true") == (
        again.status_code,
        again.json()["data"]["task_id"],
        again.headers[REPLAYED],
    )
    assert (200, False) == (new.status_code, REPLAYED in new.headers)
    assert 2 == len(ids_of(api, "lost and repeated"))


def test_an_equal_request_whose_caller_still_waits_is_another(server, api, hold):
    """An agent that wants two images of one prompt asks twice at once."""
    body, no_wait = body_of("still waited for"), {"Prefer": "repeat-lost"}
    lost = lose(server, api, body)
    first, second = (
        api.post(GENERATE, json=body, headers=no_wait).json()["data"]["task_id"] for _ in range(2)
    )

    assert (lost, True) == (first, second != lost)


def test_without_the_preference_nothing_is_repeated(server, api, hold):
    """Nor is a request with another prompt, or one that was not sent with it."""
    lost = lose(server, api, body_of("not asked for"))
    plain = api.post(GENERATE, json=body_of("not asked for")).json()["data"]["task_id"]
    lose(server, api, body_of("sent without"), headers={"Prefer": "wait=20"})
    hold.set()
    other = api.post(GENERATE, json=body_of("sent without"), headers=REPEAT)

    assert (True, False) == (plain != lost, REPLAYED in other.headers)


def test_a_request_with_a_key_is_known_by_its_key(server, api, hold):
    """The key says more than the resemblance."""
    lost = lose(server, api, body_of("lost, then with a key"))
    headers = {**REPEAT, "Idempotency-Key": "a-key-of-its-own"}
    hold.set()
    keyed = api.post(GENERATE, json=body_of("lost, then with a key"), headers=headers)

    assert lost != keyed.json()["data"]["task_id"]


def test_an_answer_before_the_end_is_an_answer(server, api, hold):
    """The caller knows the task then, and whoever asks for another one gets it."""
    body, no_wait = body_of("answered early"), {"Prefer": "repeat-lost"}
    first, second = (api.post(GENERATE, json=body, headers=no_wait) for _ in range(2))
    hold.set()

    assert (202, 202) == (first.status_code, second.status_code)
    assert 2 == len({answer.json()["data"]["task_id"] for answer in (first, second)})


def test_after_a_kill_the_lost_one_is_repeated(start_server):
    """What was answered is remembered, too."""
    server = start_server()
    slow = {"provider": "demo", "params": {"prompt": "killed", "delay_seconds": 3, "as_job": True}}
    quick = {"provider": "demo", "params": {"prompt": "answered"}}
    with server.client() as api:
        answered = api.post(GENERATE, json=quick, headers=REPEAT).json()["data"]["task_id"]
        lost = lose(server, api, slow)
    server.kill()
    server.start()
    with server.client() as api:
        again = api.post(GENERATE, json=slow, headers=REPEAT).json()["data"]["task_id"]
        new = api.post(GENERATE, json=quick, headers=REPEAT).json()["data"]["task_id"]

        assert ((lost, "completed"), True) == ((again, ended(api, again)["status"]), new != answered)
