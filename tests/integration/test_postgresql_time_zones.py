"""Times are the same in every zone that a server, a database or a role may be set to.

The server of all these tests is in St. John's; here are databases and roles in Shanghai, too.
"""

from datetime import UTC, datetime, timedelta

import pytest

from imagegen_adapters.stores.postgresql.cluster import Listener, PostgresqlCluster
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.search import postgresql_gallery
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.system import simplify
from imagegen_core.errors import FailureCode
from imagegen_core.images import StorageState
from imagegen_core.ports.gallery import ImageFilter
from imagegen_core.search import Paging
from tests.contracts.samples import a_task, add_image, find

pytestmark = pytest.mark.anyio

MIDNIGHT = datetime(2026, 3, 8, tzinfo=UTC)
"""Of the day on which the clocks of St. John's skip an hour; in Shanghai it is morning."""

MILLISECOND = timedelta(milliseconds=1)
ZONE = "SELECT current_setting('TimeZone')"
ZONES = {
    "server": "SELECT 1",
    "database": "ALTER DATABASE zone_of_database SET timezone TO 'Asia/Shanghai'",
    "role": "ALTER ROLE imagegen IN DATABASE zone_of_role SET timezone TO 'Asia/Shanghai'",
}
"""What sets the zone of a database's sessions, and how."""


@pytest.fixture(scope="module", params=ZONES)
def name(request, postgresql, postgresql_template):
    """Return the name of a database whose sessions are elsewhere unless they say otherwise."""
    name = f"zone_of_{request.param}"
    postgresql.create_database(name, f"TEMPLATE {postgresql_template}")
    postgresql.run(ZONES[request.param])
    return name


@pytest.fixture
async def database(postgresql, name):
    database = await Database.open(postgresql.dsn(name))
    await database.rows("TRUNCATE tasks, attempts, images, image_texts, outbox, nodes, events CASCADE")
    yield database
    await database.close()


@pytest.fixture
def repository(database):
    return PostgresqlTasks(database, simplify=simplify)


async def test_every_session_is_in_utc(database, postgresql, name):
    """Those of the pool, those that listen, and those that only try; others are where they were."""
    zones = [(await database.row(ZONE))[0]]
    async with (
        database.own_connection() as connection,
        Database.rehearsal(postgresql.dsn(name)) as trying,
    ):
        zones += [await connection.fetchval(ZONE), await trying.fetchval(ZONE)]

    assert ["UTC"] * 3 == zones
    assert "UTC" not in postgresql.run(ZONE, name)


async def test_a_moment_is_stored_as_it_is(repository, postgresql, name):
    """As a count of seconds, which no zone changes."""
    task = a_task(created_at=MIDNIGHT)
    await repository.add(task, queue_size=9)
    stored = postgresql.run("SELECT extract(epoch FROM created_at)::bigint FROM tasks", name)

    assert [str(int(MIDNIGHT.timestamp()))] == stored
    assert MIDNIGHT == (await repository.get(task.task_id)).created_at


async def test_a_deferred_task_is_due_in_time(repository, database):
    """Not an hour, nor eight, before or after."""
    queue = PostgresqlQueue(database)
    await repository.add(a_task(created_at=MIDNIGHT - timedelta(hours=1)), queue_size=9)
    limits = {"demo": 9}
    (claimed,) = await queue.claim("me", limit=1, now=MIDNIGHT, provider_limits=limits)
    await repository.save(
        claimed.fence, task=claimed.requeue(not_before=MIDNIGHT, retry_for=FailureCode.UNAVAILABLE)
    )
    early = await queue.demand(now=MIDNIGHT - MILLISECOND, limit=9)
    claims = [
        await queue.claim("me", limit=1, now=at, provider_limits=limits)
        for at in (MIDNIGHT - MILLISECOND, MIDNIGHT)
    ]

    assert (MIDNIGHT, [0, 1]) == (early.next_due, [len(tasks) for tasks in claims])


async def test_an_image_is_listed_by_its_day(repository, database):
    """And leaves the local disk after so many days."""
    records = postgresql_gallery(database)
    inventory = postgresql_gallery(database)
    for at in (MIDNIGHT - MILLISECOND, MIDNIGHT):
        await add_image(repository, created_at=at, storage=StorageState.BOTH)
    days = (
        ImageFilter(created_from=MIDNIGHT - timedelta(days=1), created_to=MIDNIGHT),
        ImageFilter(created_from=MIDNIGHT, created_to=MIDNIGHT + timedelta(days=1)),
    )
    listed = [[image.created_at for image in (await find(records, day, Paging())).items] for day in days]
    aged = await inventory.stored(created_before=MIDNIGHT)

    assert [[MIDNIGHT - MILLISECOND], [MIDNIGHT]] == listed
    assert [MIDNIGHT - MILLISECOND] == [image.created_at for image in aged]


async def test_a_silent_node_is_dead_in_time(database):
    """A minute of silence is a minute."""
    nodes = PostgresqlCluster(database, Listener(database), dead_after_seconds=60)
    back = "UPDATE nodes SET heard_at = heard_at - $2::text::interval, can_tell_from = now() WHERE node = $1"
    for node, silence in (("silent", "61 s"), ("heard", "50 s"), ("observer", "0 s")):
        await nodes.beat(node)
        await database.rows(back, node, silence)

    assert {"heard", "observer"} == await nodes.alive("observer")
