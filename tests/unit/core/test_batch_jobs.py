"""Which tasks go into which batch job."""

import asyncio
import contextlib
from datetime import timedelta
from decimal import Decimal
from itertools import count

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.system import SystemClock
from imagegen_core import ImageGen
from imagegen_core.attempt import Charge, Phase
from imagegen_core.batch import Batch, BatchItem, BatchPlan
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.ports.batches import BatchJob
from imagegen_core.secrets import Secret
from imagegen_core.task import BatchPlace, Target, TaskStatus
from tests.contracts.clock import ManualClock
from tests.contracts.samples import NOW, a_task, an_attempt

pytestmark = pytest.mark.anyio


class RefusingBatches:
    """Takes files, and starts no job."""

    def __init__(self, calls):
        self.files, self.jobs, self.is_done, self._calls = {}, [], asyncio.Event(), calls

    async def line(self, name, call):
        return call.request.prompt.encode()

    async def upload(self, job, lines, *, size):
        content = b"".join([chunk async for chunk in lines])
        assert size == len(content)
        self.files[job.call_id] = content.decode().splitlines()
        return job.call_id

    async def find(self, job, *, since):
        return None

    async def start(self, job, file):
        self.jobs.append((job.model.id, self.files.pop(file)))
        if sum(len(lines) for _, lines in self.jobs) == self._calls:
            self.is_done.set()
        raise CallError(FailureCode.REJECTED, "not today", possible_charge=False)


class JobProvider(DemoProvider):
    """Two models whose calls go into batch jobs of at most one page of tasks."""

    def __init__(self, batches):
        super().__init__(SystemClock())
        self.batches = batches

    def describe(self, config):
        profile = super().describe(attrs.evolve(config, models=(ModelEntry(id="a"), ModelEntry(id="b"))))
        models = (attrs.evolve(model, batch_factor=Decimal("0.5")) for model in profile.models)
        return attrs.evolve(profile, models=tuple(models))


async def test_what_does_not_fit_a_job_goes_into_the_next_one():
    """There are jobs for each model, and each task is in one of them."""
    batches = RefusingBatches(120)
    config = ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)
    parts = memory_adapters(providers={"demo": JobProvider(batches)})
    imagegen = ImageGen(parts, file_configs={"demo": config})
    imagegen.batches.jobs.job_bytes = 10
    prompts = tuple(f"cat {number}" for number in range(60))
    targets = tuple(Target("demo", model_id) for model_id in "ab")
    batch = Batch(mode="vendor")
    async with imagegen:
        await imagegen.batches.create(batch, BatchPlan(prompts=prompts, targets=targets))
        await asyncio.wait_for(batches.is_done.wait(), 60)

    lines = {
        model_id: [n for name, job in batches.jobs if name == model_id for n in job] for model_id in "ab"
    }
    assert len(batches.jobs) > 4
    assert {model_id: sorted(prompts) for model_id in "ab"} == {
        name: sorted(each) for name, each in lines.items()
    }


class BrokenProvider(JobProvider):
    """Has a defect once its batch is stored."""

    def split(self, request, model, config):
        if self.batches is None:
            raise KeyError(model.id)
        return super().split(request, model, config)


async def test_a_batch_that_cannot_be_submitted_holds_up_no_job():
    """Nor another batch: a defect of one adapter is no reason to leave the paid answers of others there."""
    working, broken = JobProvider(RefusingBatches(1)), BrokenProvider(RefusingBatches(1))
    kinds = {"broken": broken, "working": working}
    configs = {
        name: ProviderConfig(provider_name=name, kind=name, source=ConfigSource.FILE) for name in kinds
    }
    imagegen = ImageGen(memory_adapters(providers=kinds), file_configs=configs)
    for name in kinds:
        plan = BatchPlan(prompts=("cat",), targets=(Target(name, "a"),))
        await imagegen.batches.create(Batch(mode="vendor"), plan)
    broken.batches = None
    async with imagegen:
        await asyncio.wait_for(working.batches.is_done.wait(), 20)

    assert [("a", ["cat"])] == working.batches.jobs


class SlowBatches(RefusingBatches):
    """Asks for a pause of thirty years, once."""

    async def find(self, job, *, since):
        if not self.is_asked:
            self.is_asked = True
            raise CallError(FailureCode.RATE_LIMITED, "later", not_started=True, retry_after=1e9)

    is_asked = False


async def test_a_job_waits_no_longer_than_a_task_for_what_a_provider_asks():
    """An hour; else its tasks would be open until the next start, even after days without an answer."""
    batches, clock = SlowBatches(1), ManualClock()
    parts = attrs.evolve(memory_adapters(providers={"demo": JobProvider(batches)}), clock=clock)
    config = ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)
    imagegen = ImageGen(parts, file_configs={"demo": config})
    started_at, plan = clock.now(), BatchPlan(prompts=("cat",), targets=(Target("demo", "a"),))
    await imagegen.batches.create(Batch(mode="vendor"), plan)
    while await imagegen.batches.submit_some():
        pass
    await imagegen.batches.jobs.look()
    await asyncio.wait_for(batches.is_done.wait(), 20)
    await imagegen.batches.jobs.stop()

    assert 3600 <= (clock.now() - started_at).total_seconds() < 7200


