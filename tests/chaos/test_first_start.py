"""SIGKILL while the data directory is created: the next start can use it."""

import time

import pytest

from tests.chaos.injection import SYNCS, launched
from tests.chaos.service import wait_until

POINTS = {
    "mkdir": range(1, 20),
    "rename": range(1, 10),
    SYNCS: range(1, 40),
    "pwrite64": range(1, 200, 9),
}


@pytest.mark.parametrize(
    "call", ["rename", *(pytest.param(call, marks=pytest.mark.long) for call in POINTS if call != "rename")]
)
@pytest.mark.timeout(600)
def test_a_first_start_that_is_cut_short(stages, measured, call):
    """One kill after another, each in a new directory, while there are calls of this kind."""
    deaths = 0
    for number in POINTS[call]:
        stage = stages()
        if not _dies_at(stage.service, call, number):
            stage.service.kill()
            break
        deaths += 1
        stage.service.start()
        stage.promises.acknowledged.add(stage.service.submit())
        stage.promises.check()
        stage.service.kill()

    measured(f"first starts killed at {deaths} calls of {call}")
    assert deaths


def _dies_at(service, call, number):
    """Start the service with its N-th call of a kind killing it, and return whether it died."""
    service.wrap = launched(call, f"signal=KILL:when={number}")
    service.launch()
    quiet = []
    wait_until(lambda: not service.alive or _up(service, quiet), awaited="its end, or a start without an end")
    service.wrap = ()
    return not service.alive


def _up(service, quiet):
    """Return whether it has listened for a second, after which the start is complete."""
    if not quiet and '"listening"' in service.log:
        quiet.append(time.monotonic() + 1)
    return bool(quiet) and time.monotonic() > quiet[0]
