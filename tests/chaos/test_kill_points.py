"""SIGKILL at the N-th system call of a task's life, for every N: nothing is lost, nothing paid twice."""

import time
from collections import Counter

import httpx
import pytest

from tests.chaos.injection import SYNCS, injected
from tests.chaos.service import wait_until

AFTERWARDS = 0.6
"""Seconds after a task's end in which the service still tidies up, which is a good moment to die, too."""

ALL = {
    SYNCS: range(1, 50),
    "rename": range(1, 10),
    "mkdir": range(1, 10),
    "unlink": range(1, 10),
    "unlinkat": range(1, 10),
    "rmdir": range(1, 10),
    "write": range(1, 20),
    "connect": (1,),  # a second one is the image decoder's, which is a process of its own
    "openat": range(1, 20),
    "sendto": range(1, 60, 2),
    "recvfrom": range(1, 100, 5),
    "pwrite64": range(1, 100, 4),
    "epoll_wait": range(1, 200, 10),
}
"""Which calls of a kind kill; a kind is done with when the task outlives its N-th call."""

SOME = {SYNCS: (2, 3, 5), "sendto": (5, 9), "pwrite64": (20,)}
"""For a run that has no time."""

MODELS = ("direct", "job")


@pytest.fixture(scope="module", params=MODELS)
def one_stage(request, stages):
    """Return a stage whose data directory lives through all deaths of this module, one for each model."""
    return request.param, stages()


@pytest.fixture(scope="module")
def deaths(measured):
    """Count the deaths."""
    counted = []
    yield counted
    points = Counter(f"{model} {call}" for model, call, _ in counted)
    listed = ", ".join(f"{number} x {point}" for point, number in points.items())
    measured(f"killed at {len(counted)} system calls: {listed}")


def test_a_few_points(one_stage, deaths):
    """The short form: around the commits, and around the bytes that leave."""
    model, stage = one_stage

    died = [_killed(stage, model, call, n, deaths) for call, numbers in SOME.items() for n in numbers]

    assert any(died), "no call was reached"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("call", ALL)
def test_every_point(one_stage, call, deaths):
    """One death after the other, until the task has no further call of this kind."""
    model, stage = one_stage

    for number in ALL[call]:
        if not _killed(stage, model, call, number, deaths):
            break


@pytest.mark.long
def test_there_were_enough_points(deaths):
    """Sixty at the least; where a kind of call is never met, its name is another on this machine."""
    assert len(deaths) >= 60


def _killed(stage, model, call, number, deaths):
    """Let a task run into the N-th call of a kind, and return whether that was the end of the service."""
    service = stage.service
    if call == "connect":
        service.kill()  # a connection that is open already is not made again
    if not service.alive:
        service.start()
    with injected(service, call, f"signal=KILL:when={number}"):
        acknowledged = _submitted(stage, model)
        if acknowledged is not None:
            _watched(service, acknowledged)
        else:
            service.process.wait(30)
    died = not service.alive
    if died:
        deaths.append((model, call, number))
        service.start()
    stage.promises.check()
    return died


def _submitted(stage, model):
    """Return the new task's id, or None where the service died before its answer came."""
    try:
        task_id = stage.service.submit(model)
    except httpx.TransportError:
        return None
    stage.promises.acknowledged.add(task_id)
    return task_id


def _watched(service, task_id):
    """Return when the service is dead, or the task has ended and nothing follows."""
    wait_until(
        lambda: not service.alive or service.status(task_id) in ("completed", "failed"),
        what="the end of the task or of the service",
        pause=0.005,
    )
    quiet = time.monotonic() + AFTERWARDS
    wait_until(lambda: not service.alive or time.monotonic() > quiet, what="quiet", pause=0.01)
