"""Run a claimed task to its end, or requeue it: the only code that makes paid calls."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import attrs

from imagegen_core.attempt import Attempt, AttemptOutcome, Phase, may_be_charged
from imagegen_core.errors import KeysLocked, Refusal, StaleTask, StorageError, Unavailable
from imagegen_core.execution.provider_slots import ProviderSlots, Ticket
from imagegen_core.execution.running_tasks import RunningTask, RunningTasks
from imagegen_core.policies import DeferralPolicy, RetryPolicy, StorageRetryPolicy, settle
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task
from imagegen_core.use_cases.end_task import EndTask
from imagegen_core.use_cases.interrupt_task import InterruptTask
from imagegen_core.use_cases.plan_calls import CallPlan, PlanCalls, refusal_failure
from imagegen_core.use_cases.run_attempt import RunAttempt

_log = logging.getLogger(__name__)

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
        await self.queue.enqueue(task)


async def _gather_all(acts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of all; if one fails, the others still run to their end before it is raised."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
