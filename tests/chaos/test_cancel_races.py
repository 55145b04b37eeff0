"""Cancelling at every moment of a task's life: while it waits, is claimed, runs, or has just ended."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.service import post_task

TASKS = 100


def test_a_hundred_tasks_are_cancelled(stages, measured):
    """Each ends once, as cancelled or completed; what was cancelled before it was sent cost nothing."""
    stage = stages(settings={"queue": {"workers": 4}})
    service = stage.service.start()
    stage.upstream.be(seconds=0.05)
    chance = random.Random(7)
    plans = [(chance.choice(("direct", "job")), chance.uniform(0, 1.5)) for _ in range(TASKS)]

    with service.client() as client, ThreadPoolExecutor(25) as pool:
        told = list(pool.map(lambda plan: _submit_and_cancel(client, *plan), plans))
        ends = [service.ended(task_id)["status"] for task_id, _ in told]
        again = [client.post(f"/api/v1/tasks/{task_id}/cancel") for task_id, _ in told]

    stage.promises.acknowledged |= {task_id for task_id, _ in told}
    stage.promises.check()
    measured(
        f"{TASKS} cancel races: {ends.count('cancelled')} cancelled, {ends.count('completed')} completed"
    )
    assert {"cancelled", "completed"} == set(ends)
    assert [(200, end) for end in ends] == [(a.status_code, a.json()["data"]["status"]) for a in again]
    _nothing_said_final_changed(told, ends)
    _what_waited_was_free(stage, told)


def _submit_and_cancel(client, model, pause):
    task_id = post_task(client, model).json()["data"]["task_id"]
    time.sleep(pause)
    answer = client.post(f"/api/v1/tasks/{task_id}/cancel")
    assert answer.status_code in (200, 202), answer.text
    return task_id, answer


def _nothing_said_final_changed(told, ends):
    """A 200 tells the end, a 202 that it is still to come."""
    final = [
        (a.json()["data"]["status"], end)
        for (_, a), end in zip(told, ends, strict=True)
        if a.status_code == 200
    ]

    assert [said for said, _ in final] == [end for _, end in final]


def _what_waited_was_free(stage, told):
    """Who was cancelled at once, was never sent."""
    paid = {
        row["task_id"]
        for row in stage.service.rows("SELECT task_id, charge FROM attempts WHERE charge <> 'none'")
    }
    at_once = {
        task_id
        for task_id, answer in told
        if answer.status_code == 200 and answer.json()["data"]["status"] == "cancelled"
    }

    assert set() == at_once & paid
