"""Remove spooled files that nothing needs any more: answers of ended tasks, and inputs that grew old."""

import attrs

from imagegen_core.errors import TaskNotFound
from imagegen_core.ports.spool import Spool
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.tasks import TaskStatus

INPUTS_KEPT_SECONDS = 7 * 24 * 3600.0
"""How long the input pictures of a task that did not complete are kept, so that it can be retried."""

SUBMISSION_SECONDS = 3600.0
"""How long files without a task are taken for a submission that is still being checked."""


@attrs.frozen(kw_only=True)
class CleanSpool:
    """Completed tasks clean up after themselves; this finds what a crash left, and what grew old."""

    repository: TaskRepository
    spool: Spool

    async def __call__(self, *, at_start: bool = False) -> int:
        """Return how many owners' files were removed. ``at_start``: no submission can be under way."""
        removed = 0
        old = set(await self.spool.owners(older_than_seconds=INPUTS_KEPT_SECONDS))
        ripe = set(await self.spool.owners(older_than_seconds=0 if at_start else SUBMISSION_SECONDS))
        for owner in await self.spool.owners(older_than_seconds=0):
            if await self._needless(owner, old=owner in old, ripe=owner in ripe):
                await self.spool.remove(owner)
                removed += 1
        return removed

    async def _needless(self, owner: str, *, old: bool, ripe: bool) -> bool:
        task_id, dot, _ = owner.partition(".")
        try:
            status = (await self.repository.get(task_id)).status
        except TaskNotFound:
            return ripe
        if not status.final:
            return False
        return bool(dot) or old or status is TaskStatus.COMPLETED
