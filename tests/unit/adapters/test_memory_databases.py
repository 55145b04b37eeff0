"""The adapters in memory keep their ports' promises."""

import pytest

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.event_buses.memory import MemoryEventBus
from imagegen_adapters.idempotency_keys.memory import MemoryIdempotencyKeys
from imagegen_adapters.image_inventories.memory import MemoryImageInventory
from imagegen_adapters.image_marks.memory import MemoryImageMarks
from imagegen_adapters.image_records.memory import MemoryImageRecords
from imagegen_adapters.image_timelines.memory import MemoryImageTimeline
from imagegen_adapters.lineages.memory import MemoryLineage
from imagegen_adapters.outboxes.memory import MemoryOutbox
from imagegen_adapters.provider_configs.memory import MemoryProviderConfigs
from imagegen_adapters.queues.memory import MemoryQueue
from imagegen_adapters.task_feeds.memory import MemoryTaskFeed
from imagegen_adapters.task_repositories.memory import MemoryTaskRepository
from imagegen_adapters.usage_ledgers.memory import MemoryUsageLedger
from tests.contracts.event_bus import EventBusContract
from tests.contracts.idempotency_keys import IdempotencyKeysContract
from tests.contracts.image_inventory import ImageInventoryContract
from tests.contracts.image_marks import ImageMarksContract
from tests.contracts.image_records import ImageRecordsContract
from tests.contracts.image_timeline import ImageTimelineContract
from tests.contracts.lineage import LineageContract
from tests.contracts.outbox import OutboxContract
from tests.contracts.provider_configs import ProviderConfigsContract
from tests.contracts.queue import QueueContract
from tests.contracts.task_feed import TaskFeedContract
from tests.contracts.task_repository import TaskRepositoryContract
from tests.contracts.usage_ledger import UsageLedgerContract

pytestmark = pytest.mark.anyio


class OverMemory:
    """Fixtures of adapters that share their data."""

    @pytest.fixture
    def state(self):
        return MemoryState()

    @pytest.fixture
    def repository(self, state):
        return MemoryTaskRepository(state)

    @pytest.fixture
    def records(self, state):
        return MemoryImageRecords(state)


class TestMemoryTaskRepository(OverMemory, TaskRepositoryContract):
    pass


class TestMemoryIdempotencyKeys(OverMemory, IdempotencyKeysContract):
    @pytest.fixture
    def keys(self, state):
        return MemoryIdempotencyKeys(state)


class TestMemoryTaskFeed(OverMemory, TaskFeedContract):
    @pytest.fixture
    def feed(self, state):
        return MemoryTaskFeed(state)


class TestMemoryQueue(OverMemory, QueueContract):
    @pytest.fixture
    def queue(self, state):
        return MemoryQueue(state)


class TestMemoryImageRecords(OverMemory, ImageRecordsContract):
    pass


class TestMemoryOutbox(OverMemory, OutboxContract):
    @pytest.fixture
    def outbox(self, state):
        return MemoryOutbox(state)


class TestMemoryLineage(OverMemory, LineageContract):
    @pytest.fixture
    def lineage(self, state):
        return MemoryLineage(state)


class TestMemoryUsageLedger(OverMemory, UsageLedgerContract):
    @pytest.fixture
    def ledger(self, state):
        return MemoryUsageLedger(state)


class TestMemoryImageTimeline(OverMemory, ImageTimelineContract):
    @pytest.fixture
    def marks(self, state):
        return MemoryImageMarks(state)

    @pytest.fixture
    def timeline(self, records):
        return MemoryImageTimeline(records)


class TestMemoryImageMarks(OverMemory, ImageMarksContract):
    @pytest.fixture
    def marks(self, state):
        return MemoryImageMarks(state)


class TestMemoryImageInventory(OverMemory, ImageInventoryContract):
    @pytest.fixture
    def inventory(self, state):
        return MemoryImageInventory(state)


class TestMemoryEventBus(OverMemory, EventBusContract):
    @pytest.fixture
    def bus(self, state):
        return MemoryEventBus(state)


class TestMemoryProviderConfigs(ProviderConfigsContract):
    @pytest.fixture
    def configs(self):
        return MemoryProviderConfigs()
