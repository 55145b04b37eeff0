"""Fixtures of the tests with several nodes."""

import pytest

from tests.chaos.cluster.fleet import Fleet


@pytest.fixture
def fleet(tmp_path):
    """Return a database, a bucket and a provider, with no node yet."""
    with Fleet.open(tmp_path) as new_fleet:
        yield new_fleet
