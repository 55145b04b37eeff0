"""Subscribers of a task get its end, whatever happens to the service once the end is stored."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import in_memory, memory_adapters
from imagegen_core import FailureCode, ImageGen, Limits, TaskStatus
from imagegen_core.attempt import Receipt
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError
from imagegen_core.task import MAX_RECOVERIES, EventKind
from tests.unit.core.scripted_imagegen import imagegen_over, resume
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


class DyingQueue:
    """The queue of a process that dies when it tells of the end of a task."""

    def __init__(self, queue, tasks):
        self._queue, self._tasks = queue, tasks

    def __getattr__(self, name):
        return getattr(self._queue, name)

    async def notify(self, task_id):
        if (await self._tasks.get(task_id)).status.final:
            raise RuntimeError("killed")
        await self._queue.notify(task_id)


def dying_over(provider):
    """Return an `ImageGen` that dies after each end of a task, and its adapters."""
    adapters = memory_adapters(providers={"scripted": provider})
    config = ProviderConfig(provider_name="scripted", kind="scripted", source=ConfigSource.FILE)
    imagegen = ImageGen(
        attrs.evolve(adapters, queue=DyingQueue(adapters.queue, adapters.tasks)),
        limits=Limits(default_provider="scripted", shutdown_grace_seconds=0),
        file_configs={"scripted": config},
    )
    return imagegen, adapters


async def event_kinds(adapters, task_id):
    """Return the kinds of events that a later subscriber gets."""
    async with asyncio.timeout(60):
        return [event.kind async for event in adapters.queue.events(task_id)]


async def ended(imagegen, adapters, task_id):
    async with asyncio.timeout(60):
        while not (await adapters.tasks.get(task_id)).status.final:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


async def test_a_task_that_is_completed_when_the_service_dies():
    """A later subscriber gets the image's event and the final one."""
    imagegen, adapters = dying_over(ScriptedProvider())

    async with imagegen:
        task = await imagegen.submit("猫")
        await ended(imagegen, adapters, task.task_id)

    assert [EventKind.IMAGE, EventKind.COMPLETED] == await event_kinds(adapters, task.task_id)


async def test_a_task_that_fails_when_the_service_dies():
    """By the provider's refusal, or by a defect of this service."""
    refusing, broken = ScriptedProvider(), ScriptedProvider()
    refusing.submits = [CallError(FailureCode.CONTENT_POLICY, "no")]
    broken.collects = [ValueError("a defect")]
    kinds = []

    for provider in (refusing, broken):
        imagegen, adapters = dying_over(provider)
        async with imagegen:
            task = await imagegen.submit("猫")
            await ended(imagegen, adapters, task.task_id)
        kinds.append(await event_kinds(adapters, task.task_id))

    assert [[EventKind.FAILED]] * 2 == kinds


async def test_a_waiting_task_that_is_cancelled_when_the_service_dies():
    """The caller gets an error, but subscribers get the end."""
    imagegen, adapters = dying_over(ScriptedProvider())
    task = await imagegen.submit("猫")

    with pytest.raises(RuntimeError):
        await imagegen.tasks.cancel(task_id=task.task_id)

    assert [EventKind.CANCELLED] == await event_kinds(adapters, task.task_id)


async def test_a_call_that_is_interrupted_by_the_stop():
    """Subscribers of a request in flight at the end of the grace time get its end."""
    provider = ScriptedProvider()
    started = asyncio.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    provider.submits = [forever]
    imagegen, adapters = dying_over(provider)
    async with imagegen:
        task = await imagegen.submit("猫")
        await started.wait()

    assert [EventKind.FAILED] == await event_kinds(adapters, task.task_id)


async def test_a_response_that_stopped_the_service_too_often():
    """Its end is delivered even if the start that fails it dies as well."""
    imagegen, adapters = dying_over(ScriptedProvider())
    task, now = await imagegen.submit("猫"), adapters.clock.now()
    (claimed,) = await adapters.queue.claim("dead", limit=1, now=now, provider_limits={"scripted": 1})
    await adapters.tasks.save(claimed.fence, task=attrs.evolve(claimed, recoveries=MAX_RECOVERIES))
    attempt = imagegen.runner.calls.reserved(claimed, 0)
    received = attempt.submitting(now).received(now, Receipt(data={}))
    await adapters.tasks.save(claimed.fence, attempts=(received,))

    with pytest.raises(RuntimeError):
        await resume(imagegen, "alive")

    assert [EventKind.FAILED] == await event_kinds(adapters, task.task_id)


async def test_no_event_follows_the_end_of_a_task():
    """Late progress is not stored after the final event, where a stream would wait for another end."""
    provider, late = ScriptedProvider(), []

    async def submit(call, exchange):
        late.append(exchange)
        return await ScriptedProvider.submit(provider, call, exchange)

    provider.submit = submit
    imagegen = in_memory(providers={"scripted": provider}, limits=Limits(default_provider="scripted"))
    async with imagegen:
        task = await imagegen.submit("猫")
        await imagegen.wait(task.task_id, timeout=60)
        await late[0].progress(0.9)

    assert [EventKind.IMAGE, EventKind.COMPLETED] == await event_kinds(imagegen.parts, task.task_id)


class CountingRepository:
    """A memory repository that counts how often a task is read."""

    def __init__(self, repository):
        self._repository, self.reads = repository, 0

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def get(self, task_id):
        self.reads += 1
        return await self._repository.get(task_id)


def counting_over(provider):
    """Return an `ImageGen`, and its repository, which counts."""
    adapters = memory_adapters(providers={"scripted": provider})
    repository = CountingRepository(adapters.tasks)
    return imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=repository)), repository


async def test_who_waits_for_a_new_task_reads_nothing():
    """Its end and its images are handed over in memory, and are what the database has."""
    imagegen, repository = counting_over(ScriptedProvider())

    async with imagegen:
        task = await imagegen.submit("猫")
        ended, images = await imagegen.tasks.outcome(task.task_id, timeout=60, is_new=True)
        reads = repository.reads

    stored = await repository.get(task.task_id), await imagegen.parts.images.of_task(task.task_id)
    assert (0, (ended, images)) == (reads, stored)


async def test_images_of_several_calls_are_read_in_order():
    """Calls end in any order, so what is in memory is in none."""
    imagegen, _ = counting_over(ScriptedProvider(fan_out=True))

    async with imagegen:
        task = await imagegen.submit("猫", num=3)
        ended, images = await imagegen.tasks.outcome(task.task_id, timeout=60, is_new=True)

    assert (TaskStatus.COMPLETED, None) == (ended.status, images)


async def test_a_new_task_that_ends_before_anybody_follows_it():
    """It is looked at although no event comes any more."""
    imagegen, _ = counting_over(ScriptedProvider())

    async with imagegen:
        task = await imagegen.submit("猫")
        ended = await imagegen.wait(task, timeout=60)
        again, images = await imagegen.tasks.outcome(task.task_id, timeout=60, is_new=True)

    assert (ended, None) == (again, images)


async def test_a_task_that_ends_elsewhere_is_read():
    """Another process stores its end, and this one only hears of it."""
    imagegen, repository = counting_over(ScriptedProvider())
    task = await imagegen.submit("猫")
    waiting = asyncio.create_task(imagegen.tasks.outcome(task.task_id, timeout=60, is_new=True))
    await asyncio.sleep(0)

    await repository.save(task.fence, task=task.cancel(imagegen.parts.clock.now()))
    await imagegen.parts.queue.notify(task.task_id)

    assert (TaskStatus.CANCELLED, None) == ((outcome := await waiting)[0].status, outcome[1])
