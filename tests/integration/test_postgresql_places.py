"""A cluster over PostgreSQL loses no place."""

import asyncio
import contextlib
import random

import pytest

from imagegen_adapters.stores.postgresql.cluster import DEAD_AFTER_SECONDS, Listener, PostgresqlCluster
from imagegen_adapters.stores.postgresql.database import ConnectionPolicy, Database
from imagegen_core.errors import StorageError
from imagegen_core.ports.cluster import UPKEEP_SLOT, call_slot
from tests.contracts.conftest import EachNode
from tests.contracts.samples import pass_beating

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]

CALLS = call_slot("p")

SET_BACK = """
UPDATE nodes SET heard_at = heard_at - make_interval(secs => $1),
    can_tell_from = can_tell_from - make_interval(secs => $1)
"""

BLOCKED = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

END_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'imagegen listener'
"""


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture
def pass_time(database):
    async def pass_time(share):
        await database.rows(SET_BACK, DEAD_AFTER_SECONDS * share)

    return pass_time


@pytest.fixture
async def processes(database, postgresql_dsn):
    """Return the database and the listener of each of three cluster."""
    async with contextlib.AsyncExitStack() as stack:
        processes = {}
        for node in "abc":
            own = await Database.open(postgresql_dsn)
            stack.push_async_callback(own.close)
            listener = Listener(own)
            listener.start()
            stack.push_async_callback(listener.close)
            await listener.connected()
            processes[node] = (own, listener)
        yield processes


@pytest.fixture
def cluster(processes):
    return EachNode({node: PostgresqlCluster(*process) for node, process in processes.items()})


async def until(database, condition):
    """Return once the condition holds for the rows of ``places``."""
    async with asyncio.timeout(60):
        while not (await database.row(f"SELECT {condition} FROM places"))[0]:  # noqa: S608 - of this file
            pass


async def line_up(database, cluster, *calls, order=None, waiting=1):
    """Let calls ask for a place, one after the other, and return their tasks; ``order`` gets their cluster.

    ``waiting``: how many are in line after the first of them.
    """

    async def call(node, limit):
        async with cluster.slot(CALLS, node=node, limit=limit):
            if order is not None:
                order.append(node)

    tasks = []
    for node, limit in calls:
        tasks.append(asyncio.create_task(call(node, limit)))
        await until(database, f"count(*) FILTER (WHERE NOT granted) = {waiting}")
        waiting += 1
    return tasks


async def end(tasks):
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks)


async def until_it_is_back(database):
    """Return once the database answers; a statement may notice that its connection is lost."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StorageError):
                await database.rows("SELECT 1")
                return


async def lock_is_awaited(database):
    """Return once a statement waits for a lock."""
    async with asyncio.timeout(60):
        while not await database.rows(BLOCKED):
            pass


async def tokens(database):
    return [row["token"] for row in await database.rows("SELECT token FROM places ORDER BY seq")]


@pytest.fixture
async def joined(cluster):
    for node in "abc":
        await cluster.beat(node)


async def test_nodes_that_died_long_ago_are_forgotten(cluster, database, pass_time):
    """Each process has a name of its own, so the table would grow with every start."""
    await cluster.beat("b")
    await database.rows("UPDATE nodes SET heard_at = heard_at - interval '2 days'")
    await cluster.beat("a")
    blind = len(await database.rows("SELECT FROM nodes"))
    await pass_beating(cluster, pass_time, "a")

    assert (2, 1) == (blind, len(await database.rows("SELECT FROM nodes")))


@pytest.mark.usefixtures("joined")
async def test_places_are_granted_in_the_order_of_asking(cluster, database):
    """A node that always has another call waiting leaves the others theirs."""
    order = []
    async with cluster.slot(CALLS, node="c", limit=1):
        tasks = await line_up(database, cluster, *((node, 1) for node in "aabaaca"), order=order)
    await end(tasks)

    assert list("aabaaca") == order


@pytest.mark.usefixtures("joined")
async def test_two_who_ask_at_once_do_not_get_the_same_place(cluster, database):
    """The second waits until it can see whether the first has got it."""
    async with database.transaction() as connection:
        await connection.execute("SELECT ask_for_place('first', 'calls p', 'a', 1, '1 minute')")
        (asking,) = await line_up(database, cluster, ("b", 1), waiting=0)
        await lock_is_awaited(database)
    await until(database, "count(*) = 2")

    assert [("first", True), ("calls p b 1", False)] == [
        tuple(row) for row in await database.rows("SELECT token, granted FROM places ORDER BY seq")
    ]
    await database.rows("SELECT free_place('first', 'calls p')")
    await end([asking])


@pytest.mark.usefixtures("joined")
async def test_who_gets_a_place_is_told_so(cluster, processes, database):
    """By a hint, on whichever node it waits."""
    tokens, hinted = [], asyncio.Event()
    processes["c"][1].hear("places", lambda token: (tokens.append(token), hinted.set()))
    async with cluster.slot(CALLS, node="a", limit=1):
        tasks = await line_up(database, cluster, ("b", 1))
    async with asyncio.timeout(60):
        await hinted.wait()
    await end(tasks)

    assert "calls p b 1" == tokens[0]


