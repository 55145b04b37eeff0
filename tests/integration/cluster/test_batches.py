"""Batches of several nodes: one submits, and when it dies another goes on where it was."""

import pytest

from tests.integration.api.asking import SMALL, TASKS, data, until

pytestmark = pytest.mark.one_python

BATCHES = "/api/v1/batches"
PROMPTS = [f"number {number}" for number in range(60)]


def test_another_node_goes_on_with_a_batch(nodes):
    """Within a minute; no item is lost, and none is made twice."""
    body = {"prompts": PROMPTS, "params": {**SMALL, "delay_seconds": 0.2}, "concurrency": 6}
    victim, survivor = nodes.start(), nodes.start()  # the first one has the slot
    with survivor.client() as api:
        path = f"{BATCHES}/{data(api.post(BATCHES, json=body))['batch_id']}"
        until(lambda: data(api.get(path)), lambda batch: batch["counts"]["completed"] >= 10)
        victim.kill()
        batch = until(lambda: data(api.get(path)), lambda batch: batch["completed_at"])
        tasks = data(api.get(TASKS, params={"batch_id": batch["batch_id"], "page_size": 100}))["items"]

    assert ("completed", 60) == (batch["status"], batch["submitted"])
    assert sorted(PROMPTS) == sorted(task["prompt"] for task in tasks)


def test_a_batch_waits_for_a_worker(nodes):
    """A node that only answers submits nothing, and takes changes all the same."""
    with nodes.start(roles=["api"]).client() as api:
        path = (
            f"{BATCHES}/{data(api.post(BATCHES, json={'prompts': PROMPTS[:3], 'params': SMALL}))['batch_id']}"
        )
        data(api.post(f"{path}/pause"))
        resumed = data(api.post(f"{path}/resume"))
        nodes.start(roles=["worker"])
        batch = until(lambda: data(api.get(path)), lambda batch: batch["completed_at"])

    assert (0, "running") == (resumed["submitted"], resumed["status"])
    assert 3 == batch["counts"]["completed"]