class AcceptingBatches(RefusingBatches):
    """Starts every job, and is never done."""

    async def start(self, job, file):
        return f"upstream-{job.call_id}"

    async def outcome(self, job, upstream_id):
        return None


class BatchesOfAnotherTime(AcceptingBatches):
    """While the provider is asked for the first time, the clock is set to a week later."""

    def __init__(self, clock):
        super().__init__(1)
        self.acts, self._clock = [], clock

    async def outcome(self, job, upstream_id):
        if not self.acts:
            self._clock.set(self._clock.now() + timedelta(days=7))
        self.acts.append("asked")
        if len(self.acts) == 3:
            self.is_done.set()
            await asyncio.Event().wait()

    async def cancel(self, job, upstream_id):
        self.acts.append("cancelled")
        self.is_done.set()


async def test_a_clock_that_is_set_forward_gives_no_job_up():
    """Such as that of a small machine without one, which gets the time after its start."""
    clock = ManualClock()
    batches = BatchesOfAnotherTime(clock)
    parts = attrs.evolve(memory_adapters(providers={"demo": JobProvider(batches)}), clock=clock)
    config = ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)
    imagegen = ImageGen(parts, file_configs={"demo": config})
    plan = BatchPlan(prompts=("cat",), targets=(Target("demo", "a"),))
    await imagegen.batches.create(Batch(mode="vendor"), plan)
    while await imagegen.batches.submit_some():
        pass
    await imagegen.batches.jobs.look()
    await asyncio.wait_for(batches.is_done.wait(), 20)
    await imagegen.batches.jobs.stop()

    assert ["asked"] * 3 == batches.acts


class StandingClock(ManualClock):
    """Nobody wakes; it tells once so many sleep."""

    def __init__(self, sleepers):
        super().__init__()
        self.lengths, self.all_sleep, self._sleepers = [], asyncio.Event(), sleepers

    async def sleep(self, seconds):
        self.lengths.append(seconds)
        if len(self.lengths) == self._sleepers:
            self.all_sleep.set()
        await asyncio.Event().wait()


async def test_many_jobs_that_rest_ask_the_database_no_more_than_some_would():
    """Each is of a batch of one task, as somebody may send them by the thousand."""
    clock = StandingClock(300)
    parts = attrs.evolve(memory_adapters(providers={"demo": JobProvider(AcceptingBatches(1))}), clock=clock)
    config = ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)
    imagegen = ImageGen(parts, file_configs={"demo": config})
    plan = BatchPlan(prompts=("cat",), targets=(Target("demo", "a"),))
    for _ in range(300):
        await imagegen.batches.create(Batch(mode="vendor"), plan)
    while await imagegen.batches.submit_some():
        pass
    await imagegen.batches.jobs.look()
    await asyncio.wait_for(clock.all_sleep.wait(), 60)
    await imagegen.batches.jobs.stop()

    assert sum(1 / seconds for seconds in clock.lengths) < 21


class HangingBatches(RefusingBatches):
    """Takes the paid request, and never answers it."""

    def __init__(self, calls, events):
        super().__init__(calls)
        self._events = events

    async def start(self, job, file):
        self.is_done.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._events.append("the run has ended")


class WatchedCluster:
    """A cluster that notes when a slot is free for another node."""

    def __init__(self, cluster, events):
        self._cluster, self._events = cluster, events

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    @contextlib.asynccontextmanager
    async def slot(self, name, **values):
        async with self._cluster.slot(name, **values):
            try:
                yield
            finally:
                self._events.append("the slot is free")


async def test_the_runs_end_before_another_node_may_begin_them():
    """Two nodes that upload the same job at once would each leave out what the other has."""
    events = []
    batches = HangingBatches(1, events)
    parts = memory_adapters(providers={"demo": JobProvider(batches)})
    parts = attrs.evolve(parts, cluster=WatchedCluster(parts.cluster, events))
    config = ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)
    imagegen = ImageGen(parts, file_configs={"demo": config})
    async with imagegen:
        plan = BatchPlan(prompts=("cat",), targets=(Target("demo", "a"),))
        await imagegen.batches.create(Batch(mode="vendor"), plan)
        await asyncio.wait_for(batches.is_done.wait(), 20)

    assert ["the run has ended", "the slot is free"] == events


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
    fields = {"provider_name": "demo", "model_id": "m", "created_at": NOW}
    job = BatchJob(job_id="job-1", batch_id="batch-1", **fields)
    await parts.batches.add_job(job)
    task = a_task(model_id="m", batch=BatchPlace(batch_id="batch-1", item=0)).claim(job.owner, NOW)
    await parts.tasks.add(task, queue_size=9)
    await parts.tasks.save(task.fence, attempts=(an_attempt(task).submitting(NOW),))
    await parts.batches.change("batch-1", "cancel", now=NOW)
    repository = OneWrite(parts.tasks)
    jobs = ImageGen(attrs.evolve(parts, tasks=repository)).batches.jobs
    await jobs.look()
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
