"""Batch jobs of providers: started by one paid act, found again, polled, and their answers read.

The attempt of a task in a job is ``submitting`` until its answer is on disk. Then it is ``received``, and the
task goes on as any other would: `Runner` runs it to its end.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import Phase, Receipt, UpstreamJob
from imagegen_core.batch import BatchStatus
from imagegen_core.errors import (
    CallError,
    Failure,
    FailureCode,
    ImagegenError,
    Refusal,
    StaleTask,
    TaskNotFound,
    Unavailable,
    ValidationFailed,
)
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.limits import MAX_NUM
from imagegen_core.messages import FailureReason, ProblemCode
from imagegen_core.models import Model, canonical
from imagegen_core.policies import DISK_RETRY_SECONDS
from imagegen_core.ports.batches import OWNER_PREFIX, BatchJob
from imagegen_core.ports.cluster import BATCHES
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import BatchCalls, ProviderCall, batches_of
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.requests import ImageRequest
from imagegen_core.resolving import ResolvedProvider
from imagegen_core.running.calls import refusal_failure
from imagegen_core.running.exchange import cut, spool_folder
from imagegen_core.running.runner import Runner
from imagegen_core.search import Paging, pages
from imagegen_core.secrets import redacted_failure
from imagegen_core.task import Submission, Task, TaskStatus

MAX_JOB_BYTES = 150_000_000
"""About what the lines of one job take: OpenAI takes 200 MB and 50,000 lines, Gemini 2 GB."""

_MAX_ANSWER_BYTES = MAX_NUM * (MAX_IMAGE_BYTES * 4 // 3) + 2**20
_LINES, _ANSWER = "requests.jsonl", "answer"
_TASKS_AT_ONCE = 25
_MAX_READS = 4  # of answers that cannot be read, or say nothing of some tasks: they may be cut off
_RUNS_AT_ONCE = 4  # answers of one job that are decoded at once
_LOOK_SECONDS = 5.0  # between two looks at the status of a batch, or at the number of tasks in jobs
_LOOKS_A_SECOND = 20.0  # of all jobs together
_RETRY_SECONDS = 30.0
_PATIENCE_UNSENT_SECONDS = 24 * 3600.0
_PATIENCE_SENT = timedelta(days=4)  # the providers give up after one and two
_FINAL = (
    FailureCode.REJECTED,
    FailureCode.AUTH_FAILED,
    FailureCode.QUOTA_EXHAUSTED,
    FailureCode.CONTENT_POLICY,
)
"""What refuses a job that was not sent; after anything else it is tried again."""

_log = logging.getLogger(__name__)


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """Yield each line as an iterator over its pieces; what its reader leaves of it is skipped."""
    rest, has_more = b"", True

    async def line() -> AsyncIterator[bytes]:
        nonlocal rest, has_more
        while True:
            head, end, tail = rest.partition(b"\n")
            rest = tail
            if head:
                yield head
            if end or not has_more:
                return
            chunk = await anext(chunks, None)
            rest, has_more = chunk or b"", chunk is not None

    while has_more or rest:
        pieces = line()
        yield pieces
        async for _ in pieces:
            pass


@attrs.define(kw_only=True, eq=False)
class BatchJobs:
    """The jobs of all batches; ``owner`` is this node, and one node at a time runs them."""

    parts: Parts
    runner: Runner
    owner: str
    poll_seconds: float
    job_bytes: int = MAX_JOB_BYTES
    _runs: dict[str, asyncio.Task[None]] = attrs.field(factory=dict, init=False)
    _out: Mapping[str, int] = attrs.field(factory=dict, init=False)
    _count_at: float = attrs.field(default=-math.inf, init=False)

    async def check(self, submission: Submission, resolved: ResolvedProvider, model: Model) -> None:
        """Refuse a request that cannot go into a job of its provider."""
        config, batches = resolved.config, batches_of(resolved.provider)
        if batches is None or model.batch_factor is None:
            reason = ProblemCode.NO_BATCH_JOBS(provider=config.provider_name, model=model.id)
            raise ValidationFailed.for_field("mode", reason)
        params = canonical(submission.params)
        request = ImageRequest(operation=submission.operation, prompt=submission.prompt, params=params)
        calls = resolved.provider.split(request, model, config)
        if len(calls) > 1:
            reason = ProblemCode.ONE_CALL_EACH(provider=config.provider_name, count=len(calls))
            raise ValidationFailed.for_field("params.num", reason)
        call = ProviderCall(call_id="", request=calls[0], model=model, config=config)
        try:
            await batches.line("check", call)
        except CallError as error:
            raise ValidationFailed.for_field("params", error.failure.reason) from error

    async def limit(self, provider_name: str) -> int | None:
        """Return how many tasks of a provider may be processing: those of jobs take no place of others."""
        if (limit := await self.runner.calls.resolve.concurrency(provider_name)) is None:
            return None
        now = self.parts.clock.monotonic()
        if now >= self._count_at:
            self._out, self._count_at = await self.parts.batches.tasks_in_jobs(), now + _LOOK_SECONDS
        return limit + self._out.get(provider_name, 0)

    async def look(self) -> None:
        """Make jobs for the tasks that wait for one, and go on with all jobs until `stop`.

        Only the node that submits the tasks may do that, once it has no more of them for now. Jobs of the
        same batch, provider and model wait for each other.
        """
        store, now = self.parts.batches, self.parts.clock.now()
        for target in await store.missing_jobs():
            await store.add_job(BatchJob(job_id=self.parts.new_id(), created_at=now, **target))
        self._runs = {job_id: run for job_id, run in self._runs.items() if not run.done()}
        oldest = {
            (job.batch_id, job.provider_name, job.model_id): job for job in reversed(await store.jobs())
        }
        for job in oldest.values():
            if job.job_id not in self._runs:
                run = JobRun(jobs=self, parts=self.parts, job=job).run()
                self._runs[job.job_id] = asyncio.create_task(run, name=f"batch job {job.job_id}")

    @property
    def look_seconds(self) -> float:
        """How long a job waits between two looks at its batch: there may be thousands."""
        return max(_LOOK_SECONDS, len(self._runs) / _LOOKS_A_SECOND)

    async def stop(self) -> None:
        """Stop where the jobs are; each goes on from there at the next look."""
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)


@attrs.define(kw_only=True, eq=False)
class JobRun:
    """The way of one job to its end. Each step stores what it did, and may be taken again."""

    jobs: BatchJobs
    parts: Parts
    job: BatchJob
    _status: BatchStatus = attrs.field(default=BatchStatus.RUNNING, init=False)
    _first_error_at: float | None = attrs.field(default=None, init=False)
    _began: tuple[datetime, float] = attrs.field(init=False)
    _has_current_key: bool = attrs.field(default=False, init=False)
    _reads: int = attrs.field(default=1, init=False)
    _files_read: set[str] = attrs.field(factory=set, init=False)
    _has_unreadable: bool = attrs.field(default=False, init=False)
    _has_ended: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self.parts.clock.now(), self.parts.clock.monotonic()

    async def run(self) -> None:
        """Take steps until the job has ended, or another node has it; one that fails is taken again."""
        while not self._has_ended:
            details = self._details
            try:
                try:
                    seconds = await self._step()
                    self._first_error_at = None
                except CallError as error:
                    _log.warning("a step of a batch job failed: %s", error, extra=details)
                    seconds = await self._after_error(error)
                await self._rest(seconds)
            except StaleTask:
                return
            except ImagegenError as error:
                _log.warning("a batch job waits", extra={**details, "reason": str(error)})
                await self.parts.clock.sleep(1.0)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("a batch job failed", extra=details)
                await self.parts.clock.sleep(_RETRY_SECONDS)
        _log.info("a batch job is done", extra=details)
        self.parts.cluster.tell(BATCHES, self.job.batch_id)

    async def _rest(self, seconds: float) -> None:
        """Wait for that long, or until the batch is paused, resumed or cancelled."""
        clock, status = self.parts.clock, self._status
        end = clock.monotonic() + seconds
        while status is self._status and (remaining := end - clock.monotonic()) > 0:
            await clock.sleep(min(remaining, self.jobs.look_seconds))
            self._status = (await self.parts.batches.get(self.job.batch_id)).status

    async def _step(self) -> float:
        """Take the next step, and return the seconds until the one after it."""
        self._status = (await self.parts.batches.get(self.job.batch_id)).status
        if self.job.sent_at is None and self._status is BatchStatus.CANCELLED:
            return await self._end(Failure(FailureCode.CANCELLED, FailureReason.CANCELLED_UNSENT()))
        if self.job.sent_at is None and self._status is BatchStatus.PAUSED:
            return self.jobs.poll_seconds
        if self.job.file is None:
            return await self._upload()
        if (target := await self._target()) is None:
            return await self._end()
        return await (self._start(*target) if self.job.upstream_id is None else self._poll(*target))

    @property
    def _details(self) -> dict[str, object]:
        return {name: getattr(self.job, name) for name in ("job_id", "batch_id", "upstream_id")}

    @property
    def _is_late(self) -> bool:
        """Whether the provider should have given up; a clock set forward meanwhile is no reason."""
        if self.job.sent_at is None:
            return False
        (began, monotonic), clock = self._began, self.parts.clock
        watched = timedelta(seconds=clock.monotonic() - monotonic)
        age = watched + max(began - self.job.sent_at, timedelta())
        return min(age, clock.now() - self.job.sent_at) > _PATIENCE_SENT

    async def _save(self, **changes: Any) -> None:
        self.job = await self.parts.batches.save_job(attrs.evolve(self.job, **changes))

    async def _end(self, failure: Failure | None = None) -> float:
        """End the job, and by ``failure`` the tasks that it still has, unless another node has it by now."""
        await self._save()
        if failure is not None:
            failure = redacted_failure(failure, self.parts.redactor)
            async for tasks in self._tasks():
                await asyncio.gather(*(self._fail(task, failure) for task in tasks))
        self._has_ended = await self.parts.batches.remove_job(self.job.job_id)
        return 0.0 if self._has_ended else _RETRY_SECONDS

    async def _after_error(self, error: CallError) -> float:
        failure, is_accepted = error.failure, self.job.upstream_id is not None
        now = self.parts.clock.monotonic()
        self._first_error_at = now if self._first_error_at is None else self._first_error_at
        if self.job.sent_at is None:
            if failure.code in _FINAL or now - self._first_error_at > _PATIENCE_UNSENT_SECONDS:
                return await self._end(attrs.evolve(failure, possible_charge=False))
        elif self._is_late:
            code = FailureCode.RESULT_EXPIRED if is_accepted else FailureCode.OUTCOME_UNKNOWN
            return await self._end(Failure(code, failure.reason))
        elif failure.code is FailureCode.AUTH_FAILED and is_accepted:
            # One that was perhaps started is never looked for with another key, perhaps of another account
            self._has_current_key = True
        retry_after = min(self.jobs.runner.retry.retry_after_ceiling, error.retry_after or 0.0)
        return max(retry_after, min(_RETRY_SECONDS, self.jobs.poll_seconds))

    # ---------------------------------------------------------------- upload and start

    async def _upload(self) -> float:
        """Take the tasks that wait for a job, as many as fit, and upload the lines of all that it has."""

        async def lines() -> AsyncIterator[bytes]:
            size = 0
            async for tasks in self._tasks():
                if size > self.jobs.job_bytes and any(task.owner == OWNER_PREFIX for task in tasks):
                    return  # these go into the next job
                for line in await asyncio.gather(*map(self._line, tasks)):
                    if line is not None:
                        size += len(line) + 1
                        yield line + b"\n"

        spool, folder = self.parts.spool, self.job.job_id
        size = await spool.put(folder, _LINES, lines(), max_bytes=2**40)
        if not size or (target := await self._target()) is None:
            return await self._end()
        batches, call = target
        file = await batches.upload(call, spool.chunks(folder, _LINES), size=size)
        await spool.remove(folder)
        await self._save(file=file)
        return 0.0

    async def _line(self, task: Task) -> bytes | None:
        """Return the task's line, with the task stored as the job's; None if it has ended instead."""
        attempts = await self.parts.tasks.attempts(task.task_id)
        counted, calls = task if attempts else task.count_attempt(), self.jobs.runner.calls
        try:
            plan = await calls.plan(task, attempts)
            if plan.refusal is not None:
                raise CallError.from_failure(plan.refusal)
            planned = plan.calls[0]
            batches, model = batches_of(planned.resolved.provider), planned.call.model
            if batches is None or model.batch_factor is None or len(plan.calls) > 1:
                raise CallError(FailureCode.REJECTED, FailureReason.NOT_FOR_A_BATCH_JOB())
            attempt = attempts[-1] if attempts else calls.reserved(counted, 0)
            call = attrs.evolve(planned.call, call_id=attempt.attempt_id, model=model.in_batch)
            line = await batches.line(task.task_id, call)
        except Unavailable:
            raise
        except (Refusal, CallError) as error:
            refused = error.failure if isinstance(error, CallError) else refusal_failure(error, charged=False)
            await self._fail(task, attrs.evolve(refused, possible_charge=False))
            return None
        # That of an earlier file, which was not sent, has the configuration and the price of now, too
        attempt = calls.submitting(
            attrs.evolve(attempt, phase=Phase.RESERVED), call, planned.resolved.profile
        )
        owned = attrs.evolve(counted, owner=self.job.owner, epoch=task.epoch + 1)
        try:  # From the new epoch on, nobody can cancel it
            await self.parts.tasks.save(task.fence, task=owned, attempts=(attempt,))
        except StaleTask:
            return None
        return line

    async def _start(self, batches: BatchCalls, call: ProviderCall) -> float:
        """Look for the job, and start it if it is not there: the one paid act.

        It is looked for before the first start, too: a service whose data are those of a backup may have
        started it. Of one that was perhaps started the file is removed, so that a request on its way starts
        nothing. If it is not there a poll's time after that either, nothing was, and it is uploaded again.
        """
        upstream_id = await batches.find(call, since=self.job.created_at)
        if upstream_id is None and self.job.sent_at is not None:
            await batches.discard(call, str(self.job.file))
            await self.parts.clock.sleep(self.jobs.poll_seconds)
            upstream_id = await batches.find(call, since=self.job.created_at)
            if upstream_id is None:
                await self._save(file=None, sent_at=None)
                return 0.0
        if upstream_id is None:
            try:
                await self.jobs.runner.calls.resolve(provider_name=self.job.provider_name)
            except Unavailable:
                raise
            except Refusal as refusal:  # it was switched off, or removed, since the upload
                return await self._end(refusal_failure(refusal, charged=False))
            if (await self.parts.batches.get(self.job.batch_id)).status is not self._status:
                return 0.0  # it was paused or cancelled during the look
            await self._save(sent_at=self.parts.clock.now())
            try:
                upstream_id = await batches.start(call, str(self.job.file))
            except CallError as error:
                if not error.failure.possible_charge:
                    await self._save(sent_at=None)
                raise
        await self._save(upstream_id=upstream_id, sent_at=self.parts.clock.now())
        _log.info("a batch job is accepted", extra=self._details)
        return self.jobs.poll_seconds

    # ---------------------------------------------------------------- poll and read

    async def _poll(self, batches: BatchCalls, call: ProviderCall) -> float:
        upstream_id = str(self.job.upstream_id)
        outcome = await batches.outcome(call, upstream_id)
        if outcome is None:
            if self._status is BatchStatus.CANCELLED or self._is_late:
                await batches.cancel(call, upstream_id)
            if not self._is_late:
                return self.jobs.poll_seconds
            reason = FailureReason.TOO_SLOW(seconds=_PATIENCE_SENT.total_seconds())
            return await self._end(Failure(FailureCode.RESULT_EXPIRED, reason))
        for file in outcome.files:
            if file not in self._files_read:  # it may have gigabytes
                await self._read(batches, call, file)
                self._files_read.add(file)
        await self.parts.spool.remove(self.job.job_id)
        is_incomplete = self._has_unreadable or outcome.rest.code is FailureCode.BAD_RESPONSE
        if is_incomplete and self._reads < _MAX_READS and await self._target() is not None:
            self._reads, self._has_unreadable = self._reads + 1, False
            self._files_read.clear()
            return self.jobs.poll_seconds
        # Where a line could not be read, what the provider says of calls without an answer proves nothing
        is_possible = outcome.rest.possible_charge or self._has_unreadable
        return await self._end(attrs.evolve(outcome.rest, possible_charge=is_possible))

    async def _read(self, batches: BatchCalls, call: ProviderCall, file: str) -> None:
        """Read a file of answers, of which one line at a time is on disk, and none in memory."""
        runs: set[asyncio.Task[None]] = set()
        try:
            async for pieces in lines_of(batches.answers(call, file)):
                if (task := await self._received(batches, call, pieces)) is not None:
                    runs.add(asyncio.create_task(self.jobs.runner.run(task)))
                if len(runs) >= _RUNS_AT_ONCE:
                    _, runs = await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED)
                while not self.parts.has_room():
                    await self.parts.clock.sleep(DISK_RETRY_SECONDS)
        except asyncio.CancelledError:
            for run in runs:
                run.cancel()
            raise
        finally:
            await asyncio.gather(*runs, return_exceptions=True)

    async def _received(
        self, batches: BatchCalls, call: ProviderCall, pieces: AsyncIterator[bytes]
    ) -> Task | None:
        """Return the task of a line, with its answer on disk; None if there is nothing more to do for it."""
        spool, folder, is_last = self.parts.spool, self.job.job_id, self._reads == _MAX_READS
        if not await spool.put(
            folder, _ANSWER, cut(pieces, _MAX_ANSWER_BYTES, []), max_bytes=_MAX_ANSWER_BYTES
        ):
            return None

        def read() -> tuple[str, Receipt | Failure]:
            with spool.open(folder, _ANSWER) as file:
                return batches.read(call, file, _ANSWER, is_whole=is_last)

        try:
            task_id, result = await asyncio.to_thread(read)
            task = await self.parts.tasks.get(task_id)
        except (CallError, TaskNotFound) as error:
            self._has_unreadable = True
            _log.warning("an answer of a batch job cannot be read: %s", error, extra=self._details)
            if is_last:
                name = f"line-{self.parts.new_id()}"
                await spool.put(f"{folder}.kept", name, spool.chunks(folder, _ANSWER), max_bytes=2**40)
            return None
        if task.owner != self.job.owner or task.status is not TaskStatus.PROCESSING:
            return None  # it was read before
        if isinstance(result, Failure):
            await self._fail(task, redacted_failure(result, self.parts.redactor))
            return None
        attempt, now = (await self.parts.tasks.attempts(task_id))[-1], self.parts.clock.now()
        answer, place = spool.chunks(folder, _ANSWER), spool_folder(task_id, attempt.attempt_id)
        await spool.put(place, _ANSWER, answer, max_bytes=_MAX_ANSWER_BYTES)
        received = attempt.accepted(now, UpstreamJob(id=str(self.job.upstream_id))).received(now, result)
        claimed = attrs.evolve(task, owner=self.jobs.owner, epoch=task.epoch + 1)
        await self.parts.tasks.save(task.fence, task=claimed, attempts=(received,))
        return claimed

    # ---------------------------------------------------------------- tasks

    async def _tasks(self) -> AsyncIterator[list[Task]]:
        """Yield the tasks that the job still has, some at a time; without a file, those that wait, too."""
        job = self.job
        own = TaskFilter(status=TaskStatus.PROCESSING, owner=job.owner)
        waiting = attrs.evolve(
            own, owner=OWNER_PREFIX, batch_id=job.batch_id, provider_name=job.provider_name
        )
        for criteria in (own, waiting) if job.file is None else (own,):
            async for page in pages(
                partial(self.parts.tasks.find, criteria), Paging(page_size=_TASKS_AT_ONCE)
            ):
                yield [task for task in page.items if task.model_id == job.model_id]

    async def _target(self) -> tuple[BatchCalls, ProviderCall] | None:
        """Return who has the job, and a call as it was or will be sent; None if it has no tasks any more."""
        calls, phases = self.jobs.runner.calls, (Phase.SUBMITTING,)
        async for tasks in self._tasks():
            for task in tasks:
                attempts = await self.parts.tasks.attempts(task.task_id)
                planned = calls.sent_calls(task, attempts, phases).get(0)
                planned = planned or (await calls.plan(task, attempts)).calls.get(0)
                if planned is not None and self._has_current_key:
                    planned = await calls.with_current_key(task, planned) or planned
                batches = None if planned is None else batches_of(planned.resolved.provider)
                if planned is None or batches is None:
                    raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, FailureReason.NOT_FOR_A_BATCH_JOB())
                return batches, attrs.evolve(planned.call, call_id=self.job.job_id)
        return None

    async def _fail(self, task: Task, failure: Failure) -> None:
        """End a task without an answer."""
        now, attempts = self.parts.clock.now(), await self.parts.tasks.attempts(task.task_id)
        failed = [attempt.failed(now, failure) for attempt in attempts if attempt.is_active]
        if failure.code is FailureCode.CANCELLED:
            ended = task.cancel(now, possible_charge=failure.possible_charge)
        else:
            ended = task.fail(now, failure)
        with suppress(StaleTask):
            await self.jobs.runner.end(ended, task.fence, failed)
