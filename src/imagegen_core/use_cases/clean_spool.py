"""Remove inputs and responses that are no longer needed, and keep the inputs that are to be kept."""

from datetime import timedelta
from typing import TypeGuard

import attrs

from imagegen_core.errors import TaskNotFound
from imagegen_core.execution.kept_answers import RETENTION_SECONDS, is_kept
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task, TaskStatus

SUBMISSION_GRACE_SECONDS = 3600.0
"""How long files without a task are assumed to belong to a submission that is still being checked."""


@attrs.frozen(kw_only=True)
class CleanSpool:
    """Removes what a crash left behind and what is too old; completed tasks clean up after themselves.

    Answers that are kept stay for `RETENTION_SECONDS`, and so do the inputs of a task that did not complete,
    for a retry. With ``keep_inputs``, inputs of ended tasks that are still spooled are kept, as `EndTask`
    would have done.
    """

    repository: TaskRepository
    spool: Spool
    clock: Clock
    keep_inputs: bool

    async def __call__(self, *, at_start: bool = False) -> int:
        """Return how many owners' files were removed; ``at_start`` no submission can be in progress."""
        retention = timedelta(seconds=RETENTION_SECONDS)
        await self.repository.wipe_responses(ended_before=self.clock.now() - retention)
        owners = await self.spool.owners(older_than_seconds=0)
        removed = 0
        old = set(await self.spool.owners(older_than_seconds=RETENTION_SECONDS))
        is_due = set(await self.spool.owners(older_than_seconds=0 if at_start else SUBMISSION_GRACE_SECONDS))
        for owner in owners:
            task = await self._task(owner)
            if self.keep_inputs and _has_ended_inputs(task, owner):
                await self.spool.keep(owner, task.request.sent_inputs)
            elif await self._is_obsolete(owner, task, old=owner in old, is_due=owner in is_due):
                await self.spool.remove(owner)
                removed += 1
        return removed

    async def _task(self, owner: str) -> Task | None:
        """Return the task whose files an owner has; None if there is none."""
        try:
            return await self.repository.get(owner.partition(".")[0])
        except TaskNotFound:
            return None

    async def _is_obsolete(self, owner: str, task: Task | None, *, old: bool, is_due: bool) -> bool:
        if is_kept(owner):
            return old
        if task is None:
            return is_due
        if not task.status.final or old:
            return task.status.final
        if attempt_id := owner.partition(".")[2]:
            attempts = await self.repository.attempts(task.task_id)
            return not any(a.attempt_id == attempt_id and a.keeps_response for a in attempts)
        return task.status is TaskStatus.COMPLETED


def _has_ended_inputs(task: Task | None, owner: str) -> TypeGuard[Task]:
    """Return whether the owner's files are inputs of a task that has ended."""
    return task is not None and owner == task.task_id and task.status.final and bool(task.request.inputs)
