"""Batch jobs of providers: collected, sent by one paid act, found again, polled, and their answers read.

The attempt of a task in a job is ``submitting`` until its answer is on disk. Then it is ``received``, and the
task goes on as any other would: `Runner` runs it to its end.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import attrs

from imagegen_core.attempt import Phase, UpstreamJob
from imagegen_core.batch import BatchStatus
from imagegen_core.costs import quote
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
from imagegen_core.ports.batch_jobs import BatchJob, BatchJobState
from imagegen_core.ports.blobs import SpoolOverflow
from imagegen_core.ports.cluster import BATCH_JOBS
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import BatchAnswer, BatchCalls, ProviderBatch, ProviderCall, batches_of
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.requests import ImageRequest
from imagegen_core.resolving import ResolvedProvider
from imagegen_core.running.calls import PlannedCall, refusal_failure, seal_call
from imagegen_core.running.exchange import spool_folder
from imagegen_core.running.runner import Runner
from imagegen_core.search import Paging
from imagegen_core.secrets import redacted_message
from imagegen_core.task import Submission, Task, TaskStatus

MAX_JOB_BYTES = 150_000_000
"""About what the lines of one job take: OpenAI takes 200 MB and 50,000 lines, Gemini 2 GB."""

_LINE_BYTES = 4096  # of a line beside its prompt
_MAX_ANSWER_BYTES = MAX_NUM * (MAX_IMAGE_BYTES * 4 // 3) + 2**20
_LINES, _ANSWER = "requests.jsonl", "answer"
_TASKS_AT_ONCE = 25
_MAX_READS = 3  # of the answers of a job that say nothing of some of its tasks
_RUNS_AT_ONCE = 4  # answers of one job that are decoded at once
LOOK_SECONDS = 10.0
_COUNT_SECONDS = 5.0
_RETRY_SECONDS = 30.0
_PATIENCE_UNSENT = timedelta(days=1)
_PATIENCE_SENT = timedelta(days=4)  # the providers give up after one and two
_UNSENT = (BatchJobState.COLLECTING, BatchJobState.WAITING, BatchJobState.UPLOADED)
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
    """The jobs of all batches. One node at a time runs them; ``owner`` is this one's name."""

    parts: Parts
    runner: Runner
    owner: str
    poll_seconds: float
    job_bytes: int = MAX_JOB_BYTES
    _steps: dict[str, asyncio.Task[None]] = attrs.field(factory=dict, init=False)
    _wake: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _loop: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _with_current_key: set[str] = attrs.field(factory=set, init=False)
    _first_errors: dict[str, datetime] = attrs.field(factory=dict, init=False)
    _files_read: set[tuple[str, str]] = attrs.field(factory=set, init=False)
    _reads: Counter[str] = attrs.field(factory=Counter, init=False)
    _out: Mapping[str, int] = attrs.field(factory=dict, init=False)
    _count_at: float = attrs.field(default=-math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        self.parts.cluster.hear(BATCH_JOBS, lambda _: self._wake.set())

    # ---------------------------------------------------------------- collect

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
        try:
            await batches.line(
                "check", ProviderCall(call_id="", request=calls[0], model=model, config=config)
            )
        except CallError as error:
            raise ValidationFailed.for_field("params", error.failure.reason) from error

    async def place(self, batch_id: str, tasks: Sequence[Task]) -> list[Task]:
        """Return new tasks, to be stored at once, as those of the batch's jobs, which are made as needed.

        The first that does not fit its job, and all after it, are left out: they come after `close`.
        """
        store, now, placed = self.parts.batch_jobs, self.parts.clock.now(), []
        jobs = {(job.provider_name, job.model_id): job for job in await store.collecting(batch_id)}
        for task in tasks:
            target = (task.provider_name, task.model_id)
            job, size = jobs.get(target), 2 * len(task.request.prompt.encode()) + _LINE_BYTES
            if job is not None and job.size_bytes + size > self.job_bytes:
                break
            if job is None:
                job = BatchJob(
                    job_id=self.parts.new_id(),
                    batch_id=batch_id,
                    provider_name=task.provider_name,
                    model_id=task.model_id,
                    created_at=now,
                    look_at=now,
                )
                await store.add(job)
            jobs[target] = attrs.evolve(job, size_bytes=job.size_bytes + size)
            placed.append(task.claim(job.owner, now))
        for job in jobs.values():
            await store.save(job)
        return placed

    async def close(self, batch_id: str) -> None:
        """Send what is collected of a batch. Only who places tasks does that, once they are stored."""
        for job in await self.parts.batch_jobs.collecting(batch_id):
            with suppress(StaleTask):
                await self.parts.batch_jobs.save(attrs.evolve(job, state=BatchJobState.WAITING))
            self.parts.cluster.tell(BATCH_JOBS, batch_id)

    async def wake(self, batch_id: str) -> None:
        """Let the batch's jobs notice that it was resumed or cancelled."""
        await self.parts.batch_jobs.wake(batch_id, self.parts.clock.now())
        self.parts.cluster.tell(BATCH_JOBS, batch_id)

    def beside(self, limit: Callable[[str], Awaitable[int | None]]) -> Callable[[str], Awaitable[int | None]]:
        """Return how many tasks of a provider may be processing: those in jobs beside its ``limit``."""

        async def limit_beside(provider_name: str) -> int | None:
            if (number := await limit(provider_name)) is None:
                return None
            now = self.parts.clock.monotonic()
            if now >= self._count_at:
                self._out, self._count_at = await self.parts.batch_jobs.tasks_out(), now + _COUNT_SECONDS
            return number + self._out.get(provider_name, 0)

        return limit_beside

    # ---------------------------------------------------------------- the loop

    def start(self) -> None:
        """Run jobs from now on, as soon as no other node does."""
        self._loop = asyncio.create_task(self._run(), name="batch jobs")

    async def stop(self) -> None:
        """Run no more jobs; each goes on from its state at the next start."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                async with self.parts.cluster.slot(BATCH_JOBS, node=self.owner, limit=1):
                    await self._advance_all()
            except ImagegenError as error:
                _log.warning("batch jobs wait for the database", extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("running batch jobs failed")
            await self.parts.clock.sleep(1.0)

    async def _advance_all(self) -> None:
        try:
            while True:
                self._wake.clear()
                for job in await self.parts.batch_jobs.due(self.parts.clock.now()):
                    if job.job_id not in self._steps:
                        step = asyncio.create_task(self._advance(job), name=f"batch job {job.job_id}")
                        self._steps[job.job_id] = step
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(LOOK_SECONDS, self.poll_seconds)):
                        await self._wake.wait()
        finally:
            steps = list(self._steps.values())
            for step in steps:
                step.cancel()
            await asyncio.gather(*steps, return_exceptions=True)

    async def _advance(self, job: BatchJob) -> None:
        """Take the steps of a job that are due; a step during which a store failed stays due."""
        details = {"job_id": job.job_id, "batch_id": job.batch_id}
        try:
            while job.state is not BatchJobState.ENDED and job.look_at <= self.parts.clock.now():
                details = {"job_id": job.job_id, "batch_id": job.batch_id, "state": str(job.state)}
                try:
                    changed = await self._step(job)
                except CallError as error:
                    _log.warning("a step of a batch job failed: %s", error, extra=details)
                    changed = await self._after_error(job, error)
                job = await self.parts.batch_jobs.save(changed)
                if job.state is BatchJobState.ENDED:
                    _log.info("a batch job is done", extra=details)
        except StaleTask:
            pass  # another node has it, or its batch was woken
        except ImagegenError as error:
            _log.warning("a batch job waits", extra={**details, "reason": str(error)})
            await self.parts.clock.sleep(1.0)
        except Exception:  # noqa: BLE001 - logged, and tried again
            _log.exception("a batch job failed", extra=details)
            await self.parts.clock.sleep(_RETRY_SECONDS)
        finally:
            del self._steps[job.job_id]

    async def _step(self, job: BatchJob) -> BatchJob:
        status = (await self.parts.batches.get(job.batch_id)).status
        if job.state in _UNSENT:
            if status is BatchStatus.CANCELLED:
                return await self._end(job, Failure(FailureCode.CANCELLED, FailureReason.CANCELLED_UNSENT()))
            if status is BatchStatus.PAUSED:
                return self._later(job)
        if job.state is BatchJobState.WAITING:
            return await self._upload(job)
        if (target := await self._provider_batch(job)) is None:
            return self._ended(job)  # all of its tasks have ended
        steps = {BatchJobState.UPLOADED: self._send, BatchJobState.SENDING: self._find}
        step = steps.get(job.state, partial(self._poll, cancels=status is BatchStatus.CANCELLED))
        return await step(job, *target)

    def _later(self, job: BatchJob, seconds: float | None = None) -> BatchJob:
        delay = self.poll_seconds if seconds is None else seconds
        return attrs.evolve(job, look_at=self.parts.clock.now() + timedelta(seconds=delay))

    def _is_late(self, job: BatchJob) -> bool:
        return job.sent_at is not None and self.parts.clock.now() - job.sent_at > _PATIENCE_SENT

    def _ended(self, job: BatchJob) -> BatchJob:
        return attrs.evolve(job, state=BatchJobState.ENDED)

    async def _end(self, job: BatchJob, failure: Failure) -> BatchJob:
        """End the job with all tasks that it still has."""
        async for tasks in self._tasks(job):
            await asyncio.gather(*(self._fail(task, failure) for task in tasks))
        return self._ended(job)

    async def _after_error(self, job: BatchJob, error: CallError) -> BatchJob:
        failure, now = self._redacted(error.failure), self.parts.clock.now()
        if job.state in _UNSENT:
            failure = attrs.evolve(failure, possible_charge=False)
            first_error_at = self._first_errors.setdefault(job.job_id, now)
            if failure.code in _FINAL or now - first_error_at > _PATIENCE_UNSENT:
                return await self._end(job, failure)
        elif self._is_late(job):
            is_lost = job.state is BatchJobState.ACCEPTED
            code = FailureCode.RESULT_EXPIRED if is_lost else FailureCode.OUTCOME_UNKNOWN
            return await self._end(job, Failure(code, failure.reason))
        elif failure.code is FailureCode.AUTH_FAILED and job.state is BatchJobState.ACCEPTED:
            # One that was perhaps sent is never looked for with another key, which may be another account's
            self._with_current_key.add(job.job_id)
        return self._later(job, max(error.retry_after or 0.0, min(_RETRY_SECONDS, self.poll_seconds)))

    # ---------------------------------------------------------------- upload and send

    async def _upload(self, job: BatchJob) -> BatchJob:
        ready: list[PlannedCall] = []

        async def lines() -> AsyncIterator[bytes]:
            async for tasks in self._tasks(job):
                for line in await asyncio.gather(*(self._line(task, ready) for task in tasks)):
                    if line is not None:
                        yield line + b"\n"

        spool = self.parts.spool
        size = await spool.put(job.job_id, _LINES, lines(), max_bytes=2**40)
        if not ready:
            return self._ended(job)
        batches, batch = self._batch(job, ready[-1])
        file = await batches.upload(batch, spool.chunks(job.job_id, _LINES), size=size)
        await spool.remove(job.job_id)
        return attrs.evolve(job, state=BatchJobState.UPLOADED, file=file)

    async def _line(self, task: Task, ready: list[PlannedCall]) -> bytes | None:
        """Return the task's line, with its attempt stored as being sent; None if it has ended instead."""
        attempts = await self.parts.tasks.attempts(task.task_id)
        counted, calls = task if attempts else task.count_attempt(), self.runner.calls
        try:
            plan = await calls.plan(task, attempts)
            if plan.refusal is not None:
                raise CallError.from_failure(plan.refusal)
            planned = plan.calls[0]
            attempt = attempts[-1] if attempts else calls.reserved(counted, 0)
            call = attrs.evolve(planned.call, call_id=attempt.attempt_id)
            batches = batches_of(planned.resolved.provider)
            if batches is None or call.model.batch_factor is None or len(plan.calls) > 1:
                raise CallError(FailureCode.REJECTED, FailureReason.NOT_FOR_A_BATCH_JOB())
            line = await batches.line(task.task_id, call)
        except Unavailable:
            raise
        except (Refusal, CallError) as error:
            refused = error.failure if isinstance(error, CallError) else refusal_failure(error, charged=False)
            await self._fail(task, attrs.evolve(refused, possible_charge=False))
            return None
        now, model, profile = self.parts.clock.now(), call.model.in_batch, planned.resolved.profile
        ambient = profile.ambient_credentials is not None
        config = seal_call(call.config, model, self.parts.box, call.call_id, ambient=ambient)
        quoted = quote(call.request, model, is_billed=profile.billed)
        if attempt.phase is Phase.RESERVED:
            attempt = attempt.submitting(now, config=config, price=model.price, quoted=quoted)
        attempt = attrs.evolve(attempt, config=config, price=model.price, cost=quoted)
        try:  # From the new epoch on, nobody can cancel it
            counted = attrs.evolve(counted, epoch=task.epoch + 1)
            await self.parts.tasks.save(task.fence, task=counted, attempts=(attempt,))
        except StaleTask:
            return None
        ready[:] = [planned]
        return line

    async def _send(self, job: BatchJob, batches: BatchCalls, batch: ProviderBatch) -> BatchJob:
        """Start the job: the one paid act. Whatever becomes of it, only `_find` says what to do next.

        It is looked for first: a service whose data are those of a backup may have sent it before.
        """
        if (upstream := await batches.find(batch)) is not None:
            return self._accepted(attrs.evolve(job, sent_at=self.parts.clock.now()), upstream)
        sending = attrs.evolve(job, state=BatchJobState.SENDING, sent_at=self.parts.clock.now())
        sending = await self.parts.batch_jobs.save(sending)
        try:
            upstream = await batches.start(batch, str(job.file))
        except CallError as error:
            if error.failure.possible_charge:
                _log.warning("whether a batch job was started is unknown: %s", error)
                return self._later(sending, min(_RETRY_SECONDS, self.poll_seconds))
            unsent = attrs.evolve(sending, state=BatchJobState.UPLOADED)
            return await self._after_error(unsent, error)
        return self._accepted(sending, upstream)

    def _accepted(self, job: BatchJob, upstream: UpstreamJob) -> BatchJob:
        extra = {"job_id": job.job_id, "batch_id": job.batch_id, "upstream_id": upstream.id}
        _log.info("a batch job is accepted", extra=extra)
        accepted = attrs.evolve(job, state=BatchJobState.ACCEPTED, upstream_id=upstream.id)
        return self._later(accepted)

    async def _find(self, job: BatchJob, batches: BatchCalls, batch: ProviderBatch) -> BatchJob:
        """Look for a job that may have been started.

        If it is not there, its file is removed, so that a request on its way starts nothing. If it is not
        there after that either, nothing was started, and it is sent again.
        """
        if (upstream := await batches.find(batch)) is not None:
            return self._accepted(job, upstream)
        if job.file is not None:
            await batches.discard(batch, job.file)
            return self._later(attrs.evolve(job, file=None))
        return attrs.evolve(job, state=BatchJobState.WAITING)

    # ---------------------------------------------------------------- poll and read

    async def _poll(
        self, job: BatchJob, batches: BatchCalls, batch: ProviderBatch, *, cancels: bool
    ) -> BatchJob:
        upstream = UpstreamJob(id=str(job.upstream_id))
        outcome = await batches.outcome(batch, upstream)
        if outcome is None:
            is_late = self._is_late(job)
            if cancels or is_late:
                await batches.cancel(batch, upstream)
            if not is_late:
                return self._later(job)
            reason = FailureReason.TOO_SLOW(seconds=_PATIENCE_SENT.total_seconds())
            return await self._end(job, Failure(FailureCode.RESULT_EXPIRED, reason))
        for file in outcome.files:
            if (job.job_id, file) not in self._files_read:  # it may have gigabytes
                await self._read(job, batches, batch, file)
                self._files_read.add((job.job_id, file))
        self._files_read.difference_update((job.job_id, file) for file in outcome.files)
        await self.parts.spool.remove(job.job_id)
        if outcome.rest.code is FailureCode.BAD_RESPONSE and self._reads[job.job_id] < _MAX_READS:
            self._reads[job.job_id] += 1  # What is missing may have been cut off on its way
            if await self._provider_batch(job) is not None:
                return self._later(job)
        return await self._end(job, self._redacted(outcome.rest))

    async def _read(self, job: BatchJob, batches: BatchCalls, batch: ProviderBatch, file: str) -> None:
        """Read a file of answers, of which one line at a time is on disk, and none in memory."""
        runs: set[asyncio.Task[None]] = set()
        try:
            async for pieces in lines_of(batches.answers(batch, file)):
                if (task := await self._received(job, batches, batch, pieces)) is not None:
                    runs.add(asyncio.create_task(self.runner.run(task)))
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
        self, job: BatchJob, batches: BatchCalls, batch: ProviderBatch, pieces: AsyncIterator[bytes]
    ) -> Task | None:
        """Return the task of a line, with its answer on disk; None if there is nothing more to do for it."""
        spool, name = self.parts.spool, f"line-{self.owner}"

        def read() -> BatchAnswer:
            with spool.open(job.job_id, name) as file:
                return batches.read(file, batch, _ANSWER)

        try:
            if not await spool.put(job.job_id, name, pieces, max_bytes=_MAX_ANSWER_BYTES):
                return None
        except SpoolOverflow:
            _log.error("an answer of a batch job is too long", extra={"job_id": job.job_id})
            return None
        try:
            answer = await asyncio.to_thread(read)
            task = await self.parts.tasks.get(answer.name)
        except (CallError, TaskNotFound) as error:
            extra = {"job_id": job.job_id, "upstream_id": job.upstream_id}
            _log.warning("an answer of a batch job cannot be read: %s", error, extra=extra)
            return None
        if task.owner != job.owner or task.status is not TaskStatus.PROCESSING:
            return None  # it was read before
        attempt = (await self.parts.tasks.attempts(task.task_id))[-1]
        if isinstance(answer.result, Failure):
            await self._fail(task, self._redacted(answer.result))
            return None
        folder = spool_folder(task.task_id, attempt.attempt_id)
        await spool.put(folder, _ANSWER, spool.chunks(job.job_id, name), max_bytes=_MAX_ANSWER_BYTES)
        now, upstream = self.parts.clock.now(), UpstreamJob(id=str(job.upstream_id))
        received = attempt.accepted(now, upstream).received(now, answer.result)
        claimed = attrs.evolve(task, owner=self.owner, epoch=task.epoch + 1)
        await self.parts.tasks.save(task.fence, task=claimed, attempts=(received,))
        return claimed

    # ---------------------------------------------------------------- tasks

    async def _tasks(self, job: BatchJob) -> AsyncIterator[tuple[Task, ...]]:
        """Yield the tasks that the job still has, some at a time."""
        criteria = TaskFilter(status=TaskStatus.PROCESSING, owner=job.owner)
        paging, has_more = Paging(page=1, page_size=_TASKS_AT_ONCE), True
        while has_more:
            page = await self.parts.tasks.find(criteria, paging)
            yield page.items
            paging, has_more = attrs.evolve(paging, after=page.last), page.has_more

    async def _provider_batch(self, job: BatchJob) -> tuple[BatchCalls, ProviderBatch] | None:
        """Return the job as it was or will be sent; None if it has no tasks any more."""
        calls, phases = self.runner.calls, (Phase.SUBMITTING,)
        async for tasks in self._tasks(job):
            for task in tasks:
                attempts = await self.parts.tasks.attempts(task.task_id)
                planned = calls.sent_calls(task, attempts, phases).get(0)
                planned = planned or (await calls.plan(task, attempts)).calls.get(0)
                if planned is None:
                    raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, FailureReason.NOT_FOR_A_BATCH_JOB())
                if job.job_id in self._with_current_key:
                    planned = await calls.with_current_key(task, planned) or planned
                return self._batch(job, planned)
        return None

    def _batch(self, job: BatchJob, planned: PlannedCall) -> tuple[BatchCalls, ProviderBatch]:
        batches = batches_of(planned.resolved.provider)
        if batches is None:
            raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, FailureReason.NOT_FOR_A_BATCH_JOB())
        call = planned.call
        return batches, ProviderBatch(
            job_id=job.job_id, config=call.config, model=call.model, created_at=job.created_at
        )

    async def _fail(self, task: Task, failure: Failure) -> None:
        """End a task without an answer."""
        now, attempts = self.parts.clock.now(), await self.parts.tasks.attempts(task.task_id)
        with suppress(StaleTask):
            failed = [attempt.failed(now, failure) for attempt in attempts if attempt.is_active]
            if failure.code is FailureCode.CANCELLED:
                ended = task.cancel(now, possible_charge=failure.possible_charge)
            else:
                ended = task.fail(now, failure)
            await self.runner.end(ended, task.fence, failed)

    def _redacted(self, failure: Failure) -> Failure:
        redactor, code = self.parts.redactor, failure.upstream_code
        return attrs.evolve(
            failure,
            reason=redacted_message(failure.reason, redactor),
            upstream_code=None if code is None else redactor.redact(code, limit=100),
        )
