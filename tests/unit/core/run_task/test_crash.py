"""How the next start continues what a crash interrupted."""

import attrs
import pytest

from imagegen_adapters.memory import in_memory, memory_adapters
from imagegen_core import FailureCode, ImageGen, Limits, TaskStatus
from imagegen_core.attempt import Phase, Receipt
from imagegen_core.errors import BlobMissing
from imagegen_core.running.exchange import spool_folder
from tests.contracts.samples import pieces
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over, resume
from tests.unit.core.scripted_provider import ScriptedProvider, SpoolingProvider

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("phase", "status", "charged"),
    [
        (Phase.RESERVED, TaskStatus.COMPLETED, 1),
        (Phase.SUBMITTING, TaskStatus.FAILED, 0),
        (Phase.ACCEPTED, TaskStatus.COMPLETED, 0),
        (Phase.RECEIVED, TaskStatus.COMPLETED, 0),
    ],
)
async def test_an_attempt_is_resumed_by_its_phase_after_a_crash(phase, status, charged):
    """Reserved is sent, submitting is unknown, accepted is polled, received is decoded: never paid twice."""
    provider = ScriptedProvider(as_job=True)
    adapters = memory_adapters(providers={"scripted": provider})
    dead = imagegen_over(provider, adapters=adapters)
    task_id = await crash_in(dead, phase)

    async with imagegen_over(provider, adapters=adapters) as alive:
        task = await alive.wait(task_id, timeout=60)

    assert (status, charged, 1) == (task.status, provider.charged, task.attempts)
    if status is TaskStatus.FAILED:
        assert (FailureCode.OUTCOME_UNKNOWN, True) == (task.failure.code, task.failure.possible_charge)


@pytest.mark.parametrize(
    ("phase", "code", "charged"),
    [
        (Phase.RESERVED, FailureCode.PROVIDER_NOT_CONFIGURED, False),
        (Phase.SUBMITTING, FailureCode.OUTCOME_UNKNOWN, True),
        (Phase.ACCEPTED, FailureCode.PROVIDER_NOT_CONFIGURED, True),
    ],
)
async def test_a_provider_that_is_gone_after_a_crash_hides_no_charge(phase, code, charged):
    """The job can no longer be polled, but it may have been charged."""
    provider = ScriptedProvider(as_job=True)
    adapters = memory_adapters(providers={"scripted": provider})
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), phase)

    async with ImageGen(adapters) as without_it:
        task = await without_it.wait(task_id, timeout=60)

    assert (code, charged) == (task.failure.code, task.failure.possible_charge)


async def test_an_operator_may_choose_to_repeat_an_unknown_outcome():
    """on_unknown: retry sends a new request after a crash in the middle of one."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), Phase.SUBMITTING)

    async with imagegen_over(provider, adapters=adapters, extra_config={"on_unknown": "retry"}) as alive:
        task = await alive.wait(task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 1, 2) == (task.status, provider.charged, task.attempts)


async def test_a_response_that_crashes_the_service_three_times_is_failed():
    """The fourth start fails the task instead of crashing again, and other tasks continue."""
    provider = ScriptedProvider(as_job=True)
    adapters = memory_adapters(providers={"scripted": provider})
    dead = imagegen_over(provider, adapters=adapters)
    task_id = await crash_in(dead, Phase.RECEIVED)
    for _ in range(3):
        await resume(dead, "another")
        await adapters.queue.claim("dead", limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9})

    await resume(dead, "another")

    task = await adapters.tasks.get(task_id)
    assert (TaskStatus.FAILED, FailureCode.INTERNAL, True) == (
        task.status,
        task.failure.code,
        task.failure.possible_charge,
    )


class OvertakenRepository:
    """A memory repository in which another rescues the first orphan just after all of them were read."""

    def __init__(self, repository):
        self._repository = repository

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def orphans(self, **criteria):
        orphans = await self._repository.orphans(**criteria)
        first = orphans[0]
        await self._repository.save(first.fence, task=first.rescue(attempts=1, is_recovery=True))
        return orphans


async def test_an_orphan_that_another_has_rescued_is_left_to_it():
    """It is rescued once, and the others are rescued all the same."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    dead = imagegen_over(provider, adapters=adapters)
    task_ids = [await crash_in(dead, Phase.RECEIVED) for _ in range(2)]
    alive = imagegen_over(
        provider, adapters=attrs.evolve(adapters, tasks=OvertakenRepository(adapters.tasks))
    )

    await resume(alive, "alive")

    tasks = [await adapters.tasks.get(task_id) for task_id in task_ids]
    assert [(TaskStatus.PENDING, 2, 1)] * 2 == [(t.status, t.epoch, t.recoveries) for t in tasks]


async def test_a_free_call_that_a_crash_interrupted_is_repeated():
    """The demo provider is free, so the call is simply repeated."""
    adapters = memory_adapters()
    dead = ImageGen(
        adapters, limits=Limits(default_provider="demo"), file_configs=in_memory().resolve.file_configs
    )
    task_id = await crash_in(dead, Phase.SUBMITTING)

    async with ImageGen(adapters, file_configs=dead.resolve.file_configs) as alive:
        task = await alive.wait(task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 2) == (task.status, task.attempts)


class SharedSpool:
    """A spool of another node, whose files can be opened here once they were brought."""

    def __init__(self, spool):
        self._spool, self._fetched = spool, set()

    def __getattr__(self, name):
        return getattr(self._spool, name)

    async def fetch(self, folder):
        self._fetched.add(folder)

    def open(self, folder, name):
        if folder not in self._fetched:
            raise BlobMissing(f"{folder}/{name}")
        return self._spool.open(folder, name)


async def test_a_response_that_another_node_spooled_is_brought_here():
    """It is paid for, and decoded by whoever resumes the task."""
    provider = SpoolingProvider(100_000)
    adapters = memory_adapters(providers={"scripted": provider})
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), Phase.SUBMITTING)
    (attempt,) = await adapters.tasks.attempts(task_id)
    (image,) = provider.images
    response = pieces(image.ljust(provider.size, b"\0"))
    await adapters.spool.put(spool_folder(task_id, attempt.attempt_id), "answer", response, max_bytes=100_000)
    received = attempt.received(adapters.clock.now(), Receipt(data={"file": "answer"}))
    await adapters.tasks.save((await adapters.tasks.get(task_id)).fence, attempts=(received,))
    adapters = attrs.evolve(adapters, spool=SharedSpool(adapters.spool))

    async with imagegen_over(provider, adapters=adapters) as another:
        task = await another.wait(task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 0) == (task.status, provider.charged)
