"""A worker claims the oldest tasks, once each, as soon as their providers are below their limits."""

import asyncio
from contextlib import asynccontextmanager

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import ImageGen, Limits, TaskStatus
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.policies import RetryPolicy
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


class SlowProvider(ScriptedProvider):
    """Responds on demand; ``begun`` has the prompts in the order in which their calls started."""

    def __init__(self, **more):
        super().__init__(**more)
        self.begun: list[str] = []
        self._answers: dict[str, asyncio.Event] = {}

    async def submit(self, call, exchange):
        prompt = call.request.prompt
        self.begun.append(prompt)
        await self._answers.setdefault(prompt, asyncio.Event()).wait()
        return await super().submit(call, exchange)

    def answer(self, *prompts):
        for prompt in prompts:
            self._answers.setdefault(prompt, asyncio.Event()).set()

    async def until_begun(self, count):
        async with asyncio.timeout(60):
            while len(self.begun) < count:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)


class CountingQueue:
    """A memory queue that counts how often it is looked into, and its claims."""

    def __init__(self, queue):
        self._queue, self.looks, self.claims = queue, 0, 0

    def __getattr__(self, name):
        return getattr(self._queue, name)

    async def demand(self, **more):
        self.looks += 1
        return await self._queue.demand(**more)

    async def claim(self, owner, **more):
        self.claims += 1
        return await self._queue.claim(owner, **more)


@attrs.define
class WatchedDisk:
    """Counts how often it is checked."""

    has_room: bool
    checks: int = 0

    def __call__(self):
        self.checks += 1
        return self.has_room


def config_of(name, **extra):
    return ProviderConfig(provider_name=name, kind=name, source=ConfigSource.FILE, extra_config=extra)


def imagegen_over(providers, *, workers=32, limits=None, grace_seconds=0):
    """Return an `ImageGen` over providers by name, with ``limits`` as their ``max_concurrency``."""
    adapters = memory_adapters(providers=providers)
    extra = {name: {"max_concurrency": limit} for name, limit in (limits or {}).items()}
    return ImageGen(
        attrs.evolve(adapters, queue=CountingQueue(adapters.queue)),
        limits=Limits(default_provider="slow", workers=workers, shutdown_grace_seconds=grace_seconds),
        file_configs={name: config_of(name, **extra.get(name, {})) for name in providers},
        retry=RetryPolicy(base=0.0, jitter=0.0),
    )


@asynccontextmanager
async def queue_of(imagegen, count, **params):
    """Submit tasks with the prompts 0, 1, 2 …, run the worker, and yield the tasks in this order."""
    tasks = [await imagegen.submit(str(n), **params) for n in range(count)]
    async with imagegen:
        yield tasks


async def statuses(imagegen, tasks):
    return [(await imagegen.parts.tasks.get(task.task_id)).status for task in tasks]


@pytest.mark.parametrize("limit", [1, 3])
async def test_tasks_are_sent_in_their_order_each_claimed_once(limit):
    """However many tasks wait and workers are idle, the next starts when one has ended."""
    provider = SlowProvider(max_concurrency=limit)
    imagegen = imagegen_over({"slow": provider})
    names = [str(n) for n in range(60)]

    async with queue_of(imagegen, 60) as tasks:
        for n, name in enumerate(names):
            await provider.until_begun(min(n + limit, 60))
            waiting = [
                t for t, s in zip(tasks, await statuses(imagegen, tasks), strict=True) if s == "pending"
            ]
            places = [await imagegen.parts.queue.position(task.task_id) for task in waiting]
            assert tasks[n + limit :] == waiting
            assert list(range(1, len(waiting) + 1)) == places
            provider.answer(name)
            await imagegen.wait(tasks[n].task_id, timeout=60)
    ended = [await imagegen.parts.tasks.get(task.task_id) for task in tasks]

    assert names == provider.begun
    assert {(TaskStatus.COMPLETED, 1)} == {(task.status, task.epoch) for task in ended}
    assert imagegen.parts.queue.claims <= 60


async def test_the_queue_is_looked_into_when_something_may_have_changed(monkeypatch):
    """Once at the start and once for each task, not when one ends for which no other waits."""
    monkeypatch.setattr("imagegen_core.running.runner.IDLE_SECONDS", 3600.0)
    provider = SlowProvider()
    imagegen = imagegen_over({"slow": provider})

    async with imagegen:
        for name in ("0", "1", "2"):
            task = await imagegen.submit(name)
            provider.answer(name)
            await imagegen.wait(task.task_id, timeout=60)
            for _ in range(20):
                await asyncio.sleep(0)

    queue = imagegen.parts.queue
    assert (3, True) == (queue.claims, queue.looks <= 4)


