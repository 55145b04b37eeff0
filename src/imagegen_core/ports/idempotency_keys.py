"""Finds what an idempotency key made before, so that a repeat needs nothing else to be possible."""

from datetime import datetime
from typing import Protocol

import attrs

from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.tasks.task import Task


@attrs.frozen(kw_only=True)
class KeyedTask:
    """A task, as it is now, and the key that made it."""

    key: str
    task: Task


@attrs.frozen(kw_only=True)
class UnansweredKey:
    """A key whose caller is not known to have the answer, and the task that it made."""

    key: str
    task_id: str


class IdempotencyKeys(Protocol):
    """Keys are stored by `TaskRepository.add`, in one transaction with their task."""

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        """Return the task, as it is now, that the same key and body made; None for a new or expired key.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
        """
        ...

    async def tasks_by_prefix(self, *, scope: str, prefix: str, now: datetime) -> tuple[KeyedTask, ...]:
        """Return what unexpired keys with a beginning made; newest first, no more than 20."""
        ...

    async def unanswered(
        self, *, scope: str, prefix: str, now: datetime, ended_since: datetime
    ) -> tuple[UnansweredKey, ...]:
        """Return the unexpired keys with a beginning that `answered` was not told of; oldest first.

        Only those whose task goes on or has ended after ``ended_since``, and no more than 2,000.
        """
        ...

    async def answered(self, task_id: str, *, at: datetime) -> None:
        """Remember that the caller of each key that made this task has its answer.

        This survives a kill. Told again, or of a task without a key, it changes nothing.
        """
        ...
