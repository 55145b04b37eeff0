"""The SQLite adapters fulfil the contracts of their ports."""

from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.event_buses.sqlite import SqliteEventBus
from imagegen_adapters.idempotency_keys.sqlite import SqliteIdempotencyKeys
from imagegen_adapters.image_inventories.sqlite import SqliteImageInventory
from imagegen_adapters.image_records.index import SqliteMarkIndex
from imagegen_adapters.image_records.sqlite import SqliteImageRecords
from imagegen_adapters.image_timelines.sqlite import SqliteImageTimeline
from imagegen_adapters.lineages.sqlite import SqliteLineage
from imagegen_adapters.provider_configs.sqlite import SqliteProviderConfigs
from imagegen_adapters.queues.sqlite import SqliteQueue
from imagegen_adapters.secrets import MemorySecretBox
from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.task_feeds.sqlite import SqliteTaskFeed
from imagegen_adapters.task_repositories.sqlite import SqliteTaskRepository
from imagegen_adapters.usage_ledgers.sqlite import SqliteUsageLedger
from imagegen_core.attempt import SentConfig
from imagegen_core.errors import Failure, FailureCode, KeysLocked
from imagegen_core.images import StorageState
from imagegen_core.messages import upstream_text
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.secrets import Secret
from imagegen_core.task import EventKind
from tests.contracts.event_bus import EventBusContract
from tests.contracts.idempotency_keys import IdempotencyKeysContract
from tests.contracts.image_inventory import ImageInventoryContract
from tests.contracts.image_marks import ImageMarksContract
from tests.contracts.image_records import ImageRecordsContract
from tests.contracts.image_timeline import ImageTimelineContract
from tests.contracts.lineage import LineageContract
from tests.contracts.outbox import OutboxContract
from tests.contracts.provider_configs import ORIGIN, ProviderConfigsContract, a_config
from tests.contracts.queue import QueueContract
from tests.contracts.samples import a_task, an_attempt, an_event, an_image, later
from tests.contracts.task_feed import TaskFeedContract
from tests.contracts.task_repository import TaskRepositoryContract
from tests.contracts.usage_ledger import UsageLedgerContract

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = Database.open(tmp_path / "imagegen.db")
    yield database
    await database.close()


@pytest.fixture
def repository(database):
    return SqliteTaskRepository(database, simplify=simplify)


async def rows(database, sql, *values):
    return [tuple(row) for row in await database.read(lambda c: c.execute(sql, values).fetchall())]


class OverSqlite:
    """Fixtures of adapters that share a database."""

    @pytest.fixture
    def repository(self, database):
        return SqliteTaskRepository(database, simplify=simplify)

    @pytest.fixture
    def records(self, database):
        return SqliteImageRecords(database, simplify=simplify)


class TestSqliteTaskRepository(OverSqlite, TaskRepositoryContract):
    async def test_expired_keys_are_purged(self, repository, database):
        """Adding a task with a key removes expired keys."""
        for key, moment in (("k0", later(0)), ("k1", later(60))):
            claim = IdempotencyClaim(
                scope="s", key=key, body_sha256="aa", expires_at=moment + timedelta(seconds=60)
            )
            await repository.add(a_task(created_at=moment), queue_size=9, idempotency=claim)

        assert [("k1",)] == await rows(database, "SELECT key FROM idempotency_keys")

    async def test_a_wiped_override_leaves_no_trace(self, repository, database, tmp_path):
        """After the task has ended and a checkpoint, its sealed key is nowhere in the file."""
        task = a_task(override="SEALED-OVERRIDE-" + "x" * 5000)
        await repository.add(task, queue_size=1)
        await repository.save(task.cancel(later(1)), task.fence)
        await database.close()

        assert b"SEALED-OVERRIDE-" not in (tmp_path / "imagegen.db").read_bytes()

    async def test_a_wiped_configuration_of_a_call_leaves_no_trace(self, repository, database, tmp_path):
        """The same holds for the configuration of a call."""
        task = a_task()
        await repository.add(task, queue_size=1)
        attempt = an_attempt(task).submitting(
            later(1), config=SentConfig(text="SEALED-CALL-" + "x" * 5000, sealed=True)
        )
        await repository.save_attempt(attempt, task.fence)
        await repository.save_attempt(
            attempt.failed(later(2), Failure.from_code(FailureCode.TIMEOUT, "no answer")), task.fence
        )
        await database.close()

        assert b"SEALED-CALL-" not in (tmp_path / "imagegen.db").read_bytes()


