"""A node resumes the tasks that nobody runs: those of dead nodes, and those that it gave up itself."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import Phase
from imagegen_core.errors import StorageError
from imagegen_core.task import MAX_RECOVERIES
from tests.contracts.clock import ManualClock
from tests.contracts.memory import DEAD_AFTER_SECONDS, MemoryCluster
from tests.unit.core.scripted_imagegen import begun, crash_in, imagegen_over
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


def with_cluster(cluster, **more):
    """Return a service among these nodes."""
    provider = ScriptedProvider()
    adapters = attrs.evolve(memory_adapters(providers={"scripted": provider}), cluster=cluster)
    return imagegen_over(provider, adapters=adapters, **more)


async def claimed_by(owner, imagegen):
    """Return a task that ``owner`` has claimed."""
    adapters = imagegen.parts
    await imagegen.submit("猫")
    (task,) = await adapters.queue.claim(
        owner, limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9}
    )
    return task


async def resumed(imagegen, *, looks=1):
    """Return how many tasks each look found to resume."""
    return [await imagegen.node.resume() for _ in range(looks)]


async def test_a_task_that_this_node_gave_up_is_resumed_at_the_second_look():
    """Its end could not be stored; the first look may have come between a claim and its run."""
    imagegen = imagegen_over(ScriptedProvider())
    await imagegen.parts.cluster.beat(imagegen.owner)
    task = await claimed_by(imagegen.owner, imagegen)

    assert [0, 1, 0] == await resumed(imagegen, looks=3)
    stored = await imagegen.parts.tasks.get(task.task_id)
    assert (TaskStatus.PENDING, 1) == (stored.status, stored.recoveries)


async def test_a_running_task_is_left_alone():
    """However often somebody looks."""
    imagegen = imagegen_over(ScriptedProvider())
    task = await claimed_by(imagegen.owner, imagegen)
    begun(imagegen, task)

    assert [0, 0, 0] == await resumed(imagegen, looks=3)


async def test_a_run_that_was_given_up_is_found_twice_as_any_other():
    """That its claim was seen before its run began does not count."""
    imagegen = imagegen_over(ScriptedProvider())
    task = await claimed_by(imagegen.owner, imagegen)
    looks = await resumed(imagegen)
    begun(imagegen, task)
    looks += await resumed(imagegen)
    del imagegen.runner.runs[task.task_id]
    looks += await resumed(imagegen, looks=2)

    assert [0, 0, 0, 1] == looks


async def test_a_task_that_was_claimed_again_counts_as_new():
    """What was seen without a run was its earlier claim."""
    imagegen = imagegen_over(ScriptedProvider())
    task = await claimed_by(imagegen.owner, imagegen)
    await resumed(imagegen)
    requeued = task.requeue()
    await imagegen.parts.tasks.save(task.fence, task=requeued)
    await imagegen.parts.tasks.save(requeued.fence, task=requeued.claim(imagegen.owner, task.created_at))

    assert [0, 1] == await resumed(imagegen, looks=2)


async def test_a_task_that_is_given_up_each_time_is_failed():
    """A defect that prevents its end as well must not run it for ever."""
    imagegen = imagegen_over(ScriptedProvider())
    task = await claimed_by(imagegen.owner, imagegen)
    for _ in range(MAX_RECOVERIES):
        await resumed(imagegen, looks=2)
        await imagegen.parts.queue.claim(
            imagegen.owner, limit=1, now=imagegen.parts.clock.now(), provider_limits={"scripted": 9}
        )

    await resumed(imagegen, looks=2)

    stored = await imagegen.parts.tasks.get(task.task_id)
    assert (TaskStatus.FAILED, FailureCode.INTERNAL, MAX_RECOVERIES) == (
        stored.status,
        stored.failure.code,
        stored.recoveries,
    )


async def test_tasks_of_another_node_are_resumed_once_it_is_silent():
    """Not while it is alive, whoever looks."""
    clock = ManualClock()
    cluster = MemoryCluster(clock)
    imagegen = with_cluster(cluster)
    await claimed_by("another", imagegen)
    await cluster.beat(imagegen.owner)
    await cluster.beat("another")
    looks = []
    for _ in range(5):
        looks += await resumed(imagegen)
        clock.advance(DEAD_AFTER_SECONDS / 3)
        await cluster.beat(imagegen.owner)

    assert [0, 0, 0, 0, 1] == looks


class LateNews:
    """Nodes that are told who is alive before others join: ``claim`` is awaited after the first answer."""

    def __init__(self, cluster, claim):
        self._cluster, self._claim = cluster, claim

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    async def alive(self, observer):
        alive, claim = await self._cluster.alive(observer), self._claim
        self._claim = None
        if claim is not None:
            await claim()
        return alive


async def test_a_node_that_joins_between_two_statements_keeps_what_it_claims():
    """Who looks may stand still between asking who is alive and asking what is processing."""
    clock = ManualClock()
    cluster = MemoryCluster(clock)

    async def join_and_claim():
        await cluster.beat("new")
        await claimed_by("new", imagegen)

    imagegen = with_cluster(LateNews(cluster, join_and_claim))
    for _ in range(4):  # until it can tell
        await cluster.beat(imagegen.owner)
        clock.advance(DEAD_AFTER_SECONDS / 3)

    assert [0] == await resumed(imagegen)


async def test_what_a_node_left_behind_is_resumed_while_others_run():
    """Nobody has to start for that."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    await adapters.cluster.beat("dead")
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), Phase.RESERVED)

    async with imagegen_over(provider, adapters=adapters, beat_seconds=0.001) as alive:
        before = (await adapters.tasks.get(task_id)).owner
        await adapters.cluster.leave("dead")
        task = await alive.wait(task_id, timeout=60)

    assert ("dead", TaskStatus.COMPLETED, 1) == (before, task.status, provider.charged)


