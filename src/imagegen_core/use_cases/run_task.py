"""Run a claimed task to its end, or put it back: the only place that generates."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import attrs

from imagegen_core.attempt_outcome import AttemptOutcome
from imagegen_core.attempts import Attempt, Phase, may_be_charged
from imagegen_core.errors import KeysLocked, Refusal, StaleTask, StorageError, Unavailable
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.provider_slots import Place, ProviderSlots
from imagegen_core.retry import RetryPolicy
from imagegen_core.running_tasks import RunningTask, RunningTasks
from imagegen_core.settlement import settle
from imagegen_core.tasks import Task
from imagegen_core.use_cases.break_off_task import BreakOffTask
from imagegen_core.use_cases.end_task import EndTask
from imagegen_core.use_cases.plan_calls import CallPlan, PlanCalls, refused
from imagegen_core.use_cases.run_attempt import RunAttempt

BUSY_DELAY = timedelta(seconds=30)
"""How long a task waits whose provider cannot be read now."""

LOCKED_DELAY = timedelta(minutes=5)
"""How long a task waits whose key cannot be opened: that takes the right master key, and a restart."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class RunTask:
    """Splits a task into paid calls, drives each, and settles what became of them."""

    plan: PlanCalls
    run_attempt: RunAttempt
    repository: TaskRepository
    queue: Queue
    end: EndTask
    break_off: BreakOffTask
    clock: Clock
    running: RunningTasks
    slots: ProviderSlots
    retry: RetryPolicy
    random: Callable[[], float]

    async def __call__(self, *, task: Task) -> None:
        """Bring a claimed task to its end, put it back, or (when cancelled) write down where it stands."""
        with self.slots.place(task.provider_name) as place:
            await self._run_in(place, task)

    async def _run_in(self, place: Place, task: Task) -> None:
        run = self.running.start(task, self.repository, place)
        try:
            await self._run(run)
        except asyncio.CancelledError:
            await self.break_off.stop(run)
            raise
        except StaleTask:
            _log.warning("the task was taken away from its worker", extra={"task_id": task.task_id})
        except (StorageError, Unavailable) as error:
            _log.warning("the task waits for the disk", extra={"task_id": task.task_id, "reason": str(error)})
            place.pass_on()
            await self.break_off.outlast(run)
        except Exception:  # noqa: BLE001 - a defect of ours must end the task, not the worker
            _log.exception("running the task failed", extra={"task_id": task.task_id})
            place.pass_on()
            await self.break_off.give_up(run)
        finally:
            self.running.end(task.task_id)

    async def _run(self, run: RunningTask) -> None:
        attempts = await self.repository.attempts(run.task.task_id)
        under_way = any(a.phase not in (Phase.RESERVED, Phase.FAILED) for a in attempts)
        if run.cancelled.is_set() and not under_way:
            ended = run.task.cancel(self.clock.now(), possible_charge=may_be_charged(attempts))
            await self.end(run=run, task=ended)
            return
        try:
            plan = await self.plan(task=run.task, attempts=attempts)
        except Unavailable as error:
            await self._wait_for_provider(run, error)
            return
        except Refusal as refusal:
            failure = refused(refusal, charged=may_be_charged(attempts))
            await self.end(run=run, task=run.task.fail(self.clock.now(), failure))
            return
        outcomes = await self._parts(run, plan, attempts)
        if any(outcome.held for outcome in outcomes):
            await self.break_off.stop(run)
            return
        task = settle(
            run.task,
            outcomes,
            cancelled=run.cancelled.is_set(),
            now=self.clock.now(),
            retry=self.retry,
            random=self.random,
        )
        if task.status.final:
            await self.end(run=run, task=task)
            return
        await self._put_back(run, task)
        _log.info("the task waits for another try", extra=self._why_again(task, outcomes))

    async def _wait_for_provider(self, run: RunningTask, error: Unavailable) -> None:
        delay = LOCKED_DELAY if isinstance(error, KeysLocked) else BUSY_DELAY
        task = run.task
        _log.warning(
            "the task waits until its provider can be used",
            extra={"task_id": task.task_id, "provider": task.provider_name, "reason": str(error)},
        )
        await self._put_back(run, attrs.evolve(task.release(), not_before=self.clock.now() + delay))

    def _why_again(self, task: Task, outcomes: list[AttemptOutcome]) -> dict[str, object]:
        codes = {str(outcome.error.failure.code) for outcome in outcomes if outcome.error is not None}
        wait = (task.not_before or self.clock.now()) - self.clock.now()
        return {
            "task_id": task.task_id,
            "provider": task.provider_name,
            "error": ", ".join(sorted(codes)),
            "seconds": round(wait.total_seconds(), 1),
        }

    async def _parts(
        self, run: RunningTask, plan: CallPlan, attempts: tuple[Attempt, ...]
    ) -> list[AttemptOutcome]:
        latest = {a.part: a for a in attempts}
        run.free = plan.free
        if plan.may_send(latest):
            await run.save(run.task.count_attempt())
        # All are reserved before any is sent: from then on it is on disk how many there are.
        parts = plan.parts(latest)
        taken = await _all(
            self.run_attempt.take_up(run=run, plan=plan, part=part, previous=latest.get(part))
            for part in parts
        )

        async def drive(part: int, resumed: Attempt | AttemptOutcome) -> AttemptOutcome:
            if isinstance(resumed, AttemptOutcome):
                return resumed
            return await self.run_attempt(run=run, planned=plan.calls[part], attempt=resumed)

        return await _all(map(drive, parts, taken))

    async def _put_back(self, run: RunningTask, task: Task) -> None:
        await self.queue.enqueue(await run.save(task))


async def _all(acts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what all of them return; none is broken off for another that fails."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
