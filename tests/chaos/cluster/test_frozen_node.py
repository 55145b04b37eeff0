"""A node that stands still for so long that others take its tasks."""

import signal

import pytest

from tests.chaos.cluster.promises import FleetPromises
from tests.chaos.service import wait_until

CALLS = 6


@pytest.mark.timeout(300)
def test_late_answers_are_kept_aside(fleet, measured):
    """Its writes are refused, and what it was answered is kept, since it is paid for."""
    promises = FleetPromises(fleet)
    fleet.add()
    (frozen,) = fleet.nodes
    fleet.upstream.be(hold=True)
    promises.acknowledged |= {frozen.submit() for _ in range(CALLS)}
    fleet.upstream.has_calls(CALLS)

    fleet.add()
    frozen.signal(signal.SIGSTOP)
    promises.check_every_task_ends()
    promises.check_ends_are_final()
    fleet.upstream.be(hold=False)
    frozen.signal(signal.SIGCONT)
    wait_until(lambda: frozen.log.count("came too late; it is kept") == CALLS, awaited="all late answers")

    promises.check()
    failures = fleet.rows(
        "SELECT failure ->> 'code' AS code, failure ->> 'possible_charge' AS charge FROM tasks"
    )
    assert {("outcome_unknown", "true")} == {tuple(row) for row in failures}
    assert [] == fleet.rows("SELECT 1 FROM images")
    late_owners = fleet.rows(
        "SELECT DISTINCT split_part(key, '/', 1) AS owner FROM files WHERE key LIKE '%.late/%'"
    )
    assert CALLS == len(late_owners)
    measured(f"frozen for longer than dead_after: {CALLS} late answers kept aside")


@pytest.mark.timeout(300)
def test_jobs_that_another_polls_are_not_finished_twice(fleet, measured):
    """It comes back while the tasks still run elsewhere, and hears of the results first: it stores none."""
    promises = FleetPromises(fleet)
    first = fleet.add()
    fleet.upstream.be(hold=True)
    promises.acknowledged |= {first.submit("job") for _ in range(CALLS)}
    accepted = "SELECT 1 FROM attempts WHERE phase = 'accepted'"
    wait_until(lambda: len(fleet.rows(accepted)) == CALLS, awaited="accepted jobs")

    second = fleet.add()
    first.signal(signal.SIGSTOP)
    claimed_again = "SELECT 1 FROM tasks WHERE status = 'processing' AND epoch > 2"
    wait_until(lambda: len(fleet.rows(claimed_again)) == CALLS, awaited="tasks that run elsewhere")
    second.signal(signal.SIGSTOP)
    fleet.upstream.be(hold=False)
    first.signal(signal.SIGCONT)
    wait_until(lambda: first.log.count("given to another worker") == CALLS, awaited="refused results")
    second.signal(signal.SIGCONT)

    promises.check()
    assert {"completed": CALLS} == promises.ends()
    measured(f"frozen while another polls its jobs: {CALLS} results refused, each task completed once")
