"""A node dies with calls of each kind, and another one finishes them."""

from collections import Counter

import pytest

from tests.chaos.cluster.fleet import WORKERS
from tests.chaos.cluster.promises import FleetPromises
from tests.chaos.service import wait_until

EACH = WORKERS // 2
"""Of each kind of call; so no worker is left, and further tasks wait."""


@pytest.mark.timeout(300)
def test_another_node_finishes_its_tasks(fleet, measured):
    """Jobs are polled on and waiting tasks sent; what was sent without an answer may be paid for."""
    promises = FleetPromises(fleet)
    fleet.add()
    (dying,) = fleet.nodes
    fleet.upstream.be(hold=True)
    unanswered, jobs = ({dying.submit(model) for _ in range(EACH)} for model in ("direct", "job"))
    fleet.upstream.has_calls(EACH)
    polled = "SELECT count(*) FROM attempts WHERE phase = 'accepted'"
    wait_until(lambda: fleet.rows(polled)[0][0] == EACH, awaited="accepted jobs")
    charged = len(fleet.upstream.charges())
    waiting = {dying.submit() for _ in range(EACH)}
    dying.kill()
    promises.acknowledged |= unanswered | jobs | waiting

    fleet.upstream.be(hold=False)
    fleet.add()
    promises.check()

    tasks = fleet.rows("SELECT task_id, status, failure ->> 'code' AS code FROM tasks")
    ends = Counter((row["task_id"] in unanswered, row["status"], row["code"]) for row in tasks)
    assert {(True, "failed", "outcome_unknown"): EACH, (False, "completed", None): 2 * EACH} == ends
    assert 2 * EACH == charged
    measured(f"a killed node: {EACH} jobs, {EACH} waiting tasks finished, {EACH} outcomes unknown")
