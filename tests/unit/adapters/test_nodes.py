"""Nodes of one process, and of a cluster in memory, keep the contract."""

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.nodes.local import LocalNodes
from imagegen_adapters.nodes.memory import MemoryNodes
from tests.contracts.nodes import NodesContract

pytestmark = pytest.mark.anyio


class TestLocalNodes(NodesContract):
    """One process, which is alive as long as it asks."""

    @pytest.fixture
    def nodes(self):
        return LocalNodes()


class TestMemoryNodes(NodesContract):
    """Several, by a clock."""

    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def nodes(self, clock):
        return MemoryNodes(clock, dead_after_seconds=60)

    @pytest.fixture
    def pass_time(self, clock):
        async def pass_time(share):
            clock.advance(60 * share)

        return pass_time
