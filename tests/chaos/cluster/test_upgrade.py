"""Nodes are stopped and started one after the other."""

import time

import pytest

from tests.chaos.cluster.callers import Callers
from tests.chaos.cluster.promises import FleetPromises


@pytest.mark.timeout(300)
def test_no_client_sees_an_error(fleet, measured):
    """Who repeats at the other node what was refused notices nothing, and no outcome is unknown."""
    promises = FleetPromises(fleet)
    fleet.upstream.be(seconds=0.2)
    fleet.add(2)
    with Callers(fleet) as callers:
        for node in fleet.nodes:
            time.sleep(1)
            assert node.stop() == 0
            node.start()
        time.sleep(1)
    promises.keep(callers)

    promises.check()

    assert {"completed"} == {status for status, *_ in promises.ended.values()}
    measured(f"2 nodes upgraded: {len(callers.acknowledged)} acknowledged, repeated {dict(callers.repeated)}")
