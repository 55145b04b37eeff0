"""Frozen processes and jumping clocks."""

import signal
import time
from collections import Counter

import pytest

from tests.chaos.injection import libfaketime
from tests.chaos.load import Load
from tests.chaos.service import wait_until
from tests.fakes.loopback import Answer
from tests.fakes.receiver import Receiver

NOTICED_SECONDS = 1
"""How long the library may keep using the old time."""

PENDING = "SELECT 1 FROM webhook_deliveries WHERE status = 'pending'"


@pytest.mark.parametrize("model", ["direct", "job"])
@pytest.mark.parametrize("seconds", [0.5, pytest.param(6.0, marks=pytest.mark.long)])
def test_a_frozen_process(stages, model, seconds):
    """It is stopped while the provider works, also for longer than the time-out: one call, one end."""
    stage = stages(settings={"providers": {"chaos": {"timeout_seconds": 3}}})
    service = stage.service.start()
    stage.upstream.be(seconds=0.3)

    task_id = service.submit(model)
    wait_until(stage.upstream.charges, awaited="the call")
    service.signal(signal.SIGSTOP)
    time.sleep(seconds)
    service.signal(signal.SIGCONT)
    ended = service.ended(task_id)

    assert ended["status"] == "completed" or ended["error"]["possible_charge"]
    stage.promises.acknowledged.add(task_id)
    stage.promises.check()
    assert 1 == len(stage.upstream.charges())
    service.kill()


def set_clock(offset, jump):
    """Set how far the wall clock is off; the library ends a process that finds the file empty."""
    written = offset.with_suffix(".new")
    written.write_text(jump)
    written.replace(offset)


def faked(offset):
    """Return the environment of a service whose wall clock is off by what is in a file.

    The library shifts the end of Python's waits for its lock, which are by the monotonic clock. Threads that
    wait would spin, and could keep all others from going on, so it is told how long such a wait is.
    """
    set_clock(offset, "+0")
    return {
        "LD_PRELOAD": str(libfaketime()),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": str(NOTICED_SECONDS),
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_WAIT_MS": "5",  # of `sys.getswitchinterval`
    }


@pytest.mark.parametrize("jump", ["-3d", "+1y"])
def test_a_clock_that_jumps(stages, tmp_path, jump):
    """Calls, jobs and tasks deferred by a 429 continue, whatever the wall clock shows."""
    stage = stages(environ=faked(offset := tmp_path / "time"))
    service = stage.service.start()
    stage.upstream.be(hold=True)
    tasks = [service.submit(model) for model in ("direct", "job")]
    wait_until(lambda: len(stage.upstream.charges()) == 2, awaited="both calls")
    stage.upstream.be(limited=1)
    tasks.append(service.submit())
    deferred = "SELECT count(*) FROM tasks WHERE retries = 1"
    wait_until(lambda: service.rows(deferred)[0][0], awaited="a deferred task")

    set_clock(offset, jump)
    time.sleep(NOTICED_SECONDS + 0.2)
    stage.upstream.be(hold=False)
    ends = [service.ended(task_id)["status"] for task_id in tasks]
    with Load(service) as load:
        wait_until(lambda: len(load.completed) > 5, awaited="new tasks after the jump")

    assert ["completed"] * 3 == ends
    stage.promises.acknowledged |= {*tasks, *(task_id for task_id, _ in load.acknowledged)}
    stage.promises.check()
    service.kill()
    service.start()
    stage.promises.check()
    service.kill()


class Busy(Receiver):
    """Fails the first try of each event, until it has time."""

    has_time = False

    def _take(self, request):
        answer, is_first = super()._take(request), self.ids[request.headers["webhook-id"]] == 1
        return Answer(status=500) if is_first and not self.has_time else answer


@pytest.mark.parametrize("jump", ["-1d", "+1d"])
def test_webhooks_while_the_clock_jumps(stages, tmp_path, jump):
    """New ends are told at once; what is tried again comes when its time is there, and only once more."""
    stage = stages(environ=faked(offset := tmp_path / "time"))
    service = stage.service
    with Busy() as receiver:
        service.settings = {"security": {"allow_webhooks": [receiver.host]}}
        with service.start().client() as api:
            api.post("/api/v1/webhooks", json={"url": receiver.url}).raise_for_status()
        for _ in range(5):
            service.submit()
        tried = "SELECT 1 FROM webhook_deliveries WHERE tries > 0"
        wait_until(lambda: len(service.rows(tried)) == 5, awaited="five failed tries")
        set_clock(offset, jump)
        time.sleep(NOTICED_SECONDS + 0.2)
        receiver.has_time = True
        later = f"evt_{service.submit().replace('-', '')}"
        wait_until(lambda: receiver.ids[later], awaited="the event of a new task")
        set_clock(offset, "+0")
        wait_until(lambda: not service.rows(PENDING), awaited="the last delivery")
        ids = receiver.ids

    assert {1: 1, 2: 5} == Counter(ids.values())
    assert (1, 1) == (ids[later], receiver.together)
    service.kill()
