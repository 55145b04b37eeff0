"""Looks up the tasks of idempotency keys, so that a replay depends on nothing else."""

from datetime import datetime
from typing import Protocol

import attrs

from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class KeyedTask:
    """A task in its present state, and the key that created it."""

    key: str
    task: Task


@attrs.frozen(kw_only=True)
class UnansweredKey:
    """A key whose caller is not known to have received the response, and the task that it created."""

    key: str
    task_id: str


class IdempotencyKeys(Protocol):
    """Reads keys; they are stored by `TaskRepository.add`, in one transaction with their task."""

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        """Return the task, in its present state, of the same key and body; None for a new or expired key.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
        """
        ...

    async def tasks_by_prefix(self, *, scope: str, prefix: str, now: datetime) -> tuple[KeyedTask, ...]:
        """Return the tasks of unexpired keys that start with ``prefix``; newest first, at most 20."""
        ...

    async def unanswered(
        self, *, scope: str, prefix: str, now: datetime, ended_since: datetime
    ) -> tuple[UnansweredKey, ...]:
        """Return the unexpired keys that start with ``prefix`` and are not marked as answered; oldest first.

        Only those whose task is still running or ended after ``ended_since``, and at most 2,000.
        """
        ...

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        """Record durably that the caller of each key of this task has received the response.

        Repeating it, or passing a task without a key, changes nothing.
        """
        ...
