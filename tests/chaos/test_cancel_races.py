"""Cancelling at any moment of a task: while it waits, is being claimed, runs, or has just ended."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.service import post_task

TASKS = 100


def test_a_hundred_tasks_are_cancelled(stages, measured):
    """Each ends once, as cancelled or completed; tasks cancelled before they were sent cost nothing."""
    stage = stages(settings={"queue": {"workers": 4}})
    service = stage.service.start()
    stage.upstream.be(seconds=0.05)
    chance = random.Random(7)
    plans = [(chance.choice(("direct", "job")), chance.uniform(0, 1.5)) for _ in range(TASKS)]

    with service.client() as client, ThreadPoolExecutor(25) as pool:
        responses = list(pool.map(lambda plan: _submit_and_cancel(client, *plan), plans))
        ends = [service.ended(task_id)["status"] for task_id, _ in responses]
        again = [client.post(f"/api/v1/tasks/{task_id}/cancel") for task_id, _ in responses]

    stage.promises.acknowledged |= {task_id for task_id, _ in responses}
    stage.promises.check()
    measured(
        f"{TASKS} cancel races: {ends.count('cancelled')} cancelled, {ends.count('completed')} completed"
    )
    assert {"cancelled", "completed"} == set(ends)
    assert [(200, end) for end in ends] == [(a.status_code, a.json()["data"]["status"]) for a in again]
    _check_final_responses(responses, ends)
    _check_immediate_cancels_were_free(stage, responses)


def _submit_and_cancel(client, model, pause):
    task_id = post_task(client, model).json()["data"]["task_id"]
    time.sleep(pause)
    response = client.post(f"/api/v1/tasks/{task_id}/cancel")
    assert response.status_code in (200, 202), response.text
    return task_id, response


def _check_final_responses(responses, ends):
    """A 200 contains the final status, a 202 means that it is still to come."""
    final = [
        (a.json()["data"]["status"], end)
        for (_, a), end in zip(responses, ends, strict=True)
        if a.status_code == 200
    ]

    assert [status for status, _ in final] == [end for _, end in final]


def _check_immediate_cancels_were_free(stage, responses):
    """Tasks that were cancelled immediately were never sent."""
    paid = {
        row["task_id"]
        for row in stage.service.rows("SELECT task_id, charge FROM attempts WHERE charge <> 'none'")
    }
    at_once = {
        task_id
        for task_id, response in responses
        if response.status_code == 200 and response.json()["data"]["status"] == "cancelled"
    }

    assert set() == at_once & paid
