"""Which tasks go into which batch job."""

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import ImageGen
from imagegen_core.ports.batch_jobs import BatchJobState
from imagegen_core.running.batch_jobs import BatchJobs
from tests.contracts.samples import a_task

pytestmark = pytest.mark.anyio


@pytest.fixture
def jobs():
    """Jobs of at most three short prompts; nothing runs."""
    imagegen = ImageGen(memory_adapters())
    return BatchJobs(
        parts=imagegen.parts, runner=imagegen.runner, owner="node", poll_seconds=9, job_bytes=3 * 4200
    )


async def test_tasks_go_into_a_job_for_each_target(jobs):
    """A later call goes on with the same jobs, as long as they collect."""
    first = await jobs.place("batch-1", [a_task(), a_task(model_id="other")])
    second = await jobs.place("batch-1", [a_task()])
    await jobs.close("batch-1")
    third = await jobs.place("batch-1", [a_task()])

    assert first[0].owner == second[0].owner
    assert 3 == len({task.owner for task in (*first, *second, *third)})


async def test_what_does_not_fit_a_job_comes_after_it(jobs):
    """And not before the job is closed: until then its tasks may not be stored."""
    placed = await jobs.place("batch-1", [a_task() for _ in range(5)])
    more = await jobs.place("batch-1", [a_task()])
    await jobs.close("batch-1")
    rest = await jobs.place("batch-1", [a_task(), a_task()])

    assert (3, 0, 2) == (len(placed), len(more), len(rest))
    assert placed[0].owner != rest[0].owner


async def test_only_who_places_tasks_closes_a_job(jobs):
    """A person who resumes the batch meanwhile would send it without those that are stored just now."""
    await jobs.place("batch-1", [a_task()])
    await jobs.wake("batch-1")
    (job,) = await jobs.parts.batch_jobs.collecting("batch-1")

    assert BatchJobState.COLLECTING is job.state