class TestSqliteIdempotencyKeys(OverSqlite, IdempotencyKeysContract):
    @pytest.fixture
    def keys(self, database):
        return SqliteIdempotencyKeys(database)


class TestSqliteTaskFeed(OverSqlite, TaskFeedContract):
    @pytest.fixture
    def feed(self, database):
        return SqliteTaskFeed(database)


class TestSqliteQueue(OverSqlite, QueueContract):
    @pytest.fixture
    def queue(self, database):
        return SqliteQueue(database)

    async def test_a_damaged_row_blocks_no_other_task(self, queue, repository, database):
        """Neither now nor at the next start, which finds both."""
        damaged, sound = a_task(), a_task()
        for task in (damaged, sound):
            await repository.add(task, queue_size=9)
        await database.writer.write(
            lambda c: c.execute("UPDATE tasks SET params = '{' WHERE task_id = ?", (damaged.task_id,))
        )
        claimed = await queue.claim("me", limit=9, now=later(1), provider_limits={sound.provider_name: 9})
        orphans = await repository.orphans(alive=["another"], running=[])

        assert [[sound.task_id]] * 2 == [[task.task_id for task in tasks] for tasks in (claimed, orphans)]


class TestSqliteImageRecords(OverSqlite, ImageRecordsContract):
    async def test_deleting_an_image_schedules_the_removal_of_its_blobs(self, repository, records, database):
        """Image and thumbnail are added to the outbox once, in the transaction of the deletion."""
        task = a_task()
        await repository.add(task, queue_size=9)
        attempt = an_attempt(task)
        (image,) = await repository.save_attempt(attempt, task.fence, (an_image(attempt),))
        await records.set_storage(image.id, StorageState.BOTH)

        await records.delete(image.id)

        removals = await rows(database, "SELECT kind, blob_key, image_id FROM outbox ORDER BY id")
        assert [("remove", key, image.id) for key in (image.blob_key, image.thumbnail_key)] == removals


class TestSqliteOutbox(OverSqlite, OutboxContract):
    @pytest.fixture
    def outbox(self, database):
        return SqlOutbox(SqliteSql(database))


async def test_the_error_of_an_earlier_version_is_its_text(database):
    """It stored no code."""
    row = "INSERT INTO outbox (kind, blob_key, last_error) VALUES ('upload', 'a', '403 AccessDenied')"
    await database.writer.write(lambda c: c.execute(row).rowcount)
    outbox = SqlOutbox(SqliteSql(database))

    (entry,) = await outbox.peek(due=None)

    assert [upstream_text("403 AccessDenied")] * 2 == [entry.last_error, (await outbox.counts()).last_error]


class TestSqliteLineage(OverSqlite, LineageContract):
    @pytest.fixture
    def lineage(self, database):
        return SqliteLineage(database)


class TestSqliteUsageLedger(OverSqlite, UsageLedgerContract):
    @pytest.fixture
    def ledger(self, database):
        return SqliteUsageLedger(database)


class TestSqliteImageTimeline(OverSqlite, ImageTimelineContract):
    @pytest.fixture
    def marks(self, database):
        return SqlMarks(SqliteSql(database), SqliteMarkIndex())

    @pytest.fixture
    def timeline(self, database):
        return SqliteImageTimeline(database)


class TestSqliteImageMarks(OverSqlite, ImageMarksContract):
    @pytest.fixture
    def marks(self, database):
        return SqlMarks(SqliteSql(database), SqliteMarkIndex())


class TestSqliteImageInventory(OverSqlite, ImageInventoryContract):
    @pytest.fixture
    def inventory(self, database):
        return SqliteImageInventory(database)


