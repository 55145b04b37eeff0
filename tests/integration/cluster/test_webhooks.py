"""Webhooks of several nodes: each delivery is sent by one of them, and a dead one's by another."""

import pytest

from tests.fakes.receiver import Receiver, event_of
from tests.integration.api.asking import GENERATE, body_of, data, finished, until

pytestmark = pytest.mark.one_python

WEBHOOKS = "/api/v1/webhooks"


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def allowing(nodes, receiver):
    """Let each node call the receiver, and return its endpoint's body."""
    nodes.config["security"]["allow_webhooks"] = [receiver.host]
    return {"url": f"{receiver.url}/hook"}


def test_each_delivery_is_sent_by_one_node(nodes, receiver, allowing):
    """However many look for them at the same moment; all verify with the one secret."""
    with nodes.start().client() as first, nodes.start().client() as second:
        secret = data(first.post(WEBHOOKS, json=allowing))["secret"]
        tasks = []
        for number in range(30):
            api = (first, second)[number % 2]
            tasks.append(data(api.post(GENERATE, json=body_of(f"number {number}")))["task_id"])
        receiver.wait_for(30)
        until(
            lambda: data(second.get(f"{WEBHOOKS}/1/deliveries?status=delivered"))["total"],
            lambda total: total == 30,
        )

    assert {1} == set(receiver.ids.values())
    assert 1 == receiver.together
    assert sorted(tasks) == sorted(event["data"]["task_id"] for event in receiver.events(secret))


def test_another_node_goes_on_within_a_minute(nodes, receiver, allowing):
    """Killed in the middle of a try; the event keeps its id, and nobody sends it before."""
    victim = nodes.start()
    with victim.client() as api:
        data(api.post(WEBHOOKS, json=allowing))
        receiver.hold()
        task = finished(api)
        (first,) = receiver.wait_for(1)
    with nodes.start().client() as survivor:
        victim.kill()
        receiver.release()
        _, second = receiver.wait_for(2, seconds=60)
        (delivery,) = until(
            lambda: data(survivor.get(f"{WEBHOOKS}/1/deliveries"))["items"],
            lambda items: items[0]["status"] == "delivered",
        )

    assert (task["task_id"], 1) == (event_of(second)["data"]["task_id"], delivery["tries"])
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert 1 == receiver.together


def test_a_node_that_only_answers_sends_nothing(nodes, receiver, allowing):
    """Workers do, also for what ended or was replayed elsewhere."""
    with nodes.start(roles=["api"]).client() as api:
        data(api.post(WEBHOOKS, json=allowing))
        waiting = data(api.post(GENERATE, json=body_of("to be cancelled")))["task_id"]
        data(api.post(f"/api/v1/tasks/{waiting}/cancel"))
        assert 1 == data(api.get(f"{WEBHOOKS}/1/deliveries?status=pending"))["total"]
        nodes.start(roles=["worker"])
        (request,) = receiver.wait_for(1)

    assert (waiting, "task.cancelled") == (event_of(request)["data"]["task_id"], event_of(request)["type"])
