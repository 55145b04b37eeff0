"""What a database tells of its server and its nodes."""

from datetime import timedelta

import pytest

from imagegen_adapters.stores import SchemaTooNew, SchemaTooOld
from imagegen_adapters.stores.postgresql.cluster import Listener, PostgresqlCluster
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.installation import inspect, read_activity
from imagegen_adapters.stores.postgresql.tasks import PostgresqlTasks
from imagegen_adapters.system import SystemClock, simplify
from imagegen_core.ports.cluster import UPKEEP_SLOT, call_slot
from tests.contracts.clock import ManualClock
from tests.contracts.samples import a_task

pytestmark = pytest.mark.anyio


async def test_what_nodes_do(postgresql_database):
    """Who there is, who maintains the stores, and what is in flight."""
    database, listener = postgresql_database, Listener(postgresql_database)
    cluster = PostgresqlCluster(database, listener, host="box-1", roles=("api",), version="1.2.3")
    await cluster.beat("a")
    await PostgresqlTasks(database, simplify=simplify).add(a_task(), queue_size=9)
    calls = call_slot("p q")
    async with (
        cluster.slot(UPKEEP_SLOT, node="a", limit=1),
        cluster.slot(calls, node="a", limit=2),
        cluster.slot(calls, node="a", limit=2),
    ):
        activity = await read_activity(database)
    idle = await read_activity(database)

    (node,) = activity.nodes
    assert ("a", "box-1", ("api",), "1.2.3", "a", {"p q": 2}) == (
        node.name,
        node.host,
        node.roles,
        node.version,
        activity.turn,
        activity.calls,
    )
    assert activity.oldest_pending_seconds is not None
    assert (None, {}) == (idle.turn, idle.calls)


async def test_a_server_that_does(postgresql_dsn):
    """A session has our settings, and its clock is this machine's."""
    inspection = await inspect(postgresql_dsn, SystemClock())

    assert (True, True) == (inspection.keeps_settings, inspection.max_connections > 0)
    assert abs(inspection.clock_difference) < timedelta(seconds=5)


async def test_a_server_that_may_lose_commits(postgresql_dsn):
    """That of the tests is fast, and trusted with nothing."""
    inspection = await inspect(postgresql_dsn, SystemClock())

    assert ("off", False) == (inspection.synchronous_commit, inspection.keeps_commits)


async def test_a_clock_that_differs(postgresql_dsn):
    """By how much, and in which direction."""
    clock = ManualClock()
    ahead = (await inspect(postgresql_dsn, clock)).clock_difference
    clock.advance(3600)
    later = (await inspect(postgresql_dsn, clock)).clock_difference

    assert 3600 == round((later - ahead).total_seconds() / 10) * 10


async def test_a_schema_that_is_only_looked_at(postgresql, postgresql_template):
    """Where migrations are pending, or unknown ones applied, nothing is opened and nothing changes."""
    empty = postgresql.create_database("looked_at")
    newer = postgresql.create_database("looked_at_newer", f"TEMPLATE {postgresql_template}")
    postgresql.run("INSERT INTO schema_migrations (name) VALUES ('9999_later')", "looked_at_newer")
    for dsn, error in ((empty, SchemaTooOld), (newer, SchemaTooNew)):
        with pytest.raises(error):
            await Database.open(dsn, migrating=False)

    assert ["0"] == postgresql.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "looked_at")
