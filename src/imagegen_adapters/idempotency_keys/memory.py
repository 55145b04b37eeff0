"""Idempotency keys in memory."""

from collections.abc import Iterator
from datetime import datetime

from imagegen_adapters.databases.memory import MemoryState, StoredClaim
from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.idempotency_keys import KeyedTask, UnansweredKey
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.tasks.task import Task


class MemoryIdempotencyKeys:
    """The keys of ``state``; gone with the process."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        kept = self._state.idempotency_keys.get((claim.scope, claim.key))
        if kept is None or kept.expires_at <= now:
            return None
        if kept.body_sha256 != claim.body_sha256:
            raise IdempotencyKeyReused
        return self._state.tasks[kept.task_id]

    async def tasks_by_prefix(self, *, scope: str, prefix: str, now: datetime) -> tuple[KeyedTask, ...]:
        keys = list(self._beginning(scope, prefix, now))
        tasks_by_prefix = [
            KeyedTask(key=key, task=self._state.tasks[kept.task_id]) for key, kept in reversed(keys)
        ]
        return tuple(tasks_by_prefix[:20])

    async def unanswered(
        self, *, scope: str, prefix: str, now: datetime, ended_since: datetime
    ) -> tuple[UnansweredKey, ...]:
        keys = [
            UnansweredKey(key=key, task_id=kept.task_id)
            for key, kept in self._beginning(scope, prefix, now)
            if kept.answered_at is None and self._ended_after(kept.task_id, ended_since)
        ]
        return tuple(keys[:2000])

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        for kept in self._state.idempotency_keys.values():
            if kept.task_id == task_id and kept.answered_at is None:
                kept.answered_at = at

    def _beginning(self, scope: str, prefix: str, now: datetime) -> Iterator[tuple[str, StoredClaim]]:
        """Yield the keys of a scope with a beginning, by the age of their tasks."""
        keys = [
            (key, kept)
            for (kept_scope, key), kept in self._state.idempotency_keys.items()
            if kept_scope == scope and key.startswith(prefix) and kept.expires_at > now
        ]
        yield from sorted(keys, key=lambda pair: self._state.task_numbers[pair[1].task_id])

    def _ended_after(self, task_id: str, moment: datetime) -> bool:
        ended = self._state.tasks[task_id].completed_at
        return ended is None or ended > moment
