"""The primary dies, and its synchronous standby becomes the primary."""

import random
import time

import pytest

from tests.chaos.cluster.callers import Callers
from tests.chaos.cluster.promises import FleetPromises
from tests.chaos.service import wait_until

SEED = 20_261_126


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_acknowledged_is_missing(fleet, measured, seed):
    """What was acknowledged is on the standby, and the nodes find it by the second host of their URL."""
    chance = random.Random(SEED + seed)
    promises = FleetPromises(fleet)
    fleet.upstream.be(seconds=0.3)
    standby = fleet.start_standby()
    hosts = f"127.0.0.1:{fleet.primary.port},127.0.0.1:{standby.port}"
    for _ in range(2):
        fleet.add_at(hosts, options="?target_session_attrs=read-write")
    with Callers(fleet, number=8) as callers:
        time.sleep(chance.uniform(1, 4))
        fleet.primary.kill()
        killed = time.monotonic()
        time.sleep(chance.uniform(0, 1))
        promoting = time.monotonic()
        standby.promote()
        fleet.primary = standby
        wait_until(
            lambda: any(at > promoting + 2 for _, at in callers.acknowledged), awaited="accepted tasks"
        )
    promises.keep(callers)

    promises.check()

    again = min(at for _, at in callers.acknowledged if at > promoting)
    measured(
        f"failover: {len(callers.acknowledged)} acknowledged, 0 missing, {promises.ends()}, "
        f"{len(fleet.upstream.charges())} charges, accepting again {again - killed:.1f} s after the kill, "
        f"{again - promoting:.1f} s after the promotion"
    )
