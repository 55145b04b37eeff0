"""The disk of the database is full."""

import random
import time

import pytest

from tests.chaos.cluster.callers import Callers
from tests.chaos.cluster.promises import FleetPromises
from tests.chaos.service import wait_until

MEGABYTES = 96


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_full_disk_of_the_database(fleet, measured):
    """New tasks are refused while it is full; what was accepted goes on when there is room again."""
    chance = random.Random(MEGABYTES)
    promises = FleetPromises(fleet)
    disk = fleet.move_to_disk(megabytes=MEGABYTES)
    fleet.upstream.be(seconds=0.3, image_bytes=20_000)
    fleet.add(2)
    with Callers(fleet) as callers:
        for _ in range(3):
            time.sleep(chance.uniform(0.5, 2))
            with disk.filled():
                refusals = callers.repeated.total()
                wait_until(
                    lambda before=refusals: callers.repeated.total() > before, awaited="a refused task"
                )
                time.sleep(chance.uniform(0.5, 4))
        time.sleep(1)
    promises.keep(callers)

    promises.check()
    promises.check_uploads()
    measured(
        f"full database: {len(callers.acknowledged)} acknowledged, {promises.ends()}, "
        f"{len(fleet.upstream.charges())} charges, repeated {dict(callers.repeated)}"
    )
