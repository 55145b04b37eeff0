"""Idempotency keys in memory."""

from datetime import datetime

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.tasks import Task


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

    async def made(self, *, scope: str, prefix: str, now: datetime) -> tuple[Task, ...]:
        found = [
            self._state.tasks[kept.task_id]
            for (kept_scope, key), kept in self._state.idempotency_keys.items()
            if kept_scope == scope and key.startswith(prefix) and kept.expires_at > now
        ]
        found.sort(key=lambda task: self._state.task_numbers[task.task_id], reverse=True)
        return tuple(found[:20])
