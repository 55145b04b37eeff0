"""What the adapters over PostgreSQL do beyond their contracts."""

import asyncio

import attrs
import pytest

from imagegen_adapters.secrets import MemorySecretBox
from imagegen_adapters.stores.configs import SqlProviderConfigs
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.postgresql import search
from imagegen_adapters.stores.postgresql.search import PostgresqlIndex, postgresql_gallery
from imagegen_adapters.stores.postgresql.tasks import PostgresqlTasks
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_adapters.system import simplify
from imagegen_core.images import MarkChange
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.search import SearchQuery
from imagegen_core.values import quarter_of
from tests.contracts.samples import ORIGIN, a_config, a_task, add_image, later
from tests.fakes.postgresql import insert_images

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


async def rows(database, sql, *values):
    return [tuple(row) for row in await database.rows(sql, *values)]


@pytest.fixture
def repository(database):
    return PostgresqlTasks(database, simplify=simplify)


@pytest.fixture
def records(database):
    return postgresql_gallery(database)


@pytest.fixture
def feed(repository):
    return repository


@pytest.fixture
def marks(database):
    return SqlMarks(PostgresqlSql(database), PostgresqlIndex())


@pytest.fixture
def timeline(database):
    return postgresql_gallery(database)


@pytest.fixture
def outbox(database):
    return SqlOutbox(PostgresqlSql(database))


@pytest.fixture
def box():
    return MemorySecretBox()


@pytest.fixture
def configs(database, box):
    return SqlProviderConfigs(PostgresqlSql(database), box)


async def test_a_change_that_commits_late_is_not_missed(feed, repository, database):
    """What a later transaction has committed meanwhile waits for it, and comes behind it."""
    end = (await feed.changes()).position
    late, early = a_task("late"), a_task("early")
    for task in (late, early):
        await repository.add(task, queue_size=9)
    first = await feed.changes(end, limit=9)
    async with database.transaction() as connection:
        await connection.execute("UPDATE tasks SET cancel_requested = true WHERE task_id = $1", late.task_id)
        await repository.save(early.fence, task=early.cancel(later(1)))
        meanwhile = await feed.changes(first.position, limit=9)
    afterwards = await feed.changes(meanwhile.position, limit=9)

    assert ["late", "early"] == [change.task.request.prompt for change in first.changes]
    assert ["late", "early"] == [
        change.task.request.prompt for change in (*meanwhile.changes, *afterwards.changes)
    ]


async def test_an_image_is_stored_once(repository, records, database):
    """Its place with the attempt is taken; it comes back as it was stored."""
    image = await add_image(repository)
    async with database.transaction() as connection:
        again = await insert_images(connection, (attrs.evolve(image, id=0, prompt="x"),), simplify)

    assert ((image,), [(1,)]) == (again, await rows(database, "SELECT count(*) FROM image_texts"))


async def test_days_are_counted_again_only_where_images_changed(repository, marks, timeline, monkeypatch):
    """Of a list that was asked for before; what changed is counted, and what is forgotten."""
    first = await add_image(repository, prompt="猫", created_at=later(0))
    images = ImageList(query=SearchQuery.parse("猫", str), criteria=ImageFilter(favourite=True))
    bounds = [quarter_of(later(0)), quarter_of(later(0)) + 1]
    counts = [await timeline.count_by_quarter(bounds, images)]
    await marks.change([first.id], MarkChange(favourite=True))
    counts.append(await timeline.count_by_quarter(bounds, images))
    monkeypatch.setattr(search, "_COUNT_BY_QUARTER", "SELECT 1 / 0")
    counts.append(await timeline.count_by_quarter([bounds[0] - 9, *bounds], images))
    monkeypatch.undo()
    monkeypatch.setattr(search, "_MAX_QUARTERS", 0)
    await marks.change([first.id], MarkChange(favourite=False))
    counts += [await timeline.count_by_quarter(bounds, images) for _ in range(2)]

    assert [(0,), (1,), (0, 1), (0,), (0,)] == counts


async def test_no_bit_outlives_its_mark(repository, records, marks, database):
    """Nothing is left of a deleted image, a tag that was taken away, and a removed collection."""
    images = [(await add_image(repository)).id for _ in range(3)]
    collection = await marks.add_collection("夜景", later(0))
    await marks.change(images, MarkChange(favourite=True, tags=("a", "b"), add_to=collection.id))
    before = await rows(database, "SELECT bit_count(images) FROM marked_images")
    await records.delete(images[:1])
    await marks.change(images[1:], MarkChange(favourite=False, untag="a"))
    await marks.change(images[1:2], MarkChange(tags=()))
    await marks.remove_collection(collection.id)

    after = await rows(database, "SELECT mark, bit_count(images) FROM marked_images")
    tag = await rows(database, "SELECT 'tag' || id, images FROM tags WHERE name = 'b'")
    assert [(3,)] * 4 == before
    assert tag == after


async def test_two_nodes_claim_different_entries(repository, outbox, database):
    """What one is just claiming the other passes over without waiting."""
    for _ in range(3):
        await add_image(repository)
    await outbox.add_missing_uploads()
    async with database.transaction() as connection:
        await connection.execute("SELECT 1 FROM outbox WHERE id = 2 FOR UPDATE")
        claimed = await outbox.claim(due=None)

    assert [1, 3] == [entry.id for entry in claimed]


async def test_what_another_node_saves_is_seen(configs, database, box):
    """At once, since nothing is cached."""
    await configs.all()
    await SqlProviderConfigs(PostgresqlSql(database), box).save(a_config(), key_origin=ORIGIN)

    assert ["mine"] == [config.provider_name for config in await configs.all()]


async def test_those_who_ask_at_once_share_a_reading(database, box):
    """One that begins after they have asked: what was saved by then is seen, also while another runs."""
    slow = HeldDatabase(database)
    configs = SqlProviderConfigs(PostgresqlSql(slow), box)
    early = asyncio.create_task(configs.get("mine"))
    await slow.reading.wait()
    await SqlProviderConfigs(PostgresqlSql(database), box).save(a_config(), key_origin=ORIGIN)
    late = [asyncio.create_task(configs.get(name)) for name in ("mine", "nobody's") * 50]
    slow.goes_on.set()
    answers = await asyncio.gather(*late)

    assert (None, ["mine", None] * 50) == (
        await early,
        [answer and answer.provider_name for answer in answers],
    )
    assert 2 == slow.readings


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
