"""The PostgreSQL adapters fulfil the contracts of their ports."""

import asyncio
from collections import Counter
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.idempotency_keys.postgresql import PostgresqlIdempotencyKeys
from imagegen_adapters.image_inventories.postgresql import PostgresqlImageInventory
from imagegen_adapters.image_records.postgresql import PostgresqlImageRecords, insert_images, statements
from imagegen_adapters.image_records.postgresql.records import PostgresqlMarkIndex
from imagegen_adapters.image_timelines.postgresql import PostgresqlImageTimeline, quarter_counts
from imagegen_adapters.lineages.postgresql import PostgresqlLineage
from imagegen_adapters.provider_configs.postgresql import PostgresqlProviderConfigs
from imagegen_adapters.queues.postgresql import PostgresqlQueue
from imagegen_adapters.secrets import MemorySecretBox
from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_adapters.task_feeds.postgresql import PostgresqlTaskFeed
from imagegen_adapters.task_repositories.postgresql import PostgresqlTaskRepository
from imagegen_adapters.usage_ledgers.postgresql import PostgresqlUsageLedger
from imagegen_core.errors import KeysLocked, ProviderConfigNotFound
from imagegen_core.images import StorageState
from imagegen_core.marks import MarkChange
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.ports.image_timeline import ImageList
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.search import SearchQuery
from imagegen_core.values import quarter_of
from tests.contracts.idempotency_keys import IdempotencyKeysContract
from tests.contracts.image_inventory import ImageInventoryContract
from tests.contracts.image_marks import ImageMarksContract
from tests.contracts.image_records import ImageRecordsContract
from tests.contracts.image_timeline import ImageTimelineContract
from tests.contracts.lineage import LineageContract
from tests.contracts.outbox import OutboxContract
from tests.contracts.provider_configs import ORIGIN, ProviderConfigsContract, a_config
from tests.contracts.queue import QueueContract
from tests.contracts.samples import a_task, add_image, later
from tests.contracts.task_feed import TaskFeedContract
from tests.contracts.task_repository import TaskRepositoryContract
from tests.contracts.usage_ledger import UsageLedgerContract

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


async def rows(database, sql, *values):
    return [tuple(row) for row in await database.rows(sql, *values)]


class OverPostgresql:
    """Fixtures of adapters that share a database."""

    @pytest.fixture
    def repository(self, database):
        return PostgresqlTaskRepository(database, simplify=simplify)

    @pytest.fixture
    def records(self, database):
        return PostgresqlImageRecords(database, simplify=simplify)


class TestPostgresqlTaskRepository(OverPostgresql, TaskRepositoryContract):
    async def test_expired_keys_are_purged(self, repository, database):
        """Adding a task with a key removes expired keys."""
        for key, moment in (("k0", later(0)), ("k1", later(60))):
            claim = IdempotencyClaim(
                scope="s", key=key, body_sha256="aa", expires_at=moment + timedelta(seconds=60)
            )
            await repository.add(a_task(created_at=moment), queue_size=9, idempotency=claim)

        assert [("k1",)] == await rows(database, "SELECT key FROM idempotency_keys")


class TestPostgresqlTaskFeed(OverPostgresql, TaskFeedContract):
    @pytest.fixture
    def feed(self, database):
        return PostgresqlTaskFeed(database)

    async def test_a_change_that_commits_late_is_not_missed(self, feed, repository, database):
        """What a later transaction has committed meanwhile waits for it, and comes behind it."""
        end = await feed.end()
        late, early = a_task("late"), a_task("early")
        for task in (late, early):
            await repository.add(task, queue_size=9)
        first = await feed.since(end, limit=9)
        async with database.transaction() as connection:
            await connection.execute(
                "UPDATE tasks SET cancel_requested = true WHERE task_id = $1", late.task_id
            )
            await repository.save(early.cancel(later(1)), early.fence)
            meanwhile = await feed.since(first.position, limit=9)
        afterwards = await feed.since(meanwhile.position, limit=9)

        assert ["late", "early"] == [change.task.request.prompt for change in first.changes]
        assert ["late", "early"] == [
            change.task.request.prompt for change in (*meanwhile.changes, *afterwards.changes)
        ]


class TestPostgresqlQueue(OverPostgresql, QueueContract):
    @pytest.fixture
    def queue(self, database):
        return PostgresqlQueue(database)

    async def test_a_damaged_row_blocks_no_other_task(self, queue, repository, database):
        """Neither now nor at the next start, which finds both."""
        damaged, sound = a_task(), a_task()
        for task in (damaged, sound):
            await repository.add(task, queue_size=9)
        await database.rows("UPDATE tasks SET params = '1' WHERE task_id = $1", damaged.task_id)
        claimed = await queue.claim("me", limit=9, now=later(1), provider_limits={sound.provider_name: 9})
        orphans = await repository.orphans(alive=["another"], running=[])

        assert [[sound.task_id]] * 2 == [[task.task_id for task in tasks] for tasks in (claimed, orphans)]