class TestSqliteProviderConfigs(ProviderConfigsContract):
    @pytest.fixture
    def box(self):
        return MemorySecretBox()

    @pytest.fixture
    def configs(self, database, box):
        return SqliteProviderConfigs(database, box)

    async def test_nothing_is_saved_while_keys_are_locked(self, configs, box):
        """Without the master key, a stored key appears as locked and cannot be overwritten."""
        await configs.save(a_config(), key_origin=ORIGIN)
        box.locked = True

        with pytest.raises(KeysLocked):
            await configs.save(a_config(api_key=None), key_origin=ORIGIN)
        assert (await configs.get("mine")).api_key.locked

    @pytest.mark.parametrize(
        "tampering",
        [
            "api_key = (SELECT api_key FROM provider_configs WHERE provider_name = 'b')",
            "api_base = 'https://evil.example'",
            "api_base = 'https://evil.example', key_origin = 'https://evil.example:443'",
            "api_base = NULL, key_origin = 'https://evil.example:443'",
            "sealed_extra = (SELECT sealed_extra FROM provider_configs WHERE provider_name = 'b')",
            "sealed_extra = api_key",
        ],
    )
    async def test_a_key_does_not_follow_a_changed_row(self, configs, database, tampering):
        """The key opens neither from another row's token nor for another address."""
        await configs.save(a_config("a"), key_origin=ORIGIN)
        await configs.save(a_config("b"), key_origin=ORIGIN)
        statement = f"UPDATE provider_configs SET {tampering}"  # noqa: S608 - from the list above
        await database.writer.write(lambda c: c.execute(statement).rowcount)

        assert (await configs.get("a")).api_key.locked

    @pytest.mark.parametrize("api_key", [None, Secret("sk-0123456789abcdef")])
    async def test_a_locked_secret_header_locks_the_configuration(self, configs, box, api_key):
        """If secret headers cannot be opened, the key counts as locked, even if there is none."""
        await configs.save(a_config(api_key=api_key), key_origin=ORIGIN)
        await configs.save(a_config("bare", api_key=api_key, extra_config={}), key_origin=ORIGIN)
        box.locked = True

        locked = [c.api_key is not None and c.api_key.locked for c in await configs.all()]
        assert [api_key is not None, True] == locked

    async def test_secrets_are_never_stored_in_plain_text(self, configs, database):
        """Neither the key nor secret headers nor a proxy's password; other headers are readable."""
        await configs.save(a_config(), key_origin=ORIGIN)

        (row,) = await rows(database, "SELECT * FROM provider_configs")
        text = " ".join(map(str, row))
        assert not [secret for secret in ("0123456789", "password@") if secret in text]
        assert '"X-Team":"a"' in text.replace(" ", "")

    async def test_a_key_is_kept_in_memory_as_it_is_stored(self, configs):
        """A configuration that was read holds a token, not the key."""
        await configs.save(a_config(), key_origin=ORIGIN)

        assert "0123456789abcdef" not in str(attrs.asdict(await configs.get("mine")))

    async def test_a_key_without_an_address_keeps_its_origin(self, configs):
        """If the address is a default, the key is bound to the origin that it was saved for."""
        await configs.save(a_config(api_base=None), key_origin=ORIGIN)

        assert "sk-0123456789abcdef" == (await configs.get("mine")).api_key.reveal()


class TestSqliteEventBus(OverSqlite, EventBusContract):
    @pytest.fixture
    def repository(self, database):
        return SqliteTaskRepository(database, simplify=str)

    @pytest.fixture
    def bus(self, database):
        return SqliteEventBus(database)

    async def test_progress_is_kept_for_a_day(self, bus, database):
        """Older progress events are purged when another task ends; other events stay."""
        await bus.publish(an_event("a"))
        await bus.publish(an_event("a", EventKind.COMPLETED))
        new = an_event("b", EventKind.COMPLETED)
        await bus.publish(attrs.evolve(new, at=later(86_401)))

        kinds = await rows(database, "SELECT task_id, kind FROM events ORDER BY id")
        assert [("a", "completed"), ("b", "completed")] == kinds
