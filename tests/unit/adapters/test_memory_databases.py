"""The adapters in memory keep their ports' promises."""

import pytest

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.event_buses.memory import MemoryEventBus
from imagegen_adapters.idempotency_keys.memory import MemoryIdempotencyKeys
from imagegen_adapters.image_records.memory import MemoryImageRecords
from imagegen_adapters.provider_configs.memory import MemoryProviderConfigs
from imagegen_adapters.queues.memory import MemoryQueue
from imagegen_adapters.task_repositories.memory import MemoryTaskRepository
from imagegen_adapters.testing.event_bus import EventBusContract
from imagegen_adapters.testing.idempotency_keys import IdempotencyKeysContract
from imagegen_adapters.testing.image_records import ImageRecordsContract
from imagegen_adapters.testing.provider_configs import ProviderConfigsContract
from imagegen_adapters.testing.queue import QueueContract
from imagegen_adapters.testing.task_repository import TaskRepositoryContract

pytestmark = pytest.mark.anyio


@pytest.fixture
def state():
    return MemoryState()


class TestMemoryTaskRepository(TaskRepositoryContract):
    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)


class TestMemoryIdempotencyKeys(IdempotencyKeysContract):
    @pytest.fixture
    def state(self):
        return MemoryState()

    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def keys(self, state):
        return MemoryIdempotencyKeys(state)


class TestMemoryQueue(QueueContract):
    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def queue(self, state):
        return MemoryQueue(state)


class TestMemoryImageRecords(ImageRecordsContract):
    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def records(self, state):
        return MemoryImageRecords(state)


class TestMemoryProviderConfigs(ProviderConfigsContract):
    @pytest.fixture
    def configs(self):
        return MemoryProviderConfigs()


class TestMemoryEventBus(EventBusContract):
    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def bus(self, state):
        return MemoryEventBus(state)