async def test_a_node_is_alive_from_its_start_to_its_stop():
    """Others may take what it still has as soon as it has stopped."""
    imagegen = imagegen_over(ScriptedProvider())
    cluster = imagegen.parts.cluster
    async with imagegen:
        during = await cluster.alive("observer")

    assert [{imagegen.owner}, set()] == [during, await cluster.alive("observer")]


class FailingCluster:
    """A node whose second beat fails with ``error``, and who cannot leave; the third sets ``beaten``."""

    def __init__(self, error=None):
        self._cluster, self._error = MemoryCluster(ManualClock()), error
        self._beats, self.beaten = 0, asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    async def beat(self, node):
        self._beats += 1
        if self._beats == 2 and self._error is not None:
            raise self._error
        await self._cluster.beat(node)
        if self._beats > 2:
            self.beaten.set()

    async def leave(self, node):
        raise StorageError("the database does not respond")


@pytest.mark.parametrize("error", [StorageError("the database does not respond"), RuntimeError("a defect")])
async def test_a_beat_that_failed_is_repeated(error, caplog):
    """And the log says so."""
    cluster = FailingCluster(error)

    async with with_cluster(cluster, beat_seconds=0.001), asyncio.timeout(60):
        await cluster.beaten.wait()

    assert ["a beat failed"] == [message for message in caplog.messages if "failed" in message]


async def test_a_node_that_cannot_say_that_it_leaves_stops_all_the_same(caplog):
    """Others find out by its silence."""
    async with with_cluster(FailingCluster()):
        pass

    assert "other nodes will notice late that this one is gone" in caplog.messages


async def test_a_node_that_runs_no_tasks_is_alive_and_takes_none():
    """It accepts a task and waits for its end; who runs it, and rescues what is left, is another one."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    await adapters.cluster.beat("dead")
    orphan = await crash_in(imagegen_over(provider, adapters=adapters), Phase.RESERVED)
    await adapters.cluster.leave("dead")
    accepting = imagegen_over(provider, adapters=adapters, beat_seconds=0.001, runs_tasks=False)
    async with accepting:
        during = await adapters.cluster.alive("observer")
        task = await accepting.submit("猫")
        alone = await accepting.wait(task.task_id, timeout=0.05)
        untouched = await adapters.tasks.get(orphan)
        async with imagegen_over(provider, adapters=adapters, beat_seconds=0.001):
            ended = await accepting.wait(task.task_id, timeout=60)

    assert {accepting.owner} == during
    assert [TaskStatus.PENDING, TaskStatus.PROCESSING] == [alone.status, untouched.status]
    assert TaskStatus.COMPLETED is ended.status
