"""Remove inputs and responses that are no longer needed: those of ended tasks, and what is too old."""

from datetime import timedelta

import attrs

from imagegen_core.errors import TaskNotFound
from imagegen_core.execution.late_answers import is_late
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.spool import Spool
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.tasks.task import TaskStatus

RETENTION_SECONDS = 7 * 24 * 3600.0
"""How long inputs are kept of a task that did not complete, so that it can be retried, and responses whose
images could not be stored, or that came too late, so that an operator can recover them."""

SUBMISSION_GRACE_SECONDS = 3600.0
"""How long files without a task are assumed to belong to a submission that is still being checked."""


@attrs.frozen(kw_only=True)
class CleanSpool:
    """Removes what a crash left behind and what is too old; completed tasks clean up after themselves."""

    repository: TaskRepository
    spool: Spool
    clock: Clock

    async def __call__(self, *, at_start: bool = False) -> int:
        """Return how many owners' files were removed; ``at_start`` no submission can be in progress."""
        retention = timedelta(seconds=RETENTION_SECONDS)
        await self.repository.wipe_responses(ended_before=self.clock.now() - retention)
        owners = await self.spool.owners(older_than_seconds=0)
        removed = 0
        old = set(await self.spool.owners(older_than_seconds=RETENTION_SECONDS))
        is_due = set(await self.spool.owners(older_than_seconds=0 if at_start else SUBMISSION_GRACE_SECONDS))
        for owner in owners:
            if await self._is_obsolete(owner, old=owner in old, is_due=owner in is_due):
                await self.spool.remove(owner)
                removed += 1
        return removed

    async def _is_obsolete(self, owner: str, *, old: bool, is_due: bool) -> bool:
        if is_late(owner):
            return old
        task_id, _, attempt_id = owner.partition(".")
        try:
            status = (await self.repository.get(task_id)).status
        except TaskNotFound:
            return is_due
        if not status.final or old:
            return status.final
        if attempt_id:
            attempts = await self.repository.attempts(task_id)
            return not any(a.attempt_id == attempt_id and a.keeps_response for a in attempts)
        return status is TaskStatus.COMPLETED