class TestPostgresqlImageRecords(OverPostgresql, ImageRecordsContract):
    async def test_deleting_an_image_schedules_the_removal_of_its_blobs(self, repository, records, database):
        """Image and thumbnail are added to the outbox once, and a waiting upload is dropped."""
        image = await add_image(repository)
        await records.set_storage(image.id, StorageState.BOTH)
        upload = "INSERT INTO outbox (kind, blob_key, image_id) VALUES ('upload', $1, $2)"
        await database.rows(upload, image.blob_key, image.id)

        await records.delete(image.id)

        removals = await rows(database, "SELECT kind, blob_key, image_id FROM outbox ORDER BY id")
        assert [("remove", key, image.id) for key in (image.blob_key, image.thumbnail_key)] == removals

    async def test_an_image_is_stored_once(self, repository, records, database):
        """Its place with the attempt is taken; it comes back as it was stored."""
        image = await add_image(repository)
        async with database.transaction() as connection:
            again = await insert_images(connection, (attrs.evolve(image, id=0, prompt="x"),), simplify)

        assert ((image,), [(1,)]) == (again, await rows(database, "SELECT count(*) FROM image_texts"))


class TestPostgresqlIdempotencyKeys(OverPostgresql, IdempotencyKeysContract):
    @pytest.fixture
    def keys(self, database):
        return PostgresqlIdempotencyKeys(database)


class TestPostgresqlLineage(OverPostgresql, LineageContract):
    @pytest.fixture
    def lineage(self, database):
        return PostgresqlLineage(database)


class TestPostgresqlUsageLedger(OverPostgresql, UsageLedgerContract):
    @pytest.fixture
    def ledger(self, database):
        return PostgresqlUsageLedger(database)


class TestPostgresqlImageTimeline(OverPostgresql, ImageTimelineContract):
    @pytest.fixture
    def marks(self, database):
        return SqlMarks(PostgresqlSql(database), PostgresqlMarkIndex())

    async def test_many_change_marks_at_once(self, repository, records, marks):
        """In any order, while images and a collection are deleted: nobody fails, and counts are right."""
        images = [(await add_image(repository)).id for _ in range(12)]
        lasting, removed = [
            (await marks.add_collection(name, later(0))).id for name in ("lasting", "removed")
        ]
        await marks.change(images, MarkChange(add_to=removed))
        changes = [MarkChange(tags=tags) for tags in (("a", "b"), ("b", "a"), ("c",), ())]
        changes += [MarkChange(add_to=lasting), MarkChange(remove_from=lasting), MarkChange(tag="b")]
        orders = (images, images[::-1], images[::2], images[3:9])
        results = await asyncio.gather(
            *(marks.change(order, change) for order in orders for change in changes),
            records.delete_all(images[:3]),
            marks.remove_collection(removed),
            records.delete_all(images[5:2:-1]),
            return_exceptions=True,
        )
        shown = [(await records.get(image_id)).marks for image_id in images[6:]]
        (collection,) = await marks.collections()

        assert [] == [result for result in results if isinstance(result, Exception)]
        assert collection.count == sum(collection.id in one.collections for one in shown)
        counts = Counter(tag for one in shown for tag in one.tags)
        assert counts == {use.name: use.count for use in await marks.tags("", 9)}

    async def test_days_are_counted_again_only_where_images_changed(
        self, repository, marks, timeline, monkeypatch
    ):
        """Of a list that was asked for before; what changed is counted, and what is forgotten."""
        first = await add_image(repository, prompt="猫", created_at=later(0))
        images = ImageList(query=SearchQuery.parse("猫", str), criteria=ImageFilter(favourite=True))
        bounds = [quarter_of(later(0)), quarter_of(later(0)) + 1]
        counts = [await timeline.by_interval(bounds, images)]
        await marks.change([first.id], MarkChange(favourite=True))
        counts.append(await timeline.by_interval(bounds, images))
        monkeypatch.setattr(statements, "COUNT_BY_QUARTER", "SELECT 1 / 0")
        counts.append(await timeline.by_interval([bounds[0] - 9, *bounds], images))
        monkeypatch.undo()
        monkeypatch.setattr(quarter_counts, "_MAX_QUARTERS", 0)
        await marks.change([first.id], MarkChange(favourite=False))
        counts += [await timeline.by_interval(bounds, images) for _ in range(2)]

        assert [(0,), (1,), (0, 1), (0,), (0,)] == counts

    @pytest.fixture
    def timeline(self, database):
        return PostgresqlImageTimeline(database)


