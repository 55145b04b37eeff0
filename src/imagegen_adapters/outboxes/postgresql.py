"""The outbox as a table in the database of the images, so that both change in one transaction."""

from datetime import datetime
from typing import Any

from imagegen_adapters.stores.postgresql.database import Database, Row
from imagegen_adapters.stores.rows import (
    optional_moment,
    optional_timestamp,
    optional_value,
    to_json,
    to_timestamp,
)
from imagegen_core.messages import Message
from imagegen_core.ports.outbox import MAX_DEFERRAL, OutboxCounts, OutboxEntry, OutboxKind

_ADD_MISSING = """
INSERT INTO outbox (kind, blob_key, image_id)
SELECT 'upload', blob_key, id FROM images
WHERE storage = 'local'
    AND NOT EXISTS (SELECT FROM outbox WHERE image_id = images.id AND kind = 'upload')
ORDER BY id LIMIT $1
ON CONFLICT (kind, blob_key) DO NOTHING RETURNING id
"""

_PEEK = """
SELECT * FROM outbox
WHERE id > $1 AND ($3::timestamptz IS NULL OR not_before IS NULL OR not_before <= $3 OR not_before > $4)
ORDER BY id LIMIT $2
"""

_RELEASE_DUE = "UPDATE outbox SET not_before = NULL WHERE not_before <= $1 OR not_before > $2"

_CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM outbox WHERE id > $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET attempts = attempts + 1 FROM chosen WHERE outbox.id = chosen.id RETURNING outbox.*
"""

_CLAIM_DUE = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM outbox WHERE id > $1 AND not_before IS NULL ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET attempts = attempts + 1 FROM chosen WHERE outbox.id = chosen.id RETURNING outbox.*
"""

_DONE = "DELETE FROM outbox WHERE id = $1"

_DEFER = "UPDATE outbox SET not_before = $2, last_error = $3 WHERE id = $1"

_NEXT_DUE = "SELECT min(not_before) FROM outbox WHERE not_before IS NOT NULL"

_COUNTS = """
SELECT count(*) FILTER (WHERE kind = 'upload') AS uploads,
    count(*) FILTER (WHERE kind = 'remove') AS removals,
    count(last_error) AS failing,
    (SELECT last_error FROM outbox WHERE last_error IS NOT NULL ORDER BY id DESC LIMIT 1) AS last_error
FROM outbox
"""


class PostgresqlOutbox:
    """The ``outbox`` table of an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        return len(await self._database.rows(_ADD_MISSING, limit))

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        async with self._database.transaction() as connection:
            if due is not None:
                await connection.execute(_RELEASE_DUE, *_due(due))
            rows = await connection.fetch(_CLAIM if due is None else _CLAIM_DUE, after, limit)
        return tuple(sorted(map(_entry, rows), key=lambda entry: entry.id))

    async def peek(
        self, *, due: datetime | None, after: int = 0, limit: int = 100
    ) -> tuple[OutboxEntry, ...]:
        return tuple(map(_entry, await self._database.rows(_PEEK, after, limit, *_due(due))))

    async def complete(self, entry: OutboxEntry) -> None:
        await self._database.rows(_DONE, entry.id)

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        await self._database.rows(_DEFER, entry.id, to_timestamp(not_before), to_json(error))

    async def next_due(self) -> datetime | None:
        ((moment,),) = await self._database.rows(_NEXT_DUE)
        return optional_moment(moment)

    async def counts(self) -> OutboxCounts:
        (row,) = await self._database.rows(_COUNTS)
        return OutboxCounts(**_with_error(row))


def _due(due: datetime | None) -> tuple[str | None, str | None]:
    """Return the time until which entries are due, and that after which they were deferred too far."""
    return optional_timestamp(due), optional_timestamp(None if due is None else due + MAX_DEFERRAL)


def _entry(row: Row) -> OutboxEntry:
    columns = {name: value for name, value in _with_error(row).items() if name != "created_at"}
    not_before = optional_moment(columns["not_before"])
    return OutboxEntry(**{**columns, "kind": OutboxKind(columns["kind"]), "not_before": not_before})


def _with_error(row: Row) -> dict[str, Any]:
    return {**dict(row), "last_error": optional_value(row["last_error"], Message)}
