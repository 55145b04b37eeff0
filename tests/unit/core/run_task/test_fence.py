"""A worker that was frozen while another ended its task: nothing that it still does is stored."""

import asyncio
import logging

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, Charge, Phase
from imagegen_core.errors import StorageError
from imagegen_core.services.upkeep import RETENTION_SECONDS, Stores
from tests.contracts.clock import ManualClock
from tests.frozen_worker import TwoWorkers, claimed
from tests.unit.core.scripted_imagegen import imagegen_over, refused
from tests.unit.core.scripted_provider import ScriptedProvider, SpoolingProvider

pytestmark = pytest.mark.anyio


@pytest.fixture
def open_adapters():
    """Return adapters whose rows are the same, however often they are opened."""
    adapters = []

    def open_(provider):
        if not adapters:
            adapters.append(memory_adapters(providers={"scripted": provider}, clock=ManualClock()))
        return adapters[0]

    return open_


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("submits", TaskStatus.FAILED),
        ("polls", TaskStatus.COMPLETED),
        ("collects", TaskStatus.COMPLETED),
    ],
)
async def test_a_thawed_worker_changes_nothing(open_adapters, step, status):
    """Wherever in its call it was frozen: the task is as the other worker ended it, and paid for once."""
    async with TwoWorkers.with_frozen(open_adapters, step) as workers:
        ended = await workers.run_by_other()
        before = await workers.stored()

        await workers.thaw()

        assert (status, 1) == (ended.status, workers.provider.charged)
        assert before == await workers.stored()


@pytest.mark.parametrize("step", ["submits", "polls", "collects"])
async def test_a_worker_that_thaws_before_the_next_claim_changes_nothing(open_adapters, step):
    """The task is pending again, and the other worker still gets to end it."""
    async with TwoWorkers.with_frozen(open_adapters, step) as workers:
        before = await workers.stored()

        await workers.thaw()

        assert before == await workers.stored()
        assert (await workers.run_by_other()).status.final


async def test_an_unknown_outcome_says_that_it_may_be_paid_for(open_adapters):
    """The other worker cannot know of the answer that the frozen one will get, and sends nothing."""
    async with TwoWorkers.with_frozen(open_adapters, "submits") as workers:
        ended = await workers.run_by_other()
        await workers.thaw()

        (attempt,) = await workers.other.parts.tasks.attempts(workers.task_id)
        assert (FailureCode.OUTCOME_UNKNOWN, True) == (ended.failure.code, ended.failure.possible_charge)
        assert (Phase.FAILED, Charge.POSSIBLE) == (attempt.phase, attempt.charge)


async def test_a_thawed_worker_sends_nothing(open_adapters):
    """It was frozen before its call: what it would send next has to be stored first, and is refused."""
    provider = ScriptedProvider(max_concurrency=1)
    frozen, other = (imagegen_over(provider, adapters=open_adapters(provider)) for _ in range(2))
    await frozen.submit("猫")
    task = await claimed(frozen)
    await other.node.resume()
    await other.runner.run(await claimed(other))

    await frozen.runner.run(task)

    ended = await other.parts.tasks.get(task.task_id)
    assert (TaskStatus.COMPLETED, 1) == (ended.status, provider.charged)


async def test_a_refusal_that_comes_too_late_ends_nothing(open_adapters):
    """The provider refuses the call of the frozen worker, after the other has completed the task."""
    async with TwoWorkers.with_frozen(open_adapters, "polls", error=refused()) as workers:
        await workers.run_by_other()
        before = await workers.stored()

        await workers.thaw()

        assert TaskStatus.COMPLETED is before[0].status
        assert before == await workers.stored()


class ReportingProvider(ScriptedProvider):
    """Reports progress before its response is here; ``answered`` counts the responses."""

    answered = 0

    async def submit(self, call, exchange):
        answer = await super().submit(call, exchange)
        await exchange.progress(0.9)
        self.answered += 1
        return answer


async def test_progress_that_is_refused_breaks_no_call(open_adapters):
    """The response that is paid for still arrives."""
    provider = ReportingProvider()
    async with TwoWorkers.with_frozen(open_adapters, "submits", provider=provider) as workers:
        before = await workers.stored()

        await workers.thaw()

        assert (1, before) == (provider.answered, await workers.stored())


@pytest.mark.parametrize("step", ["submits", "polls", "collects"])
async def test_a_stop_of_a_worker_that_lost_its_task_is_quiet(open_adapters, step, caplog):
    """Its state is somebody else's to store."""
    async with TwoWorkers.with_frozen(open_adapters, step) as workers:
        await workers.run_by_other()
        before = await workers.stored()

        workers.run.cancel()
        await asyncio.wait({workers.run})

        assert workers.run.cancelled()
        assert before == await workers.stored()
        assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("size", [MAX_INLINE_RESPONSE_BYTES, MAX_INLINE_RESPONSE_BYTES + 1])
@pytest.mark.parametrize("is_run_first", [True, False], ids=["ended", "pending"])
async def test_an_answer_that_comes_too_late_is_kept_aside(open_adapters, size, is_run_first, caplog):
    """Whether the other worker has ended the task by then or ends it afterwards: it is paid for."""
    provider = SpoolingProvider(size)
    async with TwoWorkers.with_frozen(open_adapters, "submits", provider=provider) as workers:
        if is_run_first:
            await workers.run_by_other()
        await workers.thaw()
        if not is_run_first:
            await workers.run_by_other()

        fresh = await kept_after_cleaning(workers.other)
        old = await kept_after_cleaning(workers.other, age=RETENTION_SECONDS + 1)

        (attempt,) = await workers.other.parts.tasks.attempts(workers.task_id)
        folder = f"{workers.task_id}.{attempt.attempt_id}.late"
        image = provider.images[0].ljust(size, b"\0")
        assert {folder: {"answer": image, "receipt.json": b'{"file": "answer"}'}} == fresh
        assert {} == old
        assert "an answer that is paid for came too late; it is kept in the spool" in caplog.messages


async def test_a_job_whose_id_comes_too_late_is_kept_aside(open_adapters):
    """The provider shows the result to whoever has it."""
    provider = ScriptedProvider(as_job=True)
    async with TwoWorkers.with_frozen(open_adapters, "submits", provider=provider) as workers:
        await workers.run_by_other()
        await workers.thaw()

        (files,) = (await kept_after_cleaning(workers.other)).values()
        assert {"job.json": b'{"id": "job-1", "data": {"n": 1}}'} == files


async def test_a_full_disk_says_what_it_cannot_keep(open_adapters, caplog, monkeypatch):
    """The log is all that is left of the answer then."""

    async def refuse(*_, **__):
        raise StorageError("the disk that holds the spool is full")

    async with TwoWorkers.with_frozen(open_adapters, "submits") as workers:
        await workers.run_by_other()
        monkeypatch.setattr(workers.frozen.parts.spool, "put", refuse)
        await workers.thaw()

        (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "an answer that is paid for came too late, and could not be kept" == record.getMessage()
        assert workers.task_id == record.task_id


async def kept_after_cleaning(imagegen, *, age=0.0):
    """Return the files, by folder and name, that stay when the spool is cleaned after ``age`` seconds."""
    adapters, spool = imagegen.parts, imagegen.parts.spool
    adapters.clock.advance(age)
    await Stores(parts=adapters).clean()
    return {folder: dict(spool._files[folder]) for folder in await spool.folders(older_than_seconds=0)}
