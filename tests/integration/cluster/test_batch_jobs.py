"""A batch job of several nodes: one of them has it, and another goes on with it when that is dead."""

import time

import pytest

from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.openai_batches import FakeOpenAIBatches

pytestmark = pytest.mark.one_python

PATIENCE = 60


def wait_until(condition, awaited):
    """Return the result of ``condition`` once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {awaited}"
        time.sleep(0.05)
    return value


@pytest.mark.parametrize("step", ["start", "look", "piece"])
def test_another_node_goes_on_with_a_job(nodes, step):
    """Killed after it has sent the paid request, between two looks, or while it reads the answers."""
    with in_thread(HttpServer(FakeOpenAIBatches())) as upstream:
        fake = upstream.fake
        fake.piece_bytes = 2000
        fake.gate.stop_at(step, after=step == "start")
        provider = {
            "kind": "http",
            "api_base": f"{upstream.url}/v1",
            "api_key": fake.key,
            "extra_config": {"preset": "openai"},
        }
        nodes.config["providers"] = {"openai": provider}
        nodes.config["queue"] = {"batch_poll_seconds": 0.2}
        nodes.config["security"]["allow_private_upstreams"].append(upstream.url.partition("//")[2])
        first = nodes.start()
        body = {
            "mode": "vendor",
            "prompts": [f"cat {number}" for number in range(30)],
            "targets": [{"provider": "openai"}],
            "params": {"size": "1024x1024"},
        }
        with first.client() as api:
            answer = api.post("/api/v1/batches", json=body)
            assert 202 == answer.status_code, answer.text
            batch_id = answer.json()["data"]["batch_id"]
        second = nodes.start()
        if step != "start":
            wait_until(lambda: fake.jobs, "a job")
        if step == "piece":
            fake.finish(fake.jobs[0])
        assert fake.gate.is_reached.wait(PATIENCE)
        first.kill()
        fake.gate.open()
        if step != "piece":
            fake.finish(wait_until(lambda: fake.jobs and fake.jobs[0], "a job"))
        with second.client() as api:
            batch = wait_until(
                lambda: (b := api.get(f"/api/v1/batches/{batch_id}").json()["data"])["completed_at"] and b,
                "the end",
            )

    assert (1, 30) == (len(fake.jobs), batch["counts"]["completed"])
    assert 30 == len(fake.ledger)
    assert f"{fake.charged:f}".rstrip("0") == batch["costs"][0]["amount"].rstrip("0")
    assert [] == upstream.complaints
