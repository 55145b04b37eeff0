"""Hints reach the other nodes, and after whatever cut them off, everybody looks once."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from imagegen_adapters.stores.postgresql.cluster import MAX_HINT_BYTES, Listener, ListenerPolicy
from imagegen_adapters.stores.postgresql.database import Database

pytestmark = pytest.mark.anyio

IMPATIENT = ListenerPolicy(ping_seconds=0.05, answer_seconds=5, min_retry_seconds=0.01)

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'imagegen listener'"


class Heard:
    """What a node heard about a topic, in its order."""

    def __init__(self, listener, topic):
        self.keys = []
        self._more = asyncio.Event()
        listener.hear(topic, self._add)

    def _add(self, key):
        self.keys.append(key)
        self._more.set()

    async def until(self, key):
        """Return once the key is the last that was heard."""
        async with asyncio.timeout(60):
            while self.keys[-1:] != [key]:
                self._more.clear()
                await self._more.wait()
        return self.keys


@asynccontextmanager
async def node(dsn, policy=IMPATIENT):
    database = await Database.open(dsn)
    listener = Listener(database, policy)
    listener.start()
    await listener.connected()
    try:
        yield listener
    finally:
        await listener.close()
        await database.close()


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture
async def first(database, postgresql_dsn):
    async with node(postgresql_dsn) as listener:
        yield listener


@pytest.fixture
async def second(database, postgresql_dsn):
    async with node(postgresql_dsn) as listener:
        yield listener


async def pid_of_the_only_listener(database):
    ((pid,),) = await database.rows(LISTENERS)
    return pid


async def test_hints_are_heard_by_all_nodes_once(first, second):
    """With their keys, and also those of a node's own."""
    own, others, other_topic = Heard(first, "a"), Heard(second, "a"), Heard(second, "b")
    for key in ("猫 1", "2"):
        first.notify("a", key)
    own_keys = list(own.keys)
    first.notify("b", "the last")
    await other_topic.until("the last")

    assert [["猫 1", "2"], ["猫 1", "2"], ["猫 1", "2"]] == [own_keys, others.keys, own.keys]


async def test_hints_of_the_same_moment_are_sent_together(first, second, database):
    """Commits that notify wait for each other, in the whole server."""
    heard = Heard(second, "a")
    ((before,),) = await database.rows("SELECT pg_current_xact_id()::text::bigint")
    for number in range(100):
        first.notify("a", str(number % 50))
    first.notify("a", "last")
    await heard.until("last")
    ((after,),) = await database.rows("SELECT pg_current_xact_id()::text::bigint")

    assert (51, True) == (len(heard.keys), after - before < 10)


async def test_a_hint_about_a_long_key_is_one_about_all(first, second):
    """A notification has no room for it."""
    long, short = ("é" * (length // 2) for length in (MAX_HINT_BYTES, MAX_HINT_BYTES - 4))
    heard = Heard(second, "a")
    first.notify("a", long)
    await heard.until("")
    first.notify("a", short)

    assert ["", short] == await heard.until(short)


async def test_everybody_looks_after_a_lost_connection(database, first):
    """Of whatever topic: hints were missed meanwhile. Then hints are heard as before."""
    heard, others = Heard(first, "a"), Heard(first, "b")
    await database.rows("SELECT pg_terminate_backend($1)", await pid_of_the_only_listener(database))
    await others.until("")
    await database.rows("SELECT pg_notify('imagegen', 'a key')")

    assert ["", "key"] == await heard.until("key")


async def test_a_restarted_server_is_found_again(database, first, postgresql):
    """Hints of this node are heard by itself all the while."""
    heard = Heard(first, "a")
    with postgresql.stopped():
        first.notify("a", "own")
    await heard.until("")

    assert ["own", ""] == heard.keys


async def test_a_connection_that_is_silently_cut_is_noticed(database, first):
    """As by a server that was suspended; no packet says so."""
    heard, pid = Heard(first, "a"), await pid_of_the_only_listener(database)
    os.kill(pid, signal.SIGSTOP)
    try:
        await heard.until("")
        await database.rows("SELECT pg_notify('imagegen', 'a key')")
        keys = await heard.until("key")
    finally:
        os.kill(pid, signal.SIGCONT)

    assert ["", "key"] == keys


async def test_a_closed_listener_is_disconnected(database, postgresql_dsn):
    """It may be closed twice, or without having been started; hints of its own are heard all the same."""
    async with node(postgresql_dsn) as listener:
        heard = Heard(listener, "a")
        await listener.close()
        listener.notify("a", "own")
        await Listener(database).close()
    async with asyncio.timeout(60):
        while await database.rows(LISTENERS):
            pass

    assert ["own"] == heard.keys


async def test_nobody_reconnects_to_a_database_that_is_closed(postgresql_dsn):
    """The listener ends by itself."""
    database = await Database.open(postgresql_dsn)
    listener = Listener(database, IMPATIENT)
    listener.start()
    await listener.connected()
    await database.close()
    other = await Database.open(postgresql_dsn)
    await other.rows("SELECT pg_terminate_backend($1)", await pid_of_the_only_listener(other))
    await other.close()

    async with asyncio.timeout(60):
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "hints"))


async def test_a_hint_for_a_node_that_closes_meanwhile_is_no_error(first, postgresql_dsn):
    """It may have been read from the connection, and not yet be heard, when that is closed."""
    errors = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    for _ in range(20):
        async with node(postgresql_dsn) as closing:
            heard = asyncio.Event()
            closing.hear("a", lambda _key, heard=heard: heard.set())
            closing.hear("a", lambda _key, closing=closing: asyncio.ensure_future(closing.close()))
            for key in range(5):
                first.notify("a", str(key))
                await asyncio.sleep(0)
            await heard.wait()

    assert [] == errors
