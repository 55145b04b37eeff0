"""The SQLite outbox and image inventory fulfil the contracts of their ports."""

import pytest

from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.image_inventories.sqlite import SqliteImageInventory
from imagegen_adapters.image_records.sqlite import SqliteImageRecords
from imagegen_adapters.outboxes.sqlite import SqliteOutbox
from imagegen_adapters.task_repositories.sqlite import SqliteTaskRepository
from imagegen_adapters.testing.image_inventory import ImageInventoryContract
from imagegen_adapters.testing.outbox import OutboxContract
from imagegen_core.messages import upstream_text

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = Database.open(tmp_path / "imagegen.db")
    yield database
    await database.close()


class TestSqliteOutbox(OutboxContract):
    @pytest.fixture
    def repository(self, database):
        return SqliteTaskRepository(database, simplify=str)

    @pytest.fixture
    def records(self, database):
        return SqliteImageRecords(database, simplify=str)

    @pytest.fixture
    def outbox(self, database):
        return SqliteOutbox(database)


async def test_the_error_of_an_earlier_version_is_its_text(database):
    """It stored no code."""
    row = "INSERT INTO outbox (kind, blob_key, last_error) VALUES ('upload', 'a', '403 AccessDenied')"
    await database.writer.write(lambda c: c.execute(row).rowcount)
    outbox = SqliteOutbox(database)

    (entry,) = await outbox.peek(due=None)

    assert [upstream_text("403 AccessDenied")] * 2 == [entry.last_error, (await outbox.counts()).last_error]


class TestSqliteImageInventory(ImageInventoryContract):
    @pytest.fixture
    def repository(self, database):
        return SqliteTaskRepository(database, simplify=str)

    @pytest.fixture
    def records(self, database):
        return SqliteImageRecords(database, simplify=str)

    @pytest.fixture
    def inventory(self, database):
        return SqliteImageInventory(database)
