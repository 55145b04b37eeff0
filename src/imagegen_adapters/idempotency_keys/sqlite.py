"""Idempotency keys in SQLite."""

from datetime import datetime

from imagegen_adapters.databases import statements
from imagegen_adapters.stores.rows import row_to_task, to_timestamp
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.idempotency_keys import KeyedTask, UnansweredKey
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.task import Task

_AFTER_ANY = "\x7f"
"""Sorts after every character that a key may contain."""


class SqliteIdempotencyKeys:
    """The idempotency_keys table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        moment = to_timestamp(now)
        row = await self._database.read(lambda c: keyed_task(c, claim, now=moment))
        return None if row is None else row_to_task(row)

    async def tasks_by_prefix(self, *, scope: str, prefix: str, now: datetime) -> tuple[KeyedTask, ...]:
        keys = _prefix_values(scope, prefix, now)
        rows = await self._database.read(lambda c: c.execute(statements.TASKS_OF_KEYS, keys).fetchall())
        return tuple(KeyedTask(key=row["key"], task=row_to_task(row)) for row in rows)

    async def unanswered(
        self, *, scope: str, prefix: str, now: datetime, ended_since: datetime
    ) -> tuple[UnansweredKey, ...]:
        keys = {**_prefix_values(scope, prefix, now), "ended_since": to_timestamp(ended_since)}
        rows = await self._database.read(lambda c: c.execute(statements.UNANSWERED_KEYS, keys).fetchall())
        return tuple(UnansweredKey(key=row["key"], task_id=row["task_id"]) for row in rows)

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        values = {"task_id": task_id, "answered_at": to_timestamp(at)}
        await self._database.writer.execute(statements.ANSWER_KEYS, values)


def _prefix_values(scope: str, prefix: str, now: datetime) -> dict[str, str]:
    return {"scope": scope, "first": prefix, "last": prefix + _AFTER_ANY, "now": to_timestamp(now)}


def keyed_task(connection: sqlite3.Connection, claim: IdempotencyClaim, *, now: str) -> sqlite3.Row | None:
    """Return the row of the task created with the key, or None if the key is new or expired at ``now``.

    Raises:
        IdempotencyKeyReused: the key was used with another request body.
    """
    key = {"scope": claim.scope, "key": claim.key, "now": now}
    stored = connection.execute(statements.GET_IDEMPOTENCY_KEY, key).fetchone()
    if stored is None:
        return None
    if stored["body_sha256"] != claim.body_sha256:
        raise IdempotencyKeyReused
    row: sqlite3.Row | None = connection.execute(statements.GET_TASK, (stored["task_id"],)).fetchone()
    return row
