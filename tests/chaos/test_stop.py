"""How the service stops: within the grace time, after it, and at once."""

import signal
import threading
import time

import httpx
import pytest

from tests.chaos.service import post_task, wait_until


def _with_grace(stages, seconds):
    stage = stages(settings={"shutdown_grace_seconds": seconds})
    stage.service.start()
    return stage


def test_a_call_ends_within_the_grace_time(stages):
    """Its result is stored; meanwhile reads work, new tasks are refused, and streams have ended."""
    stage = _with_grace(stages, 60)
    service = stage.service
    stage.upstream.be(hold=True)
    task_id = service.submit()
    stage.upstream.has_calls(1)
    followed = _follow(service, task_id)

    service.signal(signal.SIGTERM)
    followed.join(30)
    streams = followed.is_alive()
    with service.client() as client:
        read, refused = client.get(f"/api/v1/tasks/{task_id}"), post_task(client)
    stage.upstream.be(hold=False)

    assert not streams, "the stream outlived SIGTERM"
    assert (200, 50301) == (read.status_code, refused.json()["code"])
    assert 0 == service.process.wait(60)
    assert "completed" == service.status(task_id)
    _checked_after_a_restart(stage, task_id)


@pytest.mark.parametrize("signals", [1, 2], ids=["the grace time is over", "a second SIGTERM"])
def test_a_call_that_does_not_end(stages, signals):
    """Its outcome is unknown, which is recorded before the exit; the exit code is 0."""
    stage = _with_grace(stages, 1 if signals == 1 else 3600)
    service = stage.service
    stage.upstream.be(hold=True)
    task_id = service.submit()
    stage.upstream.has_calls(1)

    for _ in range(signals):
        service.signal(signal.SIGTERM)
        time.sleep(0.2)  # two signals at the same time count as one
    code = service.process.wait(60)
    (row,) = service.rows("SELECT status, failure FROM tasks WHERE task_id = ?", task_id)

    assert 0 == code
    assert "failed" == row["status"]
    assert '"outcome_unknown"' in row["failure"]
    assert '"possible_charge":true' in row["failure"].replace(" ", "")
    stage.upstream.be(hold=False)
    _checked_after_a_restart(stage, task_id)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_an_accepted_job_is_resumed(stages, end, measured):
    """The provider keeps working; the next start polls the job and never sends it again."""
    stage = _with_grace(stages, 0)
    service = stage.service
    stage.upstream.be(hold=True)
    task_id = service.submit("job")
    wait_until(lambda: stage.upstream.be()["first_polls"], awaited="the job's first poll")

    service.signal(signal.Signals[end])
    service.process.wait(60)
    stage.upstream.be(forget_polls=True)
    started = time.monotonic()
    service.start()
    wait_until(lambda: stage.upstream.be()["first_polls"], awaited="the job's next poll")
    (polled,) = stage.upstream.be()["first_polls"].values()
    stage.upstream.be(hold=False)

    assert "completed" == service.ended(task_id)["status"]
    assert 1 == len(stage.upstream.charges())
    measured(f"a job was polled {polled - started:.1f} s after the start that followed {end}")
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    service.kill()


def test_a_job_that_the_upstream_forgot(stages):
    """It was charged and its result has expired; this is reported, and it is not sent again."""
    stage = _with_grace(stages, 0)
    service = stage.service
    stage.upstream.be(hold=True)
    task_id = service.submit("job")
    wait_until(lambda: stage.upstream.be()["first_polls"], awaited="the job's first poll")

    service.kill()
    stage.upstream.be(expired=True)
    service.start()
    error = service.ended(task_id)["error"]

    assert ("result_expired", True) == (error["code"], error["possible_charge"])
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())
    service.kill()


@pytest.mark.parametrize("fault", ["reset", "cut", "500"])
@pytest.mark.parametrize("model", ["direct", "job"])
def test_an_answer_that_breaks(stage, fault, model):
    """The provider charged and its response was lost: sent once, reported once."""
    service = stage.service.start()
    stage.upstream.be(fault=fault)

    task_id = service.submit(model)
    error = service.ended(task_id)["error"]

    assert ("outcome_unknown", True) == (error["code"], error["possible_charge"])
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())


def test_an_upstream_that_has_no_time(stage):
    """A 429 started nothing, so the task is sent again and paid once."""
    service = stage.service.start()
    stage.upstream.be(limited=2)

    task_id = service.submit()

    assert "completed" == service.ended(task_id)["status"]
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())


def _follow(service, task_id):
    """Return a thread that reads a task's events to the end of the stream."""
    begun = threading.Event()

    def read():
        with (
            httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client,
            client.stream("GET", f"/api/v1/tasks/{task_id}/events") as events,
        ):
            for _ in events.iter_bytes():
                begun.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert begun.wait(30)
    return thread


def _checked_after_a_restart(stage, task_id):
    stage.service.start()
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())
    stage.service.kill()
