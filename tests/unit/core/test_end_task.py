"""A task ends together with its attempts, or not at all: what a disk that refuses it leaves."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, ImageGen, TaskStatus
from imagegen_core.attempt import Charge, InlineResponse, Phase
from imagegen_core.errors import StorageError
from imagegen_core.running.exchange import spool_folder
from imagegen_core.services.upkeep import Stores
from imagegen_core.task import MAX_RECOVERIES
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over, resume, run_until_it_ended
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


class BrittleRepository:
    """A memory repository that refuses the end of a task, so many times."""

    def __init__(self, repository):
        self._repository, self.refusals = repository, 0

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def save(self, fence, *, task=None, attempts=(), images=()):
        if task is not None and task.status.final and self.refusals:
            self.refusals -= 1
            raise StorageError("the disk that holds the database is full")
        return await self._repository.save(fence, task=task, attempts=attempts, images=images)


@attrs.define(kw_only=True)
class World:
    """A task with two answers that are paid for, a spooled and a short one, and somebody who follows it."""

    provider: ScriptedProvider
    repository: BrittleRepository
    imagegen: ImageGen
    task_id: str
    follower: asyncio.Task

    @classmethod
    async def make(cls, *, recoveries=0):
        """Leave the task as a process that was killed while it decoded the answer."""
        provider = ScriptedProvider()
        adapters = memory_adapters(providers={"scripted": provider}, clock=ManualClock())
        repository = BrittleRepository(adapters.tasks)
        imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=repository))
        task_id = await crash_in(imagegen, Phase.RECEIVED)
        provider.charged = 1
        task = await repository.get(task_id)
        await repository.save(task.fence, task=attrs.evolve(task, recoveries=recoveries))
        (attempt,) = await repository.attempts(task_id)
        answered = attrs.evolve(attempt, response=InlineResponse(name="a", content=b"b"))
        await repository.save(task.fence, attempts=(answered,))
        await adapters.spool.put(spool_folder(task_id, attempt.attempt_id), "answer", _chunks(), max_bytes=9)
        follower = asyncio.create_task(imagegen.wait(task_id, timeout=60))
        await asyncio.sleep(0)
        return cls(
            provider=provider, repository=repository, imagegen=imagegen, task_id=task_id, follower=follower
        )

    async def restart(self):
        """Resume the task as the next start does, and clean the spool."""
        await resume(self.imagegen, "the next")
        await self.clean()

    async def clean(self):
        """Remove the spooled files that nobody needs."""
        adapters = attrs.evolve(self.imagegen.parts, tasks=self.repository)
        await Stores(parts=adapters).clean(at_start=True)

    async def run_what_waits(self):
        """Run the task whenever it is due."""
        adapters = self.imagegen.parts
        await run_until_it_ended(self.imagegen, await adapters.tasks.get(self.task_id), adapters.clock)

    async def stored(self):
        """Return the status of the task, and phase and charge of its only attempt."""
        (attempt,) = await self.repository.attempts(self.task_id)
        return (await self.repository.get(self.task_id)).status, attempt.phase, attempt.charge

    async def has_answer(self):
        """Return whether both answers are still there."""
        folders = await self.imagegen.parts.spool.folders(older_than_seconds=0)
        (attempt,) = await self.repository.attempts(self.task_id)
        return any(folder.startswith(self.task_id) for folder in folders) and attempt.response is not None


async def _chunks():
    yield b"paid for"


async def test_an_orphan_whose_end_is_refused_is_resumed():
    """Its paid answer is no waste until its end is stored."""
    world = await World.make(recoveries=MAX_RECOVERIES)
    world.repository.refusals = 1

    with pytest.raises(StorageError):
        await world.restart()
    await world.clean()
    between = (await world.stored(), await world.has_answer(), world.follower.done())
    await world.restart()
    await world.run_what_waits()
    task = await world.follower

    assert ((TaskStatus.PROCESSING, Phase.RECEIVED, Charge.CERTAIN), True, False) == between
    assert (TaskStatus.FAILED, Phase.FAILED, Charge.CERTAIN) == await world.stored()
    assert (FailureCode.INTERNAL, True) == (task.failure.code, task.failure.possible_charge)
    assert (1, True) == (world.provider.charged, await world.has_answer())


async def test_a_waiting_task_is_cancelled_with_its_attempts():
    """It never runs again, and says that it was charged."""
    world = await World.make()
    await world.restart()

    await world.imagegen.tasks.cancel(task_id=world.task_id)
    task = await world.follower
    await world.run_what_waits()

    assert (TaskStatus.CANCELLED, True) == (task.status, task.failure.possible_charge)
    assert (TaskStatus.CANCELLED, Phase.FAILED, Charge.CERTAIN) == await world.stored()
    assert (task, 1) == (await world.imagegen.tasks.cancel(task_id=world.task_id), world.provider.charged)


async def test_a_cancellation_that_cannot_be_stored_changes_nothing():
    """Whoever cancelled is told so, and the task goes on to store what is paid for."""
    world = await World.make()
    await world.restart()
    world.repository.refusals = 1

    with pytest.raises(StorageError):
        await world.imagegen.tasks.cancel(task_id=world.task_id)
    between = (await world.stored(), world.follower.done())
    await world.run_what_waits()

    assert ((TaskStatus.PENDING, Phase.RECEIVED, Charge.CERTAIN), False) == between
    assert (TaskStatus.COMPLETED, 1) == ((await world.follower).status, world.provider.charged)
    assert 1 == len(await world.imagegen.parts.images.of_task(world.task_id))


@pytest.mark.parametrize("refusals", [1, 3])
async def test_a_run_that_met_a_defect_ends_when_the_disk_accepts_it(refusals):
    """The task and its attempt are stored in the end, and the task is announced."""
    world = await World.make()
    world.provider.collects = [RuntimeError("a defect")]
    await world.restart()
    world.repository.refusals = refusals

    await world.run_what_waits()
    task = await world.follower
    await world.clean()

    assert (TaskStatus.FAILED, Phase.FAILED, Charge.CERTAIN) == await world.stored()
    assert (FailureCode.INTERNAL, True) == (task.failure.code, task.failure.possible_charge)
    assert (0, 1, True) == (world.repository.refusals, world.provider.charged, await world.has_answer())
