"""A call whose answer was lost is paid for once: the same call gets its images."""

import socket

import pytest

from tests.integration.agents.agent import MODES, connected, on_stdio, over_http
from tests.integration.api.asking import data, ended, until

PROVIDER = "stable-diffusion"
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "generate_image", "arguments": {}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def tasks_of(api, prompt):
    tasks = data(api.get("/api/v1/tasks", params={"page_size": 100}))["items"]
    return [task["task_id"] for task in tasks if task["prompt"] == prompt]


def paid(upstream, prompt):
    """Return how many jobs the provider has begun for a prompt."""
    return sum(body["prompt"] == prompt for _, body in upstream.ledger)


def lose_over_http(api, prompt):
    """Call the tool, and close the connection once there is a task; return its id."""
    arguments = {"prompt": prompt, "provider": PROVIDER}
    call = {**CALL, "params": {"name": "generate_image", "arguments": arguments}}
    request = api.build_request("POST", "/mcp", json=call, headers=ACCEPT)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((request.url.host, request.url.port)) as connection:
        connection.sendall(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        return until(lambda: tasks_of(api, prompt), bool)[0]


@pytest.mark.parametrize("mode", MODES.values())
def test_a_call_that_was_lost_over_http_is_repeated(server, api, upstream, hold, mode):
    """After its answer, the same call is another one."""
    prompt = f"lost over HTTP, {mode}"
    lost = lose_over_http(api, prompt)
    with over_http(server.url, mode=mode) as agent:
        repeat = agent.begin("generate_image", prompt=prompt, provider=PROVIDER)
        hold.set()
        again = repeat.result(60).structured_content
        new = agent.data("generate_image", prompt=prompt, provider=PROVIDER)

    assert ((lost, True), False) == ((again["task_id"], again["replayed"]), new["replayed"])
    assert 2 == paid(upstream, prompt)


def test_a_call_that_was_given_up_is_repeated(server, api, upstream, hold):
    """By a program that says so and stays: on stdio, and over HTTP since 2026."""
    for transport in ("stdio", "http"):
        prompt = f"given up, {transport}"
        hold.clear()
        with connected(server, transport) as agent:
            call = agent.begin("generate_image", prompt=prompt, provider=PROVIDER)
            (lost,) = until(lambda prompt=prompt: tasks_of(api, prompt), bool)
            call.cancel()
            for _ in range(3):  # while these come and go, the service hears of it
                agent.data("list_models", provider="demo")
            repeat = agent.begin("generate_image", prompt=prompt, provider=PROVIDER)
            hold.set()

            assert lost == repeat.result(60).structured_content["task_id"]
        assert 1 == paid(upstream, prompt)


def test_a_command_that_was_killed_loses_its_call(server, api, upstream, hold):
    """The next one repeats it, and it may be one over HTTP."""
    prompt = "killed"
    with on_stdio(server.folder) as agent:
        agent.begin("generate_image", prompt=prompt, provider=PROVIDER)
        (lost,) = until(lambda: tasks_of(api, prompt), bool)
    hold.set()
    ended(api, lost)
    with over_http(server.url) as agent:
        again = agent.data("generate_image", prompt=prompt, provider=PROVIDER)

    assert (lost, 1) == (again["task_id"], paid(upstream, prompt))


def test_an_answer_before_the_end_is_no_lost_one(server, upstream, hold):
    """Who asks once more, knowing the task's id, wants another image."""
    with over_http(server.url) as agent:
        first, second = (
            agent.data("generate_image", prompt="asked twice", provider=PROVIDER, wait_seconds=0)
            for _ in range(2)
        )
        hold.set()

    assert first["task_id"] != second["task_id"]


def test_two_equal_calls_at_once_are_two_images(server, upstream):
    """An agent that wants to choose."""
    with over_http(server.url) as agent:
        results = agent.together([("generate_image", {"prompt": "two to choose from"})] * 2)

    assert 2 == len({result.structured_content["task_id"] for result in results})


def test_calls_with_one_key_are_one_task(server, upstream):
    """Answered or not; with other arguments it is refused."""
    key = {"idempotency_key": "agents-own-key"}
    with over_http(server.url) as agent:
        first, second = (agent.data("generate_image", prompt="keyed", **key) for _ in range(2))
        error = agent.error("generate_image", prompt="another", **key)

    assert (first["task_id"], True) == (second["task_id"], second["replayed"])
    assert ("idempotency_key_reused", False) == (error["code"], error["possible_charge"])
