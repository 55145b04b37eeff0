"""Idempotency keys in PostgreSQL."""

from datetime import datetime

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.rows import row_to_task, to_timestamp
from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.idempotency_keys import KeyedTask, UnansweredKey
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.task import Task

_AFTER_ANY = "\x7f"
"""Sorts after every character that a key may contain."""

_TASK_OF_KEY = """
SELECT body_sha256, tasks.* FROM idempotency_keys JOIN tasks USING (task_id)
WHERE scope = $1 AND key = $2 AND expires_at > $3
"""

_TASKS_OF_KEYS = """
SELECT key, tasks.* FROM idempotency_keys JOIN tasks USING (task_id)
WHERE scope = $1 AND key >= $2 AND key < $3 AND expires_at > $4
ORDER BY tasks.seq DESC LIMIT 20
"""

_UNANSWERED = """
SELECT key, task_id FROM idempotency_keys JOIN tasks USING (task_id)
WHERE scope = $1 AND key >= $2 AND key < $3 AND expires_at > $4 AND answered_at IS NULL
    AND (completed_at IS NULL OR completed_at > $5)
ORDER BY tasks.seq LIMIT 2000
"""

_ANSWER = "UPDATE idempotency_keys SET answered_at = $2 WHERE task_id = $1 AND answered_at IS NULL"


class PostgresqlIdempotencyKeys:
    """The idempotency_keys table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        row = await self._database.row(_TASK_OF_KEY, claim.scope, claim.key, to_timestamp(now))
        if row is None:
            return None
        if row["body_sha256"] != claim.body_sha256:
            raise IdempotencyKeyReused
        return row_to_task(row)

    async def tasks_by_prefix(self, *, scope: str, prefix: str, now: datetime) -> tuple[KeyedTask, ...]:
        rows = await self._database.rows(_TASKS_OF_KEYS, *_range(scope, prefix, now))
        return tuple(KeyedTask(key=row["key"], task=row_to_task(row)) for row in rows)

    async def unanswered(
        self, *, scope: str, prefix: str, now: datetime, ended_since: datetime
    ) -> tuple[UnansweredKey, ...]:
        values = (*_range(scope, prefix, now), to_timestamp(ended_since))
        rows = await self._database.rows(_UNANSWERED, *values)
        return tuple(UnansweredKey(key=row["key"], task_id=row["task_id"]) for row in rows)

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        await self._database.rows(_ANSWER, task_id, to_timestamp(at))


def _range(scope: str, prefix: str, now: datetime) -> tuple[str, str, str, str]:
    return scope, prefix, prefix + _AFTER_ANY, to_timestamp(now)