@pytest.mark.usefixtures("joined")
async def test_a_release_that_fails_is_repeated(postgresql_dsn, database):
    """Though no connection is lost, so that no listener says so."""
    quick = await Database.open(postgresql_dsn, ConnectionPolicy(command_timeout_seconds=2))
    cluster = PostgresqlCluster(quick, Listener(quick))
    async with database.transaction() as connection:
        async with cluster.slot(CALLS, node="a", limit=1):
            await connection.execute("SELECT lock_resource('calls p')")
        remaining = await tokens(database)
    await until(database, "count(*) = 0")
    await quick.close()

    assert ["calls p a 1"] == remaining


@pytest.mark.usefixtures("joined")
async def test_a_lower_limit_holds_for_later_calls(cluster, database):
    """It was changed at one node while calls under the former limit were in flight."""
    order = []
    async with cluster.slot(CALLS, node="a", limit=2):
        async with cluster.slot(CALLS, node="b", limit=2):
            tasks = await line_up(database, cluster, ("c", 1), order=order)
        await until(database, "count(*) = 2")
        order.append("a")
    await end(tasks)

    assert ["a", "c"] == order


@pytest.mark.usefixtures("joined")
async def test_a_frozen_holder_takes_nothing_back(cluster, database, pass_time):
    """Silent for too long, it has lost its place; that it goes on and ends is no matter of its successor."""
    await pass_beating(cluster, pass_time, "a", "b", "c")
    remaining = []
    for name in (CALLS, UPKEEP_SLOT):
        frozen, successor = (cluster.slot(name, node=node, limit=1) for node in "ab")
        await frozen.__aenter__()
        await pass_beating(cluster, pass_time, "b", "c")
        async with asyncio.timeout(60):
            await successor.__aenter__()
        await cluster.beat("a")
        await frozen.__aexit__(None, None, None)
        remaining += await tokens(database)
        await successor.__aexit__(None, None, None)

    assert ["calls p b 1", "turn maintenance b 2"] == remaining


@pytest.mark.usefixtures("joined")
async def test_places_of_the_dead_are_removed_whatever_they_were_for(cluster, database):
    """Such as for a provider that nobody uses any more."""
    lost = cluster.slot("former", node="a", limit=1)
    await lost.__aenter__()
    await cluster.leave("a")

    async with cluster.slot(CALLS, node="b", limit=1):
        assert ["calls p b 1"] == await tokens(database)


@pytest.mark.usefixtures("joined")
async def test_without_hints_a_place_is_found_all_the_same(processes, database):
    """Who waits looks again after a second."""
    deaf = {node: PostgresqlCluster(own, Listener(own)) for node, (own, _) in processes.items()}
    cluster, order = EachNode(deaf), []
    async with cluster.slot(CALLS, node="a", limit=1):
        tasks = await line_up(database, cluster, ("b", 1), ("c", 1), order=order)
    await end(tasks)

    assert ["b", "c"] == order


@pytest.mark.usefixtures("joined")
async def test_no_cancellation_loses_a_place(cluster, database):
    """Neither while a call asks, waits, is granted its place or has it, nor while it frees it."""
    moments, cancelled = random.Random(1), 0

    async def call(node):
        async with cluster.slot(CALLS, node=node, limit=2):
            await asyncio.sleep(moments.choice((0, 0, 0.002)))

    async with asyncio.timeout(120):
        for _ in range(20):
            calls = [asyncio.create_task(call(node)) for node in "aaaabbbccc"]
            for each in calls:
                await asyncio.sleep(moments.choice((0, 0.0005, 0.002)))
                each.cancel()
            ends = await asyncio.gather(*calls, return_exceptions=True)
            cancelled += sum(isinstance(outcome, asyncio.CancelledError) for outcome in ends)
        await until(database, "count(*) = 0")

    assert 100 < cancelled <= 200


@pytest.mark.usefixtures("joined")
async def test_a_release_that_is_cancelled_goes_on(cluster, database):
    """As when a service stops while a call ends."""
    ending = asyncio.Event()

    async def call():
        async with cluster.slot(CALLS, node="a", limit=1):
            await ending.wait()

    async with database.transaction() as connection:
        calling = asyncio.create_task(call())
        await until(database, "count(*) = 1")
        await connection.execute("SELECT lock_resource('calls p')")
        ending.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        calling.cancel()
        await asyncio.wait({calling})
    await until(database, "count(*) = 0")

    assert calling.cancelled()


@pytest.mark.usefixtures("joined")
async def test_a_place_is_freed_after_an_outage(cluster, database, postgresql):
    """The end of a call while the database is away fails for nobody, and is not forgotten."""
    call = cluster.slot(CALLS, node="a", limit=1)
    await call.__aenter__()
    with postgresql.stopped():
        await call.__aexit__(None, None, None)

    await until_it_is_back(database)
    await until(database, "count(*) = 0")


@pytest.mark.usefixtures("joined")
async def test_a_place_whose_release_the_server_lost_is_freed(cluster, database):
    """As by a standby that took over before it had heard of that; what is held stays."""
    async with cluster.slot(CALLS, node="a", limit=1):
        await database.rows("CREATE TABLE former AS SELECT * FROM places")
    await database.rows("INSERT INTO places OVERRIDING SYSTEM VALUE SELECT * FROM former")
    await database.rows("DROP TABLE former")
    async with cluster.slot(UPKEEP_SLOT, node="a", limit=1), cluster.slot(call_slot("q"), node="a", limit=1):
        await database.rows(END_LISTENERS)
        await until(database, "count(*) FILTER (WHERE token = 'calls p a 1') = 0")

        assert ["turn maintenance a 2", "calls q a 3"] == await tokens(database)
