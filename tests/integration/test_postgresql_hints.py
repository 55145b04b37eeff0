"""Two nodes on PostgreSQL: what happens at one is noticed at the other, by hints or without them."""

import asyncio
import contextlib

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.stores.postgresql.cluster import Listener, PostgresqlCluster
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.search import postgresql_gallery
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.system import simplify
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.task import EventKind
from tests.unit.core.scripted_imagegen import imagegen_over, refused
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

NEVER = 600


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture(params=["hints", "no hints"])
def with_hints(request):
    return request.param == "hints"


@pytest.fixture
def beat_seconds(with_hints, monkeypatch):
    """Return the interval of beats, and let nobody look without a hint where there are hints."""
    if with_hints:
        monkeypatch.setattr("imagegen_adapters.stores.postgresql.tasks.POLL_SECONDS", NEVER)
    return NEVER if with_hints else 0.05


@pytest.fixture
async def node(database, postgresql_dsn, with_hints, beat_seconds):
    """Return a function that returns an `ImageGen` of its own over the database."""
    async with contextlib.AsyncExitStack() as stack:

        async def node(provider):
            own = await Database.open(postgresql_dsn)
            stack.push_async_callback(own.close)
            listener = Listener(own)
            if with_hints:
                listener.start()
                stack.push_async_callback(listener.close)
                await listener.connected()
            adapters = attrs.evolve(
                memory_adapters(providers={"scripted": provider}),
                tasks=PostgresqlTasks(own, listener, simplify=simplify),
                queue=PostgresqlQueue(own, listener),
                cluster=PostgresqlCluster(own, listener),
                images=postgresql_gallery(own),
            )
            return imagegen_over(provider, adapters=adapters, beat_seconds=beat_seconds)

        yield node


@pytest.mark.parametrize("with_hints", [True])
async def test_what_one_node_enqueues_wakes_the_workers_of_another(node):
    """They would ask again a second later."""
    accepting, waiting = await node(ScriptedProvider()), await node(ScriptedProvider())
    queue, now = waiting.parts.queue, waiting.parts.clock.now()
    before = await queue.demand(now=now, limit=1)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(queue.wait(NEVER))
        await accepting.submit("猫")

    after = await queue.demand(now=now, limit=1)
    assert ({}, {"scripted": 0}) == (before.processing, after.processing)


async def test_a_task_that_one_node_accepts_another_runs(node):
    """Its events are followed at the one that accepted it, whose own workers are not running."""
    provider = ScriptedProvider()
    accepting, running = await node(provider), await node(provider)
    async with running, asyncio.timeout(30):
        task = await accepting.submit("猫")
        kinds = [event.kind async for event in accepting.parts.queue.events(task.task_id)]

    assert ([EventKind.IMAGE, EventKind.COMPLETED], 1) == (kinds, provider.charged)


async def test_a_task_is_cancelled_at_another_node_than_its_own(node):
    """The node that runs it is told, or looks at its next beat."""
    provider, started = ScriptedProvider(), asyncio.Event()

    async def until_cancelled():
        started.set()
        await provider.release.wait()
        raise refused(FailureCode.CANCELLED)

    provider.submits = [until_cancelled]
    accepting, running = await node(provider), await node(provider)
    async with running, asyncio.timeout(30):
        task = await accepting.submit("猫")
        await started.wait()
        await accepting.tasks.cancel(task.task_id)
        ended = await accepting.wait(task.task_id)

    assert (TaskStatus.CANCELLED, [None]) == (ended.status, provider.cancelled)
