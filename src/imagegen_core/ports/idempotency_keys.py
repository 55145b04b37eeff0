"""Finds what an idempotency key made before, so that a repeat needs nothing else to be possible."""

from datetime import datetime
from typing import Protocol

from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.tasks import Task


class IdempotencyKeys(Protocol):
    """Keys are stored by `TaskRepository.add`, in one transaction with their task."""

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        """Return the task, as it is now, that the same key and body made; None for a new or expired key.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
        """
        ...

    async def made(self, *, scope: str, prefix: str, now: datetime) -> tuple[Task, ...]:
        """Return the tasks, as they are now, that unexpired keys with a beginning made; newest first.

        No more than 20 of them.
        """
        ...
