"""Batch jobs of providers: changed by one node at a time, and made of tasks that wait for one."""

import attrs
import pytest

from imagegen_adapters.system import new_id
from imagegen_core.errors import StaleTask
from imagegen_core.ports.batches import OWNER_PREFIX, BatchJob
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging
from imagegen_core.task import BatchPlace
from tests.contracts.samples import NOW, a_task, later

pytestmark = pytest.mark.anyio

PAGE = Paging(page=1, page_size=20, after=None)


def a_job(**changes):
    fields = {"batch_id": "batch-1", "provider_name": "openai", "model_id": "m", "created_at": NOW}
    return BatchJob(**{"job_id": new_id(), **fields, **changes})


async def test_jobs_come_back_whole(batches):
    """Oldest first, with the provider's names and their times."""
    jobs = a_job(), a_job(created_at=later(1), sent_at=later(2), file="file-1", upstream_id="batch_1")
    for job in jobs:
        await batches.add_job(job)

    assert jobs == await batches.jobs()


async def test_a_change_makes_earlier_readings_stale(batches):
    """So two nodes never take the same step."""
    job = a_job()
    await batches.add_job(job)
    changed = await batches.save_job(attrs.evolve(job, file="file-1", sent_at=NOW))
    with pytest.raises(StaleTask):
        await batches.save_job(attrs.evolve(job, file="file-2"))

    assert (job.version + 1, "file-1", NOW) == (changed.version, changed.file, changed.sent_at)
    assert (changed,) == await batches.jobs()


async def test_a_removed_job_is_not_saved_again(batches):
    """Nor does its removal depend on who comes first."""
    job = a_job()
    await batches.add_job(job)
    for _ in range(2):
        await batches.remove_job(job.job_id)
    with pytest.raises(StaleTask):
        await batches.save_job(job)

    assert () == await batches.jobs()


async def test_a_job_stays_while_it_has_tasks(batches, tasks):
    """Without its row, they would be in no job for ever: another node may have them on their way."""
    job = a_job()
    await batches.add_job(job)
    task = a_task(provider_name="openai").claim(job.owner, NOW)
    await tasks.add(task, queue_size=9)
    is_early = await batches.remove_job(job.job_id)
    await tasks.save(task.fence, task=task.cancel(NOW, possible_charge=False))

    assert (False, True) == (is_early, await batches.remove_job(job.job_id))
    assert () == await batches.jobs()


async def test_tasks_that_wait_miss_a_job_unless_one_takes_them(batches, tasks):
    """One whose file is uploaded takes no more; those in a job miss nothing."""
    for number, model_id in enumerate(("m", "m", "n", "p")):
        place = BatchPlace(batch_id="batch-1", item=number)
        owner = OWNER_PREFIX if model_id != "p" else a_job().owner
        task = a_task(provider_name="openai", model_id=model_id, batch=place)
        await tasks.add(task.claim(owner, NOW), queue_size=9)
    await batches.add_job(a_job(file="file-1"))
    await batches.add_job(a_job(model_id="n"))
    before = await batches.missing_jobs()
    await batches.add_job(a_job())

    assert ({"batch_id": "batch-1", "provider_name": "openai", "model_id": "m"},) == before
    assert () == await batches.missing_jobs()


async def test_tasks_of_a_job_are_nobodys_orphans(batches, tasks):
    """They are processing, found by their owner, and counted for their provider."""
    job = a_job()
    mine = a_task(provider_name="openai").claim(job.owner, NOW)
    orphan = a_task(provider_name="openai").claim("dead-node", NOW)
    for task in (mine, orphan):
        await tasks.add(task, queue_size=9)

    assert (orphan,) == await tasks.orphans(alive=(), running=())
    assert (mine,) == (await tasks.find(TaskFilter(owner=job.owner), PAGE)).items
    assert {"openai": 1} == await batches.tasks_in_jobs()
