"""What a run stores in one transaction: a crash lies before all of it, or after."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, Limits, TaskStatus
from imagegen_core.attempt import Phase
from tests.unit.core.scripted_imagegen import imagegen_over, outcome, refused
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

PENDING, PROCESSING, COMPLETED = TaskStatus.PENDING, TaskStatus.PROCESSING, TaskStatus.COMPLETED


class RecordingRepository:
    """A memory repository that lists its writes: the task's status, phases by part, number of images."""

    def __init__(self, repository):
        self._repository, self.writes = repository, []

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def save(self, fence, *, task=None, attempts=(), images=()):
        stored = await self._repository.save(fence, task=task, attempts=attempts, images=images)
        status = None if task is None else task.status
        self.writes.append((status, {a.part: a.phase for a in attempts}, len(images)))
        return stored


def recorded(provider, **options):
    """Return a service over the provider, and the list of its writes."""
    adapters = memory_adapters(providers={"scripted": provider})
    repository = RecordingRepository(adapters.tasks)
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=repository), **options)
    return imagegen, repository.writes


def _waits_for_a_slot(imagegen, task):
    run = imagegen.runner.runs.get(task.task_id)
    return run is not None and run.ticket.waiting


async def test_a_task_with_one_call_is_three_writes_after_its_claim():
    """Before the request, after the response, and its end with all that follows from it."""
    imagegen, writes = recorded(ScriptedProvider())

    task = await outcome(imagegen)

    assert (COMPLETED, 1) == (task.status, task.attempts)
    assert writes == [
        (PROCESSING, {0: Phase.SUBMITTING}, 0),
        (None, {0: Phase.RECEIVED}, 0),
        (COMPLETED, {0: Phase.STORED}, 1),
    ]


async def test_all_parts_are_reserved_with_the_first_submission():
    """Their number is on disk once one may be paid for; the images of all but the last are shown at once."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=1)
    imagegen, writes = recorded(provider)

    await outcome(imagegen, num=3)

    assert writes[:2] == [
        (PROCESSING, {0: Phase.SUBMITTING, 1: Phase.RESERVED, 2: Phase.RESERVED}, 0),
        (None, {0: Phase.RECEIVED}, 0),
    ]
    ends = [(status, phases, images) for status, phases, images in writes if Phase.STORED in phases.values()]
    assert [None, None, COMPLETED] == [status for status, _, _ in ends]
    assert [1, 1, 1] == [images for _, _, images in ends]


async def test_parts_that_start_together_wait_for_the_first_submission():
    """Nothing is sent before all are reserved on disk, and what is reserved overwrites no submission."""
    imagegen, writes = recorded(ScriptedProvider(fan_out=True))

    task = await outcome(imagegen, num=3)

    first, second, third = writes[:3]
    assert (PROCESSING, {0: Phase.SUBMITTING, 1: Phase.RESERVED, 2: Phase.RESERVED}, 0) == first
    assert [(None, {1: Phase.SUBMITTING}, 0), (None, {2: Phase.SUBMITTING}, 0)] == [second, third]
    assert (COMPLETED, 3) == (task.status, len(await imagegen.parts.images.of_task(task.task_id)))


async def test_a_task_that_waits_for_a_slot_has_stored_nothing_yet():
    """A request to cancel it stores no more than that; what it reserved is stored with its end."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=2)
    provider.submits = [provider.release.wait] * 2
    imagegen, writes = recorded(provider)
    tasks = imagegen.parts.tasks
    async with imagegen:
        running, waiting = await imagegen.submit("猫", num=2), await imagegen.submit("犬")
        while not _waits_for_a_slot(imagegen, waiting):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        before = (await tasks.get(waiting.task_id)).attempts, await tasks.attempts(waiting.task_id)
        await imagegen.tasks.cancel(task_id=waiting.task_id)
        requested = (await tasks.get(waiting.task_id)).cancel_requested, list(writes)
        provider.release.set()
        ended = [await imagegen.wait(task.task_id, timeout=60) for task in (running, waiting)]

    assert (0, ()) == before
    assert (True, []) == requested
    assert (TaskStatus.CANCELLED, {0: Phase.FAILED}, 0) in writes
    assert [COMPLETED, TaskStatus.CANCELLED] == [task.status for task in ended]
    assert 2 == provider.charged


async def test_a_refused_call_ends_with_its_task():
    """Its failure and that of the task are one write."""
    provider = ScriptedProvider()
    provider.submits = [refused()]
    imagegen, writes = recorded(provider)

    await outcome(imagegen)

    assert [(PROCESSING, {0: Phase.SUBMITTING}, 0), (TaskStatus.FAILED, {0: Phase.FAILED}, 0)] == writes


async def test_a_retry_stores_what_the_last_part_yielded():
    """The image of the last part is shown although the task goes on for the sake of another."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=1)
    provider.submits = [refused(FailureCode.RATE_LIMITED, not_started=True)]
    changes = []
    imagegen, writes = recorded(provider, on_change=lambda: changes.append(len(writes)))

    task = await outcome(imagegen, num=2)

    requeued = (PENDING, {1: Phase.STORED}, 1)
    assert requeued in writes
    assert [writes.index(requeued) + 1, len(writes)] == changes
    assert (COMPLETED, 2) == (task.status, len(await imagegen.parts.images.of_task(task.task_id)))


async def test_a_stop_stores_what_waited_for_a_slot_with_its_task():
    """One write gives it back, with its calls reserved."""
    provider = ScriptedProvider(fan_out=True, max_concurrency=1)
    started = asyncio.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    provider.submits = [forever]
    imagegen, writes = recorded(
        provider, limits=Limits(default_provider="scripted", shutdown_grace_seconds=0)
    )
    async with imagegen:
        await imagegen.submit("猫", num=2)
        await started.wait()

    assert (PENDING, {0: Phase.FAILED, 1: Phase.RESERVED}, 0) == writes[-1]
