"""A running task survives a database that accepts no writes for a while."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.stores import DatabaseCode
from imagegen_core import FailureCode, ImageGen, Limits, TaskStatus
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, Charge, Phase
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import StorageBroken, StorageError, StorageUnreachable, Unavailable
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import resume
from tests.unit.core.scripted_provider import ScriptedProvider, SpoolingProvider

pytestmark = pytest.mark.anyio

WRITES = 5
"""Number of writes between the claim of a task and its end, including those of its attempt."""


class FullRepository:
    """A memory repository that fails ``bad`` writes with ``error``, after ``good`` ones."""

    def __init__(self, repository):
        self._repository, self.good, self.bad = repository, 1_000_000, 0
        self.error = StorageError("the disk that holds the database is full")

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def save(self, fence, *, task=None, attempts=(), images=()):
        self._write()
        return await self._repository.save(fence, task=task, attempts=attempts, images=images)

    def _write(self):
        self.good -= 1
        if self.good < 0 < self.bad:
            self.bad -= 1
            raise self.error


@attrs.define
class World:
    """A service over a failing repository."""

    provider: ScriptedProvider
    repository: FullRepository
    imagegen: ImageGen

    @classmethod
    def make(cls, *, as_job, response_bytes=None):
        provider = ScriptedProvider(as_job=as_job)
        if response_bytes is not None:
            provider = SpoolingProvider(response_bytes, as_job=as_job)
        adapters = memory_adapters(providers={"scripted": provider}, clock=ManualClock())
        repository = FullRepository(adapters.tasks)
        config = ProviderConfig(provider_name="scripted", kind="scripted", source=ConfigSource.FILE)
        imagegen = ImageGen(
            attrs.evolve(adapters, tasks=repository),
            limits=Limits(default_provider="scripted"),
            file_configs={"scripted": config},
        )
        return cls(provider, repository, imagegen)

    async def run(self, *, good, bad):
        """Run one task to its end over a disk that accepts ``good`` writes, then refuses ``bad``."""
        task = await self.imagegen.submit("猫")
        self.repository.good, self.repository.bad = good, bad
        return await self.run_what_waits(task.task_id)

    async def run_what_waits(self, task_id):
        """Run all tasks that are due, and return the task."""
        adapters = self.imagegen.parts
        while claimed := await adapters.queue.claim(
            "w", limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9}
        ):
            await self.imagegen.runner.run(claimed[0])
        return await adapters.tasks.get(task_id)


@pytest.mark.parametrize("bad", [1, 2, 5])
@pytest.mark.parametrize("good", range(WRITES))
@pytest.mark.parametrize("as_job", [False, True], ids=["direct", "job"])
async def test_a_task_outlasts_a_full_disk(as_job, good, bad):
    """Whichever write is refused, and however often: the result is stored, and paid for once."""
    world = World.make(as_job=as_job)

    task = await world.run(good=good, bad=bad)

    attempts = await world.repository.attempts(task.task_id)
    images = await world.imagegen.parts.images.of_task(task.task_id)
    assert (TaskStatus.COMPLETED, 1, 1) == (task.status, world.provider.charged, task.attempts)
    assert 1 == len(images)
    assert [(Phase.STORED, Charge.CERTAIN)] == [(a.phase, a.charge) for a in attempts]


@pytest.mark.parametrize("size", [MAX_INLINE_RESPONSE_BYTES, MAX_INLINE_RESPONSE_BYTES + 1])
@pytest.mark.parametrize("good", range(WRITES))
@pytest.mark.parametrize("as_job", [False, True], ids=["direct", "job"])
async def test_a_response_outlasts_a_full_disk(as_job, good, size):
    """A short one is part of a write that is refused: it waits for the disk, and nobody pays again."""
    world = World.make(as_job=as_job, response_bytes=size)

    task = await world.run(good=good, bad=2)

    attempts = await world.repository.attempts(task.task_id)
    folders = await world.imagegen.parts.spool.folders(older_than_seconds=0)
    assert (TaskStatus.COMPLETED, 1) == (task.status, world.provider.charged)
    assert ([None], ()) == ([attempt.response for attempt in attempts], folders)


async def test_a_disk_that_fails_whenever_it_matters():
    """A task is not retried for ever: it fails, says what it may have cost, and ends its attempt."""
    world = World.make(as_job=True)
    world.provider.collects = [StorageError("the disk that holds the response has failed")] * 9
    task = await world.run(good=100, bad=0)

    (attempt,) = await world.repository.attempts(task.task_id)
    assert (FailureCode.STORAGE_FAILED, True, 1) == (
        task.failure.code,
        task.failure.possible_charge,
        world.provider.charged,
    )
    assert (Phase.FAILED, Charge.CERTAIN) == (attempt.phase, attempt.charge)


@pytest.mark.parametrize(
    "error",
    [
        StorageUnreachable("the database server does not answer"),
        Unavailable(DatabaseCode.DATABASE_TOO_BUSY()),
    ],
)
async def test_a_database_that_is_away_whenever_it_matters(error):
    """That says nothing about the task, which is stored once the database stays."""
    world = World.make(as_job=True)
    world.provider.collects = [error] * 9
    task = await world.run(good=100, bad=0)

    assert (TaskStatus.COMPLETED, 1, 0) == (task.status, world.provider.charged, task.store_failures)


async def test_progress_that_cannot_be_stored_breaks_no_call():
    """The progress stands still, and the job continues."""
    world = World.make(as_job=True)

    async def refuse_the_progress():
        world.repository.good, world.repository.bad = 1, 1  # the job's id comes first

    world.provider.submits = [refuse_the_progress]
    task = await world.run(good=100, bad=0)

    assert (TaskStatus.COMPLETED, 0, 0) == (task.status, task.store_failures, world.repository.bad)


async def test_a_task_outlasts_a_database_that_is_too_busy():
    """A failed read does not lose an accepted job, whose task is claimed again."""
    world = World.make(as_job=True)
    world.provider.collects = [StorageError("the disk that holds the response has failed")]
    refusals = [Unavailable(DatabaseCode.DATABASE_TOO_BUSY())] * 2
    attempts = world.repository.attempts

    async def busy(task_id):
        if refusals:
            raise refusals.pop()
        return await attempts(task_id)

    world.repository.attempts = busy
    task = await world.run(good=100, bad=0)

    assert (TaskStatus.COMPLETED, 1, []) == (task.status, world.provider.charged, refusals)


async def test_the_first_claim_of_a_task_reads_no_attempts():
    """There can be none: only those who claim a task write any."""
    world = World.make(as_job=True)
    reads = []
    attempts = world.repository.attempts

    async def counted(task_id):
        reads.append(task_id)
        return await attempts(task_id)

    world.repository.attempts = counted
    task = await world.run(good=100, bad=0)

    assert (TaskStatus.COMPLETED, []) == (task.status, reads)


@pytest.mark.parametrize("good", range(3))
async def test_a_defect_over_a_full_disk_blocks_no_provider(good):
    """The task ends as soon as that can be stored, without a restart, and frees its slot."""
    world = World.make(as_job=False)
    world.provider.submits = [RuntimeError("a defect")]

    task = await world.run(good=1, bad=good)

    processing = (await world.imagegen.parts.tasks.counts())[TaskStatus.PROCESSING]
    assert (TaskStatus.FAILED, FailureCode.INTERNAL, 0) == (task.status, task.failure.code, processing)


@pytest.mark.parametrize("defect", [False, True], ids=["a paid answer", "a defect"])
async def test_a_broken_database_is_not_retried_for_ever(defect, caplog):
    """The run ends, so that the process can exit; the next start recovers the task."""
    world = World.make(as_job=False)
    world.provider.submits = [RuntimeError("a defect")] if defect else []
    world.repository.error = StorageBroken("the database is damaged")

    async with asyncio.timeout(60):
        stopped = await world.run(good=1, bad=1_000_000)
    world.repository.bad = 0
    await resume(world.imagegen, "the next")
    done = await world.run_what_waits(stopped.task_id)

    unknown = (TaskStatus.FAILED, FailureCode.OUTCOME_UNKNOWN, 1 - defect)
    assert TaskStatus.PROCESSING == stopped.status
    assert unknown == (done.status, done.failure.code, world.provider.charged)
    assert "the task could not be stored; it is resumed later" in caplog.messages


class DefectiveProvider(SpoolingProvider):
    """Meets a defect once its response has arrived."""

    async def _receipt(self, exchange):
        await super()._receipt(exchange)
        raise RuntimeError("a defect")


@pytest.mark.parametrize("size", [MAX_INLINE_RESPONSE_BYTES, MAX_INLINE_RESPONSE_BYTES + 1])
@pytest.mark.parametrize("as_job", [False, True], ids=["direct", "job"])
async def test_a_response_that_a_defect_follows_is_kept_for_an_operator(as_job, size):
    """It was paid for, and is nowhere else: a short one with its attempt, a long one in the spool."""
    world = World.make(as_job=as_job, response_bytes=size)
    world.provider.__class__ = DefectiveProvider

    task = await world.run(good=100, bad=0)

    (attempt,) = await world.repository.attempts(task.task_id)
    folders = await world.imagegen.parts.spool.folders(older_than_seconds=0)
    assert (FailureCode.INTERNAL, True) == (task.failure.code, task.failure.possible_charge)
    assert (Phase.FAILED, FailureCode.INTERNAL) == (attempt.phase, attempt.failure.code)
    assert (size <= MAX_INLINE_RESPONSE_BYTES) == (attempt.response is not None) == (not folders)
