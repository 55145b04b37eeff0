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
    database_crashed,
    link_deaf,
    node_frozen,
    node_killed,
    rights_lost,
)
from tests.chaos.cluster.promises import FleetPromises

SEED = 20_261_126

STRIKES = (node_killed, node_frozen, link_deaf)
"""One for each of three nodes."""

CLIENTS = {rights_lost: {"try_again": (429, 500, 503)}}
"""A wrong right is an operator's mistake, which answers say."""


@pytest.mark.timeout(300)
def test_faults_at_once(fleet, measured):
    """A node dies, one freezes, one does not hear its database, which crashes, and the bucket is down."""
    with _surviving(fleet, measured, "at once", random.Random(SEED)) as chance:
        faults = [*zip(STRIKES, fleet.nodes, strict=True)]
        faults += [(fault, fleet.nodes[0]) for fault in (database_crashed, bucket_down)]
        with ThreadPoolExecutor() as pool:
            for strike in [pool.submit(_strike, fleet, fault, node, chance) for fault, node in faults]:
                strike.result()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_again_and_again(fleet, fault, measured):
    """The same at five random moments."""
    name = f"5 x {fault.__name__}"
    with _surviving(fleet, measured, name, random.Random(SEED), **CLIENTS.get(fault, {})) as chance:
        for _ in range(5):
            _strike(fleet, fault, chance.choice(fleet.nodes), chance)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_faults_in_any_order(fleet, measured, seed):
    """Two of each kind, shuffled."""
    with _surviving(fleet, measured, f"2 of each kind, seed {seed}", random.Random(seed)) as chance:
        faults = [fault for fault in FAULTS if fault not in CLIENTS] * 2
        chance.shuffle(faults)
        for fault in faults:
            _strike(fleet, fault, chance.choice(fleet.nodes), chance)


def _strike(fleet, fault, node, chance):
    time.sleep(chance.uniform(0.5, 3))
    fault(Scene(fleet, node, chance))


@contextlib.contextmanager
def _surviving(fleet, measured, name, chance, **client):
    """Let clients work with three nodes while the body runs, and check every promise afterwards."""
    promises = FleetPromises(fleet)
    fleet.upstream.be(seconds=1)
    fleet.add(3)
    with Callers(fleet, number=6, **client) as callers:
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