class FirstIsSlow:
    """Calls of which the first takes long to plan."""

    def __init__(self, calls):
        self._calls, self._turns = calls, 50

    def __getattr__(self, name):
        return getattr(self._calls, name)

    async def plan(self, *values):
        turns, self._turns = self._turns, 0
        for _ in range(turns):
            await asyncio.sleep(0)
        return await self._calls.plan(*values)


async def test_tasks_that_are_claimed_together_begin_in_their_order():
    """Even if the older task takes longer to prepare, all its calls start before the younger's."""
    provider = SlowProvider(max_concurrency=3, fan_out=True)
    imagegen = imagegen_over({"slow": provider})
    imagegen.worker._runner = attrs.evolve(imagegen.runner, calls=FirstIsSlow(imagegen.runner.calls))
    async with queue_of(imagegen, 3, num=2) as tasks:
        await provider.until_begun(3)
        begun = list(provider.begun)
        provider.answer("0", "1", "2")
        for task in tasks:
            await imagegen.wait(task.task_id, timeout=60)

    assert ["0", "0", "1"] == begun
    assert ["0", "0", "1", "1", "2", "2"] == provider.begun


async def test_a_full_provider_does_not_hold_up_another():
    """Neither while many tasks wait for it, nor with few workers."""
    slow, quick = SlowProvider(max_concurrency=1), ScriptedProvider()
    imagegen = imagegen_over({"slow": slow, "quick": quick}, workers=2)

    async with queue_of(imagegen, 40) as tasks:
        others = [await imagegen.submit("快", provider="quick") for _ in range(5)]
        done = [await imagegen.wait(task.task_id, timeout=60) for task in others]
        queue_statuses = await statuses(imagegen, tasks)
        slow.answer(*map(str, range(40)))
        for task in tasks:
            await imagegen.wait(task.task_id, timeout=60)

    assert {TaskStatus.COMPLETED} == {task.status for task in done}
    assert [TaskStatus.PROCESSING, *[TaskStatus.PENDING] * 39] == queue_statuses
    assert [str(n) for n in range(40)] == slow.begun


async def test_a_defect_in_one_provider_does_not_hold_up_another():
    """Only its own tasks fail."""

    class Defective(ScriptedProvider):
        broken = False

        def describe(self, config):
            if self.broken:
                raise KeyError("a defect")
            return super().describe(config)

    defective = Defective()
    imagegen = imagegen_over({"defective": defective, "quick": ScriptedProvider()})
    theirs = await imagegen.submit("a", provider="defective")
    ours = await imagegen.submit("b", provider="quick")
    defective.broken = True
    saved = attrs.evolve(config_of("defective"), source=ConfigSource.DATABASE)
    await imagegen.parts.configs.save(
        saved, key_origin=""
    )  # what is known of the earlier one is no longer used

    async with imagegen:
        ended = [await imagegen.wait(task.task_id, timeout=60) for task in (ours, theirs)]

    assert [TaskStatus.COMPLETED, TaskStatus.FAILED] == [task.status for task in ended]
    assert FailureCode.INTERNAL == ended[1].failure.code


async def test_a_changed_limit_counts_from_the_next_claim_on():
    """A raised limit lets more tasks start; a lowered one lets none start for a while."""
    provider = SlowProvider()
    imagegen = imagegen_over({"slow": provider}, limits={"slow": 1})

    async with queue_of(imagegen, 6) as tasks:
        await provider.until_begun(1)
        imagegen.resolve.file_configs["slow"] = config_of("slow", max_concurrency=3)
        provider.answer("0")
        await provider.until_begun(4)
        raised = await statuses(imagegen, tasks)
        imagegen.resolve.file_configs["slow"] = config_of("slow", max_concurrency=1)
        provider.answer("1", "2")
        for task in tasks[:3]:
            await imagegen.wait(task.task_id, timeout=60)
        lowered = await statuses(imagegen, tasks)
        provider.answer("3", "4", "5")
        for task in tasks:
            await imagegen.wait(task.task_id, timeout=60)

    assert ["completed", *["processing"] * 3, *["pending"] * 2] == raised
    assert [*["completed"] * 3, "processing", *["pending"] * 2] == lowered


