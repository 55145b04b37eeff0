"""Requeue tasks that are processing although nobody runs them: their node is dead, or gave their run up."""

import contextlib
import logging

import attrs

from imagegen_core.attempt import Phase, may_be_charged
from imagegen_core.errors import Failure, FailureCode, StaleTask
from imagegen_core.execution.running_tasks import RunningTasks
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.nodes import Nodes
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.problems import FailureReason
from imagegen_core.task import MAX_RECOVERIES, Task
from imagegen_core.use_cases.end_task import EndTask

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ResumeTasks:
    """Requeues orphans; `RunAttempt` then resumes each attempt by its phase.

    Nothing that the provider may have received is sent again. A task of this node is an orphan only when it
    is found a second time without a run: a claim may be stored before the worker knows of it.
    """

    repository: TaskRepository
    queue: Queue
    nodes: Nodes
    running: RunningTasks
    end: EndTask
    clock: Clock
    _without_run: set[tuple[str, int]] = attrs.field(factory=set, init=False, repr=False, eq=False)

    async def __call__(self, *, owner: str) -> int:
        """Requeue all orphans and return their number; fail a task that crashed its process three times."""
        unattended = await self._unattended(owner)
        orphans = [task for task in unattended if task.owner != owner or self._is_given_up(task)]
        self._without_run.clear()
        self._without_run.update((task.task_id, task.epoch) for task in unattended if task.owner == owner)
        for task in orphans:
            with contextlib.suppress(StaleTask):  # another node was faster, or its owner is alive after all
                await self._resume(task, given_up=task.owner == owner)
        if orphans:
            _log.info("tasks of an earlier run are resumed", extra={"tasks": len(orphans)})
        return len(orphans)

    async def _unattended(self, owner: str) -> list[Task]:
        """Return the tasks that are processing, but neither at another living node nor running here.

        A node may join and claim a task between two statements, which can lie as far apart as this process
        stood still. So whoever owns a task that was found must be missing after that, too.
        """
        others = await self.nodes.alive(owner) - {owner}
        tasks = await self.repository.orphans(alive=others, running=self.running.task_ids)
        if any(task.owner != owner for task in tasks):
            others = await self.nodes.alive(owner) - {owner}
        return [task for task in tasks if task.owner not in others]

    def _is_given_up(self, task: Task) -> bool:
        return (task.task_id, task.epoch) in self._without_run

    async def _resume(self, task: Task, *, given_up: bool) -> None:
        attempts = await self.repository.attempts(task.task_id)
        decoding = any(a.phase is Phase.RECEIVED for a in attempts)
        if (decoding or given_up) and task.recoveries >= MAX_RECOVERIES:
            reason = FailureReason.CRASHED_OVER_RESPONSE() if decoding else FailureReason.DEFECT()
            failure = Failure.from_code(
                FailureCode.INTERNAL, reason, possible_charge=may_be_charged(attempts)
            )
            ended = task.fail(self.clock.now(), failure)
            await self.end(task=ended, holder=task.fence, attempts=attempts)
            return
        last_sent = max((a.number for a in attempts if a.phase is not Phase.RESERVED), default=0)
        is_recovery = decoding or given_up
        rescued = task.rescue(attempts=min(task.attempts, last_sent), is_recovery=is_recovery)
        await self.repository.save(rescued, task.fence)
        await self.queue.enqueue(rescued)
