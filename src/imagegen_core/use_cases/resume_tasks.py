"""At start: requeue what an earlier process left unfinished, and what waits for the master key."""

import logging

import attrs

from imagegen_core.failures import Failure, FailureCode
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.problems import FailureReason
from imagegen_core.tasks.attempt import Phase, may_be_charged
from imagegen_core.tasks.task import MAX_RECOVERIES, Task
from imagegen_core.use_cases.end_task import EndTask

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ResumeTasks:
    """Requeues orphans: one process owns a data directory, so any task of another owner is one.

    `RunAttempt` resumes each attempt by its phase: nothing that the provider may have received is sent again.
    """

    repository: TaskRepository
    queue: Queue
    end: EndTask
    clock: Clock

    async def __call__(self, *, owner: str) -> int:
        """Requeue all orphans and return their number; fail a task that crashed the process three times."""
        await self.queue.release_locked()
        orphans = await self.repository.orphans(owner)
        for task in orphans:
            await self._resume(task)
        if orphans:
            _log.info("tasks of an earlier run are resumed", extra={"tasks": len(orphans)})
        return len(orphans)

    async def _resume(self, task: Task) -> None:
        attempts = await self.repository.attempts(task.task_id)
        decoding = any(a.phase is Phase.RECEIVED for a in attempts)
        if decoding and task.recoveries >= MAX_RECOVERIES:
            failure = Failure.from_code(
                FailureCode.INTERNAL,
                FailureReason.CRASHED_OVER_RESPONSE(),
                possible_charge=may_be_charged(attempts),
            )
            await self.end(task=task.fail(self.clock.now(), failure), attempts=attempts)
            return
        last_sent = max((a.number for a in attempts if a.phase is not Phase.RESERVED), default=0)
        requeued = task.requeue(attempts=min(task.attempts, last_sent), is_recovery=decoding)
        await self.repository.save(requeued)
        await self.queue.enqueue(requeued)