class TestPostgresqlImageMarks(OverPostgresql, ImageMarksContract):
    @pytest.fixture
    def marks(self, database):
        return SqlMarks(PostgresqlSql(database), PostgresqlMarkIndex())

    async def test_no_bit_outlives_its_mark(self, repository, records, marks, database):
        """Nothing is left of a deleted image, a tag that was taken away, and a removed collection."""
        images = [(await add_image(repository)).id for _ in range(3)]
        collection = await marks.add_collection("夜景", later(0))
        await marks.change(images, MarkChange(favourite=True, tags=("a", "b"), add_to=collection.id))
        before = await rows(database, "SELECT bit_count(images) FROM marked_images")
        await records.delete_all(images[:1])
        await marks.change(images[1:], MarkChange(favourite=False, untag="a"))
        await marks.change(images[1:2], MarkChange(tags=()))
        await marks.remove_collection(collection.id)

        after = await rows(database, "SELECT mark, bit_count(images) FROM marked_images")
        tag = await rows(database, "SELECT 'tag' || id, images FROM tags WHERE name = 'b'")
        assert [(3,)] * 4 == before
        assert tag == after


class TestPostgresqlImageInventory(OverPostgresql, ImageInventoryContract):
    @pytest.fixture
    def inventory(self, database):
        return PostgresqlImageInventory(database)

    async def test_a_key_that_no_column_holds_is_unknown(self, inventory):
        """Such as the name of a file that is not UTF-8."""
        assert {"a\udcff", "\x00"} == await inventory.unknown(["a\udcff", "\x00"])


class TestPostgresqlOutbox(OverPostgresql, OutboxContract):
    @pytest.fixture
    def outbox(self, database):
        return SqlOutbox(PostgresqlSql(database))

    async def test_two_nodes_claim_different_entries(self, repository, outbox, database):
        """What one is just claiming the other passes over without waiting."""
        for _ in range(3):
            await add_image(repository)
        await outbox.add_missing_uploads()
        async with database.transaction() as connection:
            await connection.execute("SELECT 1 FROM outbox WHERE id = 2 FOR UPDATE")
            claimed = await outbox.claim(due=None)

        assert [1, 3] == [entry.id for entry in claimed]


class HeldDatabase:
    """A database whose first reading has been answered and is held back."""

    def __init__(self, database):
        self._database, self.readings = database, 0
        self.reading, self.goes_on = asyncio.Event(), asyncio.Event()

    async def rows(self, statement, *values):
        self.readings += 1
        rows = await self._database.rows(statement, *values)
        self.reading.set()
        await self.goes_on.wait()
        return rows


class TestPostgresqlProviderConfigs(ProviderConfigsContract):
    @pytest.fixture
    def box(self):
        return MemorySecretBox()

    @pytest.fixture
    def configs(self, database, box):
        return PostgresqlProviderConfigs(database, box)

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
        await database.rows(statement)

        assert (await configs.get("a")).api_key.locked

    async def test_secrets_are_never_stored_in_plain_text(self, configs, database):
        """Neither the key nor secret headers nor a proxy's password; other headers are readable."""
        await configs.save(a_config(), key_origin=ORIGIN)

        (row,) = await rows(database, "SELECT * FROM provider_configs")
        text = " ".join(map(str, row))
        assert not [secret for secret in ("0123456789", "password@") if secret in text]
        assert '"X-Team":"a"' in text

    async def test_what_another_node_saves_is_seen(self, configs, database, box):
        """At once, since nothing is cached."""
        await configs.all()
        await PostgresqlProviderConfigs(database, box).save(a_config(), key_origin=ORIGIN)

        assert ["mine"] == [config.provider_name for config in await configs.all()]

    async def test_those_who_ask_at_once_share_a_reading(self, database, box):
        """One that begins after they have asked: what was saved by then is seen, also while another runs."""
        slow = HeldDatabase(database)
        configs = PostgresqlProviderConfigs(slow, box)
        early = asyncio.create_task(configs.get("mine"))
        await slow.reading.wait()
        await PostgresqlProviderConfigs(database, box).save(a_config(), key_origin=ORIGIN)
        late = [asyncio.create_task(configs.get(name)) for name in ("mine", "nobody's") * 50]
        slow.goes_on.set()
        answers = await asyncio.gather(*late)

        assert (None, ["mine", None] * 50) == (
            await early,
            [answer and answer.provider_name for answer in answers],
        )
        assert 2 == slow.readings

    async def test_a_name_that_no_column_holds_has_none(self, configs):
        """It is refused where names are checked; here it causes no error of the database."""
        with pytest.raises(ProviderConfigNotFound):
            await configs.delete("\x00")
        assert await configs.get("\x00") is None
