"""The clocks of the nodes differ by a minute."""

import random
import time

import pytest

from tests.chaos.cluster.callers import Callers
from tests.chaos.cluster.faults import Scene, node_frozen, node_killed
from tests.chaos.cluster.promises import FleetPromises
from tests.chaos.injection import libfaketime

OFFSETS = ("+0", "-60", "+60")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nodes_whose_clocks_differ(fleet, measured):
    """Nobody is called dead for it, nobody alive, and a task that has to wait waits no minute."""
    chance = random.Random(60)
    promises = FleetPromises(fleet)
    fleet.upstream.be(seconds=0.2)
    for offset in OFFSETS:
        fake = {"LD_PRELOAD": str(libfaketime()), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        fleet.add(environ=fake)
    with Callers(fleet) as callers:
        time.sleep(3)
        assert [] == fleet.rows("SELECT 1 FROM tasks WHERE rescues > 0")
        fleet.upstream.be(limited=5)
        time.sleep(2)
        for fault in (node_killed, node_frozen):
            fault(Scene(fleet, chance.choice(fleet.nodes), chance))
    promises.keep(callers)

    promises.check()
    promises.check_uploads()
    measured(
        f"clocks a minute apart: {len(callers.acknowledged)} acknowledged, {promises.ends()}, "
        f"{len(fleet.upstream.charges())} charges"
    )
