"""The outbox and the inventory in memory keep their ports' promises."""

import pytest

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.image_inventories.memory import MemoryImageInventory
from imagegen_adapters.image_records.memory import MemoryImageRecords
from imagegen_adapters.outboxes.memory import MemoryOutbox
from imagegen_adapters.task_repositories.memory import MemoryTaskRepository
from imagegen_adapters.testing.image_inventory import ImageInventoryContract
from imagegen_adapters.testing.outbox import OutboxContract

pytestmark = pytest.mark.anyio


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def state(self):
        return MemoryState()

    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def records(self, state):
        return MemoryImageRecords(state)

    @pytest.fixture
    def outbox(self, state):
        return MemoryOutbox(state)


class TestMemoryImageInventory(ImageInventoryContract):
    @pytest.fixture
    def state(self):
        return MemoryState()

    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def records(self, state):
        return MemoryImageRecords(state)

    @pytest.fixture
    def inventory(self, state):
        return MemoryImageInventory(state)
