"""Idempotency keys in memory."""

from collections.abc import Iterator
from datetime import datetime

from imagegen_adapters.databases.memory import MemoryState, StoredClaim
from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.idempotency_keys import KeyedTask, UnansweredKey
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.task import Task


class MemoryIdempotencyKeys:
    """The keys of ``state``, which are lost when the process ends."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        stored = self._state.idempotency_keys.get((claim.scope, claim.key))
        if stored is None or stored.expires_at <= now:
            return None
        if stored.body_sha256 != claim.body_sha256:
            raise IdempotencyKeyReused
        return self._state.tasks[stored.task_id]

    async def tasks_by_prefix(self, *, scope: str, prefix: str, now: datetime) -> tuple[KeyedTask, ...]:
        claims = list(self._claims_by_prefix(scope, prefix, now))
        tasks = [KeyedTask(key=key, task=self._state.tasks[claim.task_id]) for key, claim in reversed(claims)]
        return tuple(tasks[:20])

    async def unanswered(
        self, *, scope: str, prefix: str, now: datetime, ended_since: datetime
    ) -> tuple[UnansweredKey, ...]:
        keys = [
            UnansweredKey(key=key, task_id=claim.task_id)
            for key, claim in self._claims_by_prefix(scope, prefix, now)
            if claim.answered_at is None and self._ended_after(claim.task_id, ended_since)
        ]
        return tuple(keys[:2000])

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        for claim in self._state.idempotency_keys.values():
            if claim.task_id == task_id and claim.answered_at is None:
                claim.answered_at = at

    def _claims_by_prefix(self, scope: str, prefix: str, now: datetime) -> Iterator[tuple[str, StoredClaim]]:
        """Yield the keys of a scope that begin with the prefix, ordered by the age of their tasks."""
        claims = [
            (key, claim)
            for (claim_scope, key), claim in self._state.idempotency_keys.items()
            if claim_scope == scope and key.startswith(prefix) and claim.expires_at > now
        ]
        yield from sorted(claims, key=lambda pair: self._state.task_numbers[pair[1].task_id])

    def _ended_after(self, task_id: str, moment: datetime) -> bool:
        ended = self._state.tasks[task_id].completed_at
        return ended is None or ended > moment
