"""A claimed task, run to its end, interrupted, or requeued."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable

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
from imagegen_core.messages import FailureReason, Message
from imagegen_core.policies import DISK_RETRY_SECONDS, RetryPolicy, deferral, settle
from imagegen_core.ports.parts import Parts
from imagegen_core.running.calls import CallPlan, Calls, refusal_failure, stopped_midway
from imagegen_core.running.slots import ProviderSlots, RunningTask
from imagegen_core.task import MAX_RECOVERIES, Fence, Task, TaskStatus

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Runner:
    """Splits a task into paid calls, runs each, and settles the task by their outcomes.

    ``on_change`` is called after each change of the stored images. ``keep_inputs`` keeps the caller's input
    images for good. Otherwise a completed task's are removed, and those of another stay in the spool for a
    retry. ``runs`` are the tasks that this process runs, by their ids.
    """

    parts: Parts
    calls: Calls
    slots: ProviderSlots
    retry: RetryPolicy
    random: Callable[[], float]
    on_change: Callable[[], object]
    keep_inputs: bool
    runs: dict[str, RunningTask] = attrs.field(factory=dict, init=False)

    async def run(self, task: Task) -> None:
        """Run a claimed task to its end or requeue it; when cancelled, store its state."""
        with self.slots.ticket(task.provider_name) as ticket:
            run = RunningTask(task=task, parts=self.parts, on_change=self.on_change, ticket=ticket)
            self.runs[task.task_id] = run
            try:
                await self._run(run)
            except asyncio.CancelledError:
                with contextlib.suppress(StaleTask):
                    await self.stop(run)
                raise
            except StaleTask:
                _log.warning("the task was given to another worker", extra={"task_id": task.task_id})
            except (StorageError, Unavailable) as error:
                details = {"task_id": task.task_id, "reason": str(error)}
                _log.warning("the task waits for the disk", extra=details)
                ticket.yield_turn()
                await self._requeue_after_storage_error(run, error)
            except Exception:  # noqa: BLE001 - a defect of ours must end the task, not the worker
                _log.exception("running the task failed", extra={"task_id": task.task_id})
                ticket.yield_turn()
                await self._until_stored(
                    run, lambda: self._fail(run, FailureCode.INTERNAL, FailureReason.DEFECT())
                )
            finally:
                if self.runs.get(task.task_id) is run:  # not a newer one of the same task
                    del self.runs[task.task_id]

    async def _run(self, run: RunningTask) -> None:
        # The first claim of a task has no attempts, and asks nobody.
        attempts = () if run.task.epoch == 1 else await self.parts.tasks.attempts(run.task.task_id)
        run.image_count, run.has_spooled = (None, True) if attempts else (0, False)
        has_active = any(a.phase not in (Phase.RESERVED, Phase.FAILED) for a in attempts)
        now, charged = self.parts.clock.now(), may_be_charged(attempts)
        if run.cancelled.is_set() and not has_active:
            await self.end(run.task.cancel(now, possible_charge=charged), run)
            return
        try:
            plan = await self.calls.plan(run.task, attempts)
        except Unavailable as error:
            await self._wait_for_provider(run, error)
            return
        except Refusal as refusal:
            failure = refusal_failure(refusal, charged=charged)
            await self.end(run.task.fail(self.parts.clock.now(), failure), run)
            return
        outcomes = await self._run_parts(run, plan, {a.part: a for a in attempts})
        if any(outcome.not_begun for outcome in outcomes):
            await self.stop(run)
            return
        task = settle(
            run.task,
            outcomes,
            cancelled=run.cancelled.is_set(),
            now=self.parts.clock.now(),
            retry=self.retry,
            random=self.random,
        )
        if task.status.final:
            await self.end(task, run)
        else:
            await self._requeue(run, task)
            codes = {str(outcome.error.failure.code) for outcome in outcomes if outcome.error is not None}
            now = self.parts.clock.now()
            _log.info(
                "the task waits for another try",
                extra={
                    "task_id": task.task_id,
                    "provider": task.provider_name,
                    "error": ", ".join(sorted(codes)),
                    "seconds": round(((task.not_before or now) - now).total_seconds(), 1),
                },
            )
        if run.closing is not None:
            await self.calls.discard_response(run, run.closing)

    async def _run_parts(
        self, run: RunningTask, plan: CallPlan, latest: dict[int, Attempt]
    ) -> list[AttemptOutcome]:
        calls = plan.calls.values()
        run.free = bool(calls) and all(planned.resolved.profile.free for planned in calls)
        # All are stored with the first that is sent, so that their number is on disk once it may be paid for.
        run.stage(task=run.task.count_attempt() if plan.may_send(latest) else run.task)
        parts = sorted({*plan.calls, *(latest if plan.refusal is not None else ())})
        steps = [self.calls.follow(run, plan, part, latest.get(part)) for part in parts]
        for part in parts:
            # A process that died after storing a final phase left its spooled response. One that only seems
            # dead may still be spooling, and keeps its response aside.
            if part in latest and not latest[part].is_active:
                await self.calls.discard_response(run, latest[part])

        async def drive(step: Attempt | AttemptOutcome) -> AttemptOutcome:
            if isinstance(step, AttemptOutcome):
                return step
            return await self.calls.run(run, plan.calls[step.part], step)

        # If one fails, the others still run to their end before it is raised.
        results = await asyncio.gather(*map(drive, steps), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if not isinstance(result, BaseException)]

    async def _wait_for_provider(self, run: RunningTask, error: Unavailable) -> None:
        task = run.task
        _log.warning(
            "the task waits until its provider can be used",
            extra={"task_id": task.task_id, "provider": task.provider_name, "reason": str(error)},
        )
        not_before = self.parts.clock.now() + deferral(error)
        await self._requeue(run, task.requeue(not_before=not_before, locked=isinstance(error, KeysLocked)))

    async def _requeue(self, run: RunningTask, task: Task) -> None:
        await run.save(task)
        await self.parts.queue.wake()

    # ---------------------------------------------------------------- end

    async def end(self, task: Task, holder: RunningTask | Fence, attempts: Iterable[Attempt] = ()) -> None:
        """Store the final ``task``, end its active ``attempts``, and announce it; no task ends otherwise.

        ``holder`` is its run, or the fence of the stored task that has none. If this raises, nothing is
        stored.
        """
        ended = [
            attempt.ended_with_task(task.completed_at, task.failure)
            for attempt in attempts
            if attempt.is_active and task.failure is not None and task.completed_at is not None
        ]
        if isinstance(holder, Fence):
            await self.parts.tasks.save(holder, task=task, attempts=ended)
        else:
            await holder.save(task, ended)
        await self._release_inputs(task)
        await self.parts.queue.notify(task.task_id)
        await self._log_end(task, None if isinstance(holder, Fence) else holder.image_count)

    async def _release_inputs(self, task: Task) -> None:
        if not task.request.inputs:
            return
        try:
            if self.keep_inputs:
                await self.parts.spool.keep(task.task_id, task.request.sent_inputs)
            elif task.status is TaskStatus.COMPLETED:
                await self.parts.spool.remove(task.task_id)
        except StorageError:  # the next sweep does it
            _log.warning("the inputs of a task stay spooled for now", extra={"task_id": task.task_id})

    async def _log_end(self, task: Task, images: int | None) -> None:
        """Log the end of every task, so that the log accounts for all payments; never the prompt."""
        if images is None:
            with contextlib.suppress(StorageError, Unavailable):  # only the log line needs it
                images = len(await self.parts.images.of_task(task.task_id))
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

    # ---------------------------------------------------------------- interrupt

    async def stop(self, run: RunningTask, *, is_recovery: bool = False) -> None:
        """Store the state of a task whose worker must end now, without hiding what may have been charged.

        Reserved parts are requeued, accepted ones resumed at the next start; a submission in flight has an
        unknown outcome.
        """
        now, task = self.parts.clock.now(), run.task
        if task.status is not TaskStatus.PROCESSING:
            return
        unknown = stopped_midway()
        unstored = [a for a in run.attempts.values() if a.phase is not Phase.STORED]
        in_flight = [a for a in unstored if a.phase is Phase.SUBMITTING and not run.free]
        run.stage(attempts=(a.failed(now, unknown) if a in in_flight else a for a in unstored))
        alive = any(a.phase is not Phase.FAILED for a in await self._attempts(run))
        if in_flight and not alive:
            await self.end(task.fail(now, unknown), run)
            return
        only_reserved = bool(run.attempts) and all(a.phase is Phase.RESERVED for a in run.attempts.values())
        attempts = max(0, task.attempts - 1) if only_reserved else task.attempts
        await run.save(task.requeue(attempts=attempts, is_recovery=is_recovery))

    async def _requeue_after_storage_error(self, run: RunningTask, error: StorageError | Unavailable) -> None:
        """Store the task's state and requeue it once the disk accepts writes.

        A disk that keeps failing over this task fails it; a database that was away says nothing about the
        task.
        """
        is_recovery = not isinstance(error, StorageUnreachable)

        async def requeue() -> None:
            if run.task.status.final:
                return
            if is_recovery and run.task.recoveries >= MAX_RECOVERIES:
                await self._fail(run, FailureCode.STORAGE_FAILED, FailureReason.DISK_FAILED())
            else:
                await self.stop(run, is_recovery=is_recovery)
                await self.parts.queue.wake()

        await self.parts.clock.sleep(DISK_RETRY_SECONDS)
        await self._until_stored(run, requeue)

    async def _until_stored(self, run: RunningTask, store: Callable[[], Awaitable[None]]) -> None:
        """Repeat it until the disk accepts that; the task occupies a worker meanwhile.

        If the disk stays broken, the task is recovered at the next start.
        """
        while True:
            try:
                await store()
            except StaleTask:
                return
            except Exception as error:  # noqa: BLE001 - logged, and left to those who resume tasks
                if isinstance(error, (StorageError, Unavailable)) and not isinstance(error, StorageBroken):
                    await self.parts.clock.sleep(DISK_RETRY_SECONDS)
                    continue
                details = {"task_id": run.task.task_id}
                _log.exception("the task could not be stored; it is resumed later", extra=details)
            return

    async def _fail(self, run: RunningTask, code: FailureCode, reason: Message) -> None:
        """Fail the task through no fault of its provider, without hiding what may have been charged."""
        if run.task.status is not TaskStatus.PROCESSING:
            return
        # The disk may have refused the end of an attempt before.
        run.stage(attempts=[a for a in run.attempts.values() if a.phase is Phase.FAILED])
        attempts = await self._attempts(run)
        failure = Failure(code, reason, possible_charge=may_be_charged(attempts))
        await self.end(run.task.fail(self.parts.clock.now(), failure), run, attempts)

    async def _attempts(self, run: RunningTask) -> tuple[Attempt, ...]:
        """Return all attempts of the task; those of this run may be newer than the stored ones."""
        stored = {a.attempt_id: a for a in await self.parts.tasks.attempts(run.task.task_id)}
        return tuple((stored | {a.attempt_id: a for a in run.attempts.values()}).values())
