"""Batch jobs of providers: due by time and in order, changed by one node at a time, with their own tasks."""

import attrs
import pytest

from imagegen_adapters.system import new_id
from imagegen_core.batch import Batch, BatchPlan
from imagegen_core.errors import StaleTask
from imagegen_core.ports.batch_jobs import BatchJob, BatchJobState
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging
from tests.contracts.samples import NOW, a_task, later

pytestmark = pytest.mark.anyio

PAGE = Paging(page=1, page_size=20, after=None)
WAITING, ACCEPTED, ENDED = BatchJobState.WAITING, BatchJobState.ACCEPTED, BatchJobState.ENDED


def a_job(**changes):
    fields = {"provider_name": "openai", "model_id": "m", "created_at": NOW, "look_at": NOW, "state": WAITING}
    return BatchJob(**{"job_id": new_id(), "batch_id": "batch-1", **fields, **changes})


async def test_a_job_comes_back_whole(batch_jobs):
    """With the provider's names, its times and its size."""
    job = a_job(
        state=ACCEPTED, sent_at=later(2), file="file-1", upstream_id="batch_1", size_bytes=7, look_at=later(1)
    )
    await batch_jobs.add(job)

    assert (job,) == await batch_jobs.due(later(1))
    assert () == await batch_jobs.due(NOW)


async def test_a_change_makes_earlier_readings_stale(batch_jobs):
    """So two nodes never take the same step."""
    job = a_job()
    await batch_jobs.add(job)
    changed = await batch_jobs.save(attrs.evolve(job, state=BatchJobState.SENDING, sent_at=NOW))
    with pytest.raises(StaleTask):
        await batch_jobs.save(attrs.evolve(job, state=ENDED))

    assert (job.version + 1, BatchJobState.SENDING) == (changed.version, changed.state)
    assert (changed,) == await batch_jobs.due(NOW)


async def test_jobs_of_one_target_wait_for_each_other(batch_jobs):
    """Those of other models, providers and batches do not; one that has ended is due no more."""
    first, second = a_job(), a_job()
    others = [a_job(model_id="n"), a_job(provider_name="gemini"), a_job(batch_id="batch-2")]
    for job in (first, second, *others):
        await batch_jobs.add(job)
    before = await batch_jobs.due(NOW)
    await batch_jobs.save(attrs.evolve(first, state=ENDED))

    assert (first, *others) == before
    assert (second, *others) == await batch_jobs.due(NOW)


async def test_jobs_of_a_batch_are_woken(batch_jobs):
    """They are due at once; those of other batches stay, as does one to which tasks are added just now."""
    collecting = a_job(state=BatchJobState.COLLECTING, model_id="a")
    late, other = a_job(look_at=later(60), model_id="b"), a_job(batch_id="batch-2", look_at=later(60))
    for job in (collecting, late, other):
        await batch_jobs.add(job)
    before = await batch_jobs.due(NOW), await batch_jobs.collecting("batch-1")
    await batch_jobs.wake("batch-1", NOW)

    assert ((), (collecting,)) == before
    assert [late.job_id] == [job.job_id for job in await batch_jobs.due(NOW)]
    assert (collecting,) == await batch_jobs.collecting("batch-1")


async def test_what_collects_for_a_cancelled_batch_is_due(batch_jobs, batches):
    """Its tasks are still to be ended, if whoever cancelled it did not come to that."""
    batch = Batch(batch_id=new_id(), size=3, created_at=NOW)
    await batches.add(batch, BatchPlan(prompts=("猫",)))
    job = a_job(batch_id=batch.batch_id, state=BatchJobState.COLLECTING)
    await batch_jobs.add(job)
    before = await batch_jobs.due(NOW)
    await batches.change(batch.batch_id, "cancel", now=NOW)

    assert ((), (job,)) == (before, await batch_jobs.due(NOW))


async def test_tasks_of_a_job_are_nobodys_orphans(batch_jobs, tasks):
    """They are processing, found by their owner, and counted for their provider."""
    job = a_job()
    mine = a_task(provider_name="openai").claim(job.owner, NOW)
    orphan = a_task(provider_name="openai").claim("dead-node", NOW)
    for task in (mine, orphan):
        await tasks.add(task, queue_size=9)

    assert (orphan,) == await tasks.orphans(alive=(), running=())
    assert (mine,) == (await tasks.find(TaskFilter(owner=job.owner), PAGE)).items
    assert {"openai": 1} == await batch_jobs.tasks_out()
