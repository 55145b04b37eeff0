"""Nodes under load while what they consist of and share fails: nothing is lost, nothing is paid for twice."""

import contextlib
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.cluster.callers import Callers
from tests.chaos.cluster.faults import (
    FAULTS,
    Scene,
    bucket_down,
    database_aborted,
    database_crashed,
    database_read_only,
    database_restarted,
    link_deaf,
    node_frozen,
    node_killed,
    node_outlived,
    node_replaced,
    rights_lost,
)
from tests.chaos.cluster.promises import FleetPromises

SEED = 20_261_126

STRIKES = (node_killed, node_frozen, link_deaf)
"""One for each of three nodes."""

UNINTERRUPTED = (
    node_replaced,
    database_restarted,
    database_aborted,
    database_crashed,
    database_read_only,
    rights_lost,
    bucket_down,
)
"""Calls go on meanwhile, and what they bring waits until it can be stored: every task is completed."""

IMAGE_BYTES = 100_000
"""Of a direct response this is more than a row takes, so it is spooled; of a job it is downloaded."""


@pytest.mark.timeout(300)
def test_faults_at_once(fleet, measured):
    """A node dies, one freezes, one does not hear its database, which crashes, and the bucket is down.

    Then, with all that healed, the others take the jobs of one that stands still.
    """
    with _surviving(fleet, measured, "at once", random.Random(SEED)) as chance:
        faults = [*zip(STRIKES, fleet.nodes, strict=True)]
        faults += [(fault, fleet.nodes[0]) for fault in (database_crashed, bucket_down)]
        with ThreadPoolExecutor() as pool:
            for strike in [pool.submit(_strike, fleet, fault, node, chance) for fault, node in faults]:
                strike.result()
        _strike(fleet, node_outlived, fleet.nodes[0], chance)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_again_and_again(fleet, fault, measured):
    """The same at five random moments."""
    name = f"5 x {fault.__name__}"
    with _surviving(fleet, measured, name, random.Random(SEED)) as chance:
        for _ in range(5):
            _strike(fleet, fault, chance.choice(fleet.nodes), chance)

    assert fault not in UNINTERRUPTED or {"completed"} == FleetPromises(fleet).ends().keys()


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_faults_in_any_order(fleet, measured, seed):
    """Two of each kind, shuffled."""
    with _surviving(fleet, measured, f"2 of each kind, seed {seed}", random.Random(seed)) as chance:
        faults = [*FAULTS * 2]
        chance.shuffle(faults)
        for fault in faults:
            _strike(fleet, fault, chance.choice(fleet.nodes), chance)


def _strike(fleet, fault, node, chance):
    time.sleep(chance.uniform(0.5, 3))
    fault(Scene(fleet, node, chance))


@contextlib.contextmanager
def _surviving(fleet, measured, name, chance):
    """Let clients work with three nodes while the body runs, and check every promise afterwards."""
    promises = FleetPromises(fleet)
    fleet.upstream.be(seconds=1, image_bytes=IMAGE_BYTES)
    fleet.add(3)
    with Callers(fleet, number=6) as callers:
        yield chance
        time.sleep(1)
    promises.keep(callers)

    promises.check()
    promises.check_uploads()

    assert callers.acknowledged
    assert callers.completed
    measured(
        f"{name}: {len(callers.acknowledged)} acknowledged, {promises.ends()}, "
        f"{len(fleet.upstream.charges())} charges, {callers.images} images read meanwhile, "
        f"repeated {dict(callers.repeated)}"
    )
