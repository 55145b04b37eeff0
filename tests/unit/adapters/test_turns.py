"""The turn of one process, and that of a cluster in memory, keep the contract."""

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.nodes.memory import MemoryNodes
from imagegen_adapters.turns.local import LocalTurn
from imagegen_adapters.turns.memory import MemoryTurn
from tests.contracts.turn import TurnContract

pytestmark = pytest.mark.anyio


class TestLocalTurn(TurnContract):
    """That of the only node."""

    @pytest.fixture
    def turn(self):
        return LocalTurn()


class TestMemoryTurn(TurnContract):
    """That of several."""

    @pytest.fixture
    def nodes(self):
        return MemoryNodes(ManualClock())

    @pytest.fixture
    def turn(self, nodes):
        return MemoryTurn(nodes, poll_seconds=0.0)