async def test_a_resumed_job_counts_against_the_limit():
    """It is the oldest, so no other call is sent meanwhile."""
    provider = SlowProvider(as_job=True, max_concurrency=1)
    polling = asyncio.Event()

    async def poll():
        polling.set()
        await asyncio.Event().wait()

    provider.polls = [poll]
    provider.answer("0", "1")
    first = imagegen_over({"slow": provider})
    async with queue_of(first, 2) as tasks:
        await polling.wait()
    polling.clear()
    released = asyncio.Event()

    async def poll_again():
        polling.set()
        await released.wait()

    provider.polls = [poll_again]
    second = ImageGen(
        first.parts, limits=first.limits, file_configs=first.resolve.file_configs, retry=RetryPolicy()
    )
    async with second:
        await polling.wait()
        meanwhile = (await statuses(second, tasks), list(provider.begun))
        released.set()
        for task in tasks:
            await second.wait(task.task_id, timeout=60)

    assert ([TaskStatus.PROCESSING, TaskStatus.PENDING], ["0"]) == meanwhile
    assert ["0", "1"] == provider.begun


async def test_what_other_nodes_run_takes_no_worker_of_this_one():
    """A provider without a limit of its own runs as many tasks as there are workers on all nodes."""
    imagegen = imagegen_over({"slow": ScriptedProvider()}, workers=1)
    adapters = imagegen.parts
    await adapters.cluster.beat("another")
    theirs, mine = [await imagegen.submit("a") for _ in range(2)]
    await adapters.queue.claim("another", limit=1, now=adapters.clock.now(), provider_limits={"slow": 1})

    async with imagegen:
        task = await imagegen.wait(mine.task_id, timeout=60)

    assert [TaskStatus.PROCESSING, TaskStatus.COMPLETED] == await statuses(imagegen, [theirs, task])


async def test_a_rate_limited_task_does_not_count_against_the_limit():
    """While it waits as long as the provider asked, the next task runs."""
    provider = SlowProvider(max_concurrency=1)
    provider.submits = [CallError(FailureCode.RATE_LIMITED, "busy", not_started=True, retry_after=900)]
    imagegen = imagegen_over({"slow": provider})

    async with queue_of(imagegen, 3) as tasks:
        provider.answer("0")
        await provider.until_begun(2)
        task_statuses = await statuses(imagegen, tasks)
        places = [await imagegen.parts.queue.position(task.task_id) for task in tasks]

    assert (["0", "1"], ["pending", "processing", "pending"]) == (provider.begun, task_statuses)
    assert [1, None, 1] == places


async def test_a_provider_without_a_call_in_flight_takes_no_memory():
    """However many providers there were, no state is left of them."""
    provider = SlowProvider()
    imagegen = imagegen_over({"slow": provider})

    async with queue_of(imagegen, 1):
        await provider.until_begun(1)
        during = dict(imagegen.slots._in_flight)
        provider.answer("0")
    afterwards = dict(imagegen.slots._in_flight)

    assert ({"slow": 1}, {}) == (during, afterwards)


async def test_a_task_that_waits_for_the_disk_does_not_spin():
    """The disk is checked once a second, although the queue has a task; then the task runs."""
    imagegen = imagegen_over({"slow": ScriptedProvider()})
    task = await imagegen.submit("a")
    disk = WatchedDisk(has_room=False)
    imagegen.worker._parts = attrs.evolve(imagegen.parts, has_room=disk)

    async with imagegen:
        for _ in range(500):
            await asyncio.sleep(0)
        checks = disk.checks
        disk.has_room = True
        ended = await imagegen.wait(task.task_id, timeout=60)

    assert (1, TaskStatus.COMPLETED) == (checks, ended.status)


@pytest.mark.parametrize("turns", range(12))
async def test_a_task_may_end_in_any_turn_of_the_loop_while_its_worker_stops(turns):
    """Also just before the worker begins to wait for the last one."""

    class Refusing(SlowProvider):
        async def submit(self, call, exchange):
            await super().submit(call, exchange)
            raise CallError(FailureCode.REJECTED, "no")

    provider = Refusing()
    imagegen = imagegen_over({"slow": provider}, grace_seconds=60)
    async with queue_of(imagegen, 1) as tasks:
        await provider.until_begun(1)
        provider.answer("0")
        for _ in range(turns):
            await asyncio.sleep(0)

    assert [TaskStatus.FAILED] == await statuses(imagegen, tasks)
