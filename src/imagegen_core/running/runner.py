"""A claimed task, run to its end, interrupted, or requeued."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import attrs

from imagegen_core.attempt import Attempt, AttemptOutcome, Phase, may_be_charged
from imagegen_core.errors import (
    Failure,
    FailureCode,
    KeysLocked,
    Refusal,
    StaleTask,
    StorageBroken,
    StorageError,
    StorageUnreachable,
    Unavailable,
)
from imagegen_core.messages import Message
from imagegen_core.policies import DISK_RETRY_SECONDS, DeferralPolicy, RetryPolicy, StorageRetryPolicy, settle
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.gallery import Gallery
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import Clock
from imagegen_core.problems import FailureReason
from imagegen_core.running.calls import CallPlan, PlanCalls, RunAttempt, refusal_failure
from imagegen_core.running.slots import ProviderSlots, RunningTask, RunningTasks, Ticket
from imagegen_core.task import MAX_RECOVERIES, Fence, Task, TaskStatus

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class EndTask:
    """The only way for a task to end.

    With ``keep_inputs`` the input images that its caller sent are kept for good. Without, they are removed
    if it is completed, and stay in the spool for a retry otherwise.
    """

    repository: TaskRepository
    queue: Queue
    records: Gallery
    spool: Spool
    keep_inputs: bool

    async def __call__(
        self, *, task: Task, holder: RunningTask | Fence, attempts: Iterable[Attempt] = ()
    ) -> None:
        """Store ``task``, which is final, end those of its ``attempts`` that are active, and announce it.

        Args:
            task: as it ends.
            holder: the run of it, or the fence of the stored task that is ended without one.
            attempts: what it may have been charged for stays as it is known.

        Raises:
            StaleTask: it is no longer the holder's; nothing is stored.
            StorageError: the disk is full or has failed; nothing is stored.
        """
        ended = [
            attempt.ended_with_task(task.completed_at, task.failure)
            for attempt in attempts
            if attempt.is_active and task.failure is not None and task.completed_at is not None
        ]
        if isinstance(holder, Fence):
            await self.repository.save(holder, task=task, attempts=ended)
        else:
            await holder.save(task, ended)
        await self._release_inputs(task)
        await self._announce(task, None if isinstance(holder, Fence) else holder.image_count)

    async def _release_inputs(self, task: Task) -> None:
        """Keep what is to be kept of the spooled input images, and remove the others."""
        if not task.request.inputs:
            return
        try:
            if self.keep_inputs:
                await self.spool.keep(task.task_id, task.request.sent_inputs)
            elif task.status is TaskStatus.COMPLETED:
                await self.spool.remove(task.task_id)
        except StorageError:  # the next sweep does it
            _log.warning("the inputs of a task stay spooled for now", extra={"task_id": task.task_id})

    async def _announce(self, task: Task, images: int | None) -> None:
        """Notify the subscribers of a task whose end is stored, and log it with the number of its images.

        Every task logs its end, so that the log alone accounts for what was paid for; the prompt is not
        logged.
        """
        await self.queue.notify(task.task_id)
        if images is None:
            images = await self._image_count(task)
        ended, started = task.completed_at or task.created_at, task.started_at or task.created_at
        _log.info(
            "the task is completed" if task.failure is None else "the task failed or was cancelled",
            extra={
                "task_id": task.task_id,
                "error": None if task.failure is None else task.failure.code,
                "provider": task.provider_name,
                "model": task.model_id,
                "images": images,
                "seconds": round((ended - started).total_seconds(), 3),
            },
        )

    async def _image_count(self, task: Task) -> int | None:
        try:
            return len(await self.records.of_task(task.task_id))
        except (StorageError, Unavailable):
            return None  # only the log line needs it


@attrs.frozen(kw_only=True)
class InterruptTask:
    """Leaves a task to be resumed, or ends it, without hiding what may have been charged."""

    repository: TaskRepository
    queue: Queue
    clock: Clock
    end: EndTask

    async def stop(self, run: RunningTask, *, is_recovery: bool = False) -> None:
        """Store the state of a task whose worker must end now.

        Parts that were only reserved are requeued, those that the provider accepted are resumed at the next
        start, and a submission in flight has an unknown outcome.

        Raises:
            StaleTask: the task is no longer this run's; nothing is stored.
        """
        now = self.clock.now()
        task = run.task
        if task.status is not TaskStatus.PROCESSING:
            return
        unknown = Failure.from_code(FailureCode.OUTCOME_UNKNOWN, FailureReason.STOPPED_MIDWAY())
        unstored = [a for a in run.attempts.values() if a.phase is not Phase.STORED]
        in_flight = [a for a in unstored if a.phase is Phase.SUBMITTING and not run.free]
        run.hold(attempts=(a.failed(now, unknown) if a in in_flight else a for a in unstored))
        alive = any(a.phase is not Phase.FAILED for a in await self._attempts(run))
        if in_flight and not alive:
            await self.end(holder=run, task=task.fail(now, unknown))
            return
        only_reserved = bool(run.attempts) and all(a.phase is Phase.RESERVED for a in run.attempts.values())
        attempts = max(0, task.attempts - 1) if only_reserved else task.attempts
        await run.save(task.requeue(attempts=attempts, is_recovery=is_recovery))

    async def requeue_after_storage_error(self, run: RunningTask, error: StorageError | Unavailable) -> None:
        """Store the state of the task and requeue it, as soon as the disk accepts writes again.

        If the disk keeps failing over this task, it is failed; a database that was away says nothing about
        the task, however often. If the disk accepts no writes for the rest of the process, the task is
        recovered at the next start.
        """
        is_recovery = not isinstance(error, StorageUnreachable)
        while True:
            await self.clock.sleep(DISK_RETRY_SECONDS)
            try:
                if run.task.status.final:
                    return
                if is_recovery and run.task.recoveries >= MAX_RECOVERIES:
                    await self._fail(run, FailureCode.STORAGE_FAILED, FailureReason.DISK_FAILED())
                else:
                    await self.stop(run, is_recovery=is_recovery)
                    await self.queue.wake()
            except StaleTask:
                return
            except StorageBroken:
                _log_unsaved(run)
            except (StorageError, Unavailable):
                continue
            return

    async def fail_after_defect(self, run: RunningTask) -> None:
        """Fail the task after a defect of this service; it occupies a worker until the disk accepts that.

        If the disk accepts no writes for the rest of the process, the task is recovered at the next start.
        """
        while True:
            try:
                await self._fail(run, FailureCode.INTERNAL, FailureReason.DEFECT())
            except StaleTask:
                return
            except StorageBroken:
                _log_unsaved(run)
            except (StorageError, Unavailable):
                await self.clock.sleep(DISK_RETRY_SECONDS)
                continue
            except Exception:  # noqa: BLE001 - logged, and left to `ResumeTasks`
                _log_unsaved(run)
            return

    async def _fail(self, run: RunningTask, code: FailureCode, reason: Message) -> None:
        """Fail the task through no fault of its provider, without hiding what may have been charged."""
        if run.task.status is not TaskStatus.PROCESSING:
            return
        now = self.clock.now()
        # The disk may have refused the end of an attempt before.
        run.hold(attempts=[a for a in run.attempts.values() if a.phase is Phase.FAILED])
        attempts = await self._attempts(run)
        failure = Failure.from_code(code, reason, possible_charge=may_be_charged(attempts))
        await self.end(task=run.task.fail(now, failure), holder=run, attempts=attempts)

    async def _attempts(self, run: RunningTask) -> tuple[Attempt, ...]:
        """Return all attempts of the task; those of this run may be newer than the stored ones."""
        stored = {a.attempt_id: a for a in await self.repository.attempts(run.task.task_id)}
        return tuple((stored | {a.attempt_id: a for a in run.attempts.values()}).values())


def _log_unsaved(run: RunningTask) -> None:
    """Log why the stored task is not updated; called while the exception is being handled."""
    _log.exception("the task could not be stored; it is resumed later", extra={"task_id": run.task.task_id})


T = TypeVar("T")


@attrs.frozen(kw_only=True)
class RunTask:
    """Splits a task into paid calls, runs each, and settles the task by their outcomes."""

    plan: PlanCalls
    run_attempt: RunAttempt
    repository: TaskRepository
    queue: Queue
    end: EndTask
    interrupt: InterruptTask
    clock: Clock
    running: RunningTasks
    slots: ProviderSlots
    retry: RetryPolicy
    random: Callable[[], float]
    storage_retry: StorageRetryPolicy = attrs.field(factory=StorageRetryPolicy)
    deferral: DeferralPolicy = attrs.field(factory=DeferralPolicy)

    async def __call__(self, *, task: Task) -> None:
        """Run a claimed task to its end or requeue it; when cancelled, store its state."""
        with self.slots.ticket(task.provider_name) as ticket:
            await self._run_in(ticket, task)

    async def _run_in(self, ticket: Ticket, task: Task) -> None:
        run = self.running.start(task, ticket)
        try:
            await self._run(run)
        except asyncio.CancelledError:
            with contextlib.suppress(StaleTask):
                await self.interrupt.stop(run)
            raise
        except StaleTask:
            _log.warning("the task was given to another worker", extra={"task_id": task.task_id})
        except (StorageError, Unavailable) as error:
            _log.warning("the task waits for the disk", extra={"task_id": task.task_id, "reason": str(error)})
            ticket.yield_turn()
            await self.interrupt.requeue_after_storage_error(run, error)
        except Exception:  # noqa: BLE001 - a defect of ours must end the task, not the worker
            _log.exception("running the task failed", extra={"task_id": task.task_id})
            ticket.yield_turn()
            await self.interrupt.fail_after_defect(run)
        finally:
            self.running.end(run)

    async def _run(self, run: RunningTask) -> None:
        attempts = await self._earlier_attempts(run.task)
        run.image_count, run.has_spooled = (None, True) if attempts else (0, False)
        has_active = any(a.phase not in (Phase.RESERVED, Phase.FAILED) for a in attempts)
        if run.cancelled.is_set() and not has_active:
            ended = run.task.cancel(self.clock.now(), possible_charge=may_be_charged(attempts))
            await self.end(holder=run, task=ended)
            return
        try:
            plan = await self.plan(task=run.task, attempts=attempts)
        except Unavailable as error:
            await self._wait_for_provider(run, error)
            return
        except Refusal as refusal:
            failure = refusal_failure(refusal, charged=may_be_charged(attempts))
            await self.end(holder=run, task=run.task.fail(self.clock.now(), failure))
            return
        outcomes = await self._run_parts(run, plan, attempts)
        if any(outcome.not_begun for outcome in outcomes):
            await self.interrupt.stop(run)
            return
        task = settle(
            run.task,
            outcomes,
            cancelled=run.cancelled.is_set(),
            now=self.clock.now(),
            retry=self.retry,
            storage_retry=self.storage_retry,
            random=self.random,
        )
        if task.status.final:
            await self.end(holder=run, task=task)
        else:
            await self._requeue(run, task)
            _log.info("the task waits for another try", extra=self._retry_details(task, outcomes))
        if run.closing is not None:
            await self.run_attempt.discard_response(run, run.closing)

    async def _earlier_attempts(self, task: Task) -> tuple[Attempt, ...]:
        """Return what earlier claims left; the first claim of a task has none, and asks nobody."""
        return () if task.epoch == 1 else await self.repository.attempts(task.task_id)

    async def _wait_for_provider(self, run: RunningTask, error: Unavailable) -> None:
        task = run.task
        _log.warning(
            "the task waits until its provider can be used",
            extra={"task_id": task.task_id, "provider": task.provider_name, "reason": str(error)},
        )
        not_before = self.clock.now() + self.deferral.delay(error)
        await self._requeue(run, task.requeue(not_before=not_before, locked=isinstance(error, KeysLocked)))

    def _retry_details(self, task: Task, outcomes: list[AttemptOutcome]) -> dict[str, object]:
        codes = {str(outcome.error.failure.code) for outcome in outcomes if outcome.error is not None}
        wait = (task.not_before or self.clock.now()) - self.clock.now()
        return {
            "task_id": task.task_id,
            "provider": task.provider_name,
            "error": ", ".join(sorted(codes)),
            "seconds": round(wait.total_seconds(), 1),
        }

    async def _run_parts(
        self, run: RunningTask, plan: CallPlan, attempts: tuple[Attempt, ...]
    ) -> list[AttemptOutcome]:
        latest = {a.part: a for a in attempts}
        run.free = plan.free
        task = run.task.count_attempt() if plan.may_send(latest) else run.task
        prepared = [
            self.run_attempt.prepare(task=task, plan=plan, part=part, previous=latest.get(part))
            for part in plan.parts(latest)
        ]
        # All are stored with the first that is sent, so that their number is on disk once it may be paid for.
        run.hold(task=task, attempts=(attempt for part in prepared for attempt in part.changed))
        for part in prepared:
            if isinstance(part.following, Attempt):
                run.attempts[part.following.part] = part.following
            if part.ended is not None:
                await self.run_attempt.discard_response(run, part.ended)

        async def drive(following: Attempt | AttemptOutcome) -> AttemptOutcome:
            if isinstance(following, AttemptOutcome):
                return following
            planned = plan.calls[following.part]
            return await self.run_attempt(run=run, planned=planned, attempt=following)

        return await _gather_all(drive(part.following) for part in prepared)

    async def _requeue(self, run: RunningTask, task: Task) -> None:
        await run.save(task)
        await self.queue.wake()


async def _gather_all(acts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of all; if one fails, the others still run to their end before it is raised."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
