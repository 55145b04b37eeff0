"""Store the state of a task whose run is interrupted: by a stop, a full disk, or a defect of this service."""

import logging

import attrs

from imagegen_core.attempt import Attempt, Phase, may_be_charged
from imagegen_core.errors import (
    Failure,
    FailureCode,
    StaleTask,
    StorageBroken,
    StorageError,
    StorageUnreachable,
    Unavailable,
)
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.messages import Message
from imagegen_core.policies import DISK_RETRY_SECONDS
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.problems import FailureReason
from imagegen_core.task import MAX_RECOVERIES, TaskStatus
from imagegen_core.use_cases.end_task import EndTask

_log = logging.getLogger(__name__)


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
                    await self.queue.enqueue(run.task)
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
