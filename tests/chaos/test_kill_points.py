"""SIGKILL at the N-th system call of a task, for every N: nothing is lost or paid twice."""

import time
from collections import Counter

import httpx
import pytest

from tests.chaos.injection import RECEIVES, SENDS, SYNCS, WAITS, injected
from tests.chaos.service import wait_until
from tests.fakes.images import png

AFTERWARDS = 0.6
"""Seconds after a task's end in which the service still cleans up, and may be killed too."""

ALL = {
    SYNCS: range(1, 50),
    "rename": range(1, 10),
    "mkdir": range(1, 10),
    "unlink": range(1, 10),
    "unlinkat": range(1, 10),
    "rmdir": range(1, 10),
    "connect": (1,),  # a second one is made by the image decoder, which is another process
    "openat": range(1, 20),
    SENDS: range(1, 60, 2),
    RECEIVES: range(1, 100, 4),
    "pwrite64": range(1, 100, 4),
    WAITS: range(1, 200, 8),
}
"""At which calls of a kind to kill; the test of a kind ends when the task survives its N-th call."""

ALWAYS = {SYNCS, SENDS, RECEIVES, WAITS, "rename", "openat", "pwrite64"}
"""Without these no task gets done; one that is never reached has another name by now."""

SOME = {SYNCS: (2, 3, 5), SENDS: (5, 9), "pwrite64": (20,), "rmdir": (1,)}
"""For a short run."""

ANSWERS = {
    "direct": ("direct", 2_000),
    "job": ("job", 2_000),
    "spooled": ("direct", 200_000),
    "edited": ("direct", 2_000),
}
"""The model that is asked, and the bytes of its image: more than 64 KiB are spooled to a file.

A task of the last kind comes with an image, which is spooled, and kept when the task has ended.
"""


@pytest.fixture(scope="module", params=ANSWERS)
def one_stage(request, stages):
    """Return a kind of answer and its stage, whose data directory is used for all kills of this module."""
    stage = stages()
    stage.upstream.be(image_bytes=ANSWERS[request.param][1])
    return request.param, stage


@pytest.fixture(scope="module")
def deaths(measured):
    """Return a list to which each kill is added, for the report."""
    counted = []
    yield counted
    points = Counter(f"{answer} {call}" for answer, call, _ in counted)
    listed = ", ".join(f"{number} x {point}" for point, number in points.items())
    measured(f"killed at {len(counted)} system calls: {listed}")


def test_a_few_points(one_stage, deaths):
    """A short run: around the commits and around sent data."""
    answer, stage = one_stage

    died = [_killed(stage, answer, call, n, deaths) for call, numbers in SOME.items() for n in numbers]

    assert any(died), "no call was reached"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("call", ALL)
def test_every_point(one_stage, call, deaths):
    """One kill after another, until the task has no further call of this kind."""
    answer, stage = one_stage

    for number in ALL[call]:
        if not _killed(stage, answer, call, number, deaths):
            break


@pytest.mark.long
def test_there_were_enough_points(deaths):
    """At least sixty, and one of each kind that a task cannot do without."""
    assert len(deaths) >= 60
    assert set() == ALWAYS - {call for _, call, _ in deaths}


def _killed(stage, answer, call, number, deaths):
    """Kill the service at a task's N-th call of a kind, and return whether that call was reached."""
    service = stage.service
    if call == "connect":
        service.kill()  # an open connection would be reused
    if not service.alive:
        service.start()
    if answer == "edited":  # else strace would follow the decoder of its image from its start, and kill that
        _watched(service, _submitted(stage, answer))
    with injected(service, call, f"signal=KILL:when={number}"):
        acknowledged = _submitted(stage, answer)
        if acknowledged is not None:
            _watched(service, acknowledged)
        else:
            service.process.wait(30)
    died = not service.alive
    if died:
        deaths.append((answer, call, number))
        service.start()
    stage.promises.check()
    return died


def _submitted(stage, answer):
    """Return the new task's id, or None if the service died before it responded."""
    image = png(7, (16, 16)) if answer == "edited" else None
    try:
        task_id = stage.service.submit(ANSWERS[answer][0], image=image)
    except httpx.TransportError:
        return None
    stage.promises.acknowledged.add(task_id)
    return task_id


def _watched(service, task_id):
    """Wait until the service is dead, or the task has ended and nothing follows."""
    wait_until(
        lambda: not service.alive or service.status(task_id) in ("completed", "failed"),
        awaited="the end of the task or of the service",
        pause=0.005,
    )
    quiet = time.monotonic() + AFTERWARDS
    wait_until(lambda: not service.alive or time.monotonic() > quiet, awaited="quiet", pause=0.01)
