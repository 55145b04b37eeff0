"""Which tasks go into which batch job."""

import asyncio
from itertools import count

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.system import SystemClock
from imagegen_core import ImageGen
from imagegen_core.attempt import Charge, Phase
from imagegen_core.batch import Batch, BatchItem, BatchPlan
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.ports.batch_jobs import BatchJob, BatchJobState
from imagegen_core.running.batch_jobs import BatchJobs
from imagegen_core.secrets import Secret
from imagegen_core.task import BatchPlace, Target, TaskStatus
from tests.contracts.samples import NOW, a_task, an_attempt

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


class OneWrite:
    """A repository after whose first write the process hangs, and may be killed."""

    def __init__(self, repository):
        self._repository, self.is_written = repository, asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def save(self, *args, **values):
        if not self.is_written.is_set():
            await self._repository.save(*args, **values)
        self.is_written.set()
        await asyncio.Event().wait()


async def test_a_task_ends_together_with_its_attempt():
    """One whose attempt alone has failed could go into another job, and never take its answer."""
    parts = memory_adapters()
    await parts.batches.add(Batch(batch_id="batch-1", size=1, created_at=NOW), BatchPlan(prompts=("cat",)))
    fields = {"provider_name": "demo", "model_id": "m", "created_at": NOW, "look_at": NOW}
    job = BatchJob(job_id="job-1", batch_id="batch-1", state=BatchJobState.UPLOADED, **fields)
    await parts.batch_jobs.add(job)
    task = a_task(batch=BatchPlace(batch_id="batch-1", item=0)).claim(job.owner, NOW)
    await parts.tasks.add(task, queue_size=9)
    await parts.tasks.save(task.fence, attempts=(an_attempt(task).submitting(NOW),))
    await parts.batches.change("batch-1", "cancel", now=NOW)
    repository = OneWrite(parts.tasks)
    jobs = ImageGen(attrs.evolve(parts, tasks=repository)).batch_jobs
    jobs.start()
    await asyncio.wait_for(repository.is_written.wait(), 30)
    await jobs.stop()

    (attempt,), task = await parts.tasks.attempts(task.task_id), await parts.tasks.get(task.task_id)
    assert (TaskStatus.CANCELLED, Phase.FAILED, Charge.NONE) == (task.status, attempt.phase, attempt.charge)


async def test_others_get_their_turn_while_many_lines_are_checked():
    """Each with its own parameters; only the last one is refused."""
    fields = {"provider_name": "openai", "kind": "http", "source": ConfigSource.FILE}
    extra = {"extra_config": {"preset": "openai"}, "api_key": Secret("sk-of-a-test")}
    parts = memory_adapters(providers={"http": HttpProvider(None, clock=SystemClock())})
    imagegen = ImageGen(parts, file_configs={"openai": ProviderConfig(**fields, **extra)})
    items = (
        BatchItem(prompt="cat", params={"size": f"{1024 + 16 * n}x1024", "quality": "low"}) for n in range(60)
    )
    items = (*items, *(attrs.evolve(item, params={**item.params, "quality": "high"}) for item in items))
    turns = count()

    async def other():
        while True:
            next(turns)
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    batch = Batch(mode="vendor")
    plan = BatchPlan(items=(*items, BatchItem(prompt="")), targets=(Target("openai"),))
    with pytest.raises(ValidationFailed, match=rf"items\.{len(items)}"):
        await imagegen.batches.create(batch, plan)
    others.cancel()

    assert next(turns) > 1
