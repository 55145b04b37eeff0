"""Events over PostgreSQL reach subscribers on other nodes in their order, with hints or without."""

import asyncio
import contextlib

import pytest

from imagegen_adapters.stores.postgresql.cluster import Listener
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue
from imagegen_core.task import EventKind
from tests.contracts.samples import an_event, collect

pytestmark = pytest.mark.anyio

ADD = "SELECT add_event($1, 'progress', now(), '{}')"

BLOCKED = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class TwoNodes:
    """A bus that is published to at one node and subscribed to at another."""

    def __init__(self, publisher, subscriber):
        self.publish, self.notify = publisher.publish, publisher.notify
        self.subscribe, self.last_id = subscriber.subscribe, subscriber.last_id


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@contextlib.asynccontextmanager
async def a_node(dsn):
    """Yield a database and a listener of a node."""
    database = await Database.open(dsn)
    listener = Listener(database)
    listener.start()
    await listener.connected()
    try:
        yield database, listener
    finally:
        await listener.close()
        await database.close()


@pytest.fixture
async def first(database, postgresql_dsn):
    async with a_node(postgresql_dsn) as process:
        yield PostgresqlQueue(*process)


@pytest.fixture
async def second(database, postgresql_dsn):
    async with a_node(postgresql_dsn) as process:
        yield PostgresqlQueue(*process)


@pytest.fixture
async def deaf(database):
    """Return the bus of a node that neither sends nor hears hints."""
    return PostgresqlQueue(database, Listener(database))


async def until(condition):
    """Return once an awaited condition holds."""
    async with asyncio.timeout(60):
        while not await condition():
            pass


async def test_events_of_a_task_become_visible_in_their_order(first, second, database):
    """A node that adds one while another is about to waits, so nobody misses the earlier one."""
    collecting = asyncio.create_task(collect(second, "a"))
    async with database.transaction() as connection:
        await connection.execute(ADD, "a")
        ending = asyncio.create_task(first.publish(an_event("a", EventKind.COMPLETED)))
        await until(lambda: database.rows(BLOCKED))
    await ending

    assert [EventKind.PROGRESS, EventKind.COMPLETED] == [event.kind for event in await collecting]


async def test_events_of_different_tasks_do_not_wait_for_each_other(first, database):
    """Each task has a lock of its own."""
    async with database.transaction() as connection, asyncio.timeout(60):
        await connection.execute(ADD, "a")
        last = await first.publish(an_event("b", EventKind.COMPLETED))

        assert [last] == await collect(first, "b")


async def test_what_follows_the_final_event_is_dropped(first, second):
    """A worker that was frozen may report progress of a task that has ended elsewhere."""
    last = await first.publish(an_event("a", EventKind.FAILED))
    late = await second.publish(an_event("a", progress=0.5))

    assert (0, [last], last.id) == (late.id, await collect(second, "a"), await first.last_event_id("a"))


async def test_a_subscriber_goes_on_at_another_node(first, second):
    """As a client that reconnects with the id of the last event that it got."""
    event = await first.publish(an_event("a", progress=0.1))
    rest = [await first.publish(an_event("a", EventKind(kind))) for kind in ("image", "completed")]

    assert rest == await collect(second, "a", after=event.id)


async def test_the_end_is_delivered_though_ids_were_assigned_again(first, database):
    """A server that crashed may have lost a number that was delivered; nobody waits for ever."""
    last = await first.publish(an_event("a", EventKind.COMPLETED))

    assert [last] == await collect(first, "a", after=last.id + 30)


async def test_all_tasks_that_are_watched_are_looked_at_together(deaf, first, database):
    """With one statement a second, however many subscribers there are; and with none once they are gone."""
    watching = [asyncio.create_task(collect(deaf, str(number % 20))) for number in range(60)]
    for number in range(20):
        await first.publish(an_event(str(number), EventKind.COMPLETED))
    ends = await asyncio.gather(*watching)
    async with asyncio.timeout(60):
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "events"))

    assert [1] * 60 == list(map(len, ends))
