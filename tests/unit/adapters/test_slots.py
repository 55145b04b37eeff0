"""The places of one process, and those of a cluster in memory, keep the contract."""

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.nodes.memory import MemoryNodes
from imagegen_adapters.slots.local import LocalSlots
from imagegen_adapters.slots.memory import MemorySlots
from tests.contracts.slots import SlotsContract

pytestmark = pytest.mark.anyio


class TestLocalSlots(SlotsContract):
    """Those of the only node."""

    @pytest.fixture
    def slots(self):
        return LocalSlots()


class TestMemorySlots(SlotsContract):
    """Those of several."""

    @pytest.fixture
    def nodes(self):
        return MemoryNodes(ManualClock())

    @pytest.fixture
    def slots(self, nodes):
        return MemorySlots(nodes)
