"""The outbox as a table in the database of the images, so that both change in one transaction."""

from datetime import datetime
from typing import Any

from imagegen_adapters.stores.rows import (
    from_json,
    optional_moment,
    optional_timestamp,
    to_json,
    to_timestamp,
)
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.outbox import MAX_DEFERRAL, OutboxCounts, OutboxEntry, OutboxKind

# A hundred thousand entries may wait while OSS is unreachable, and each new image triggers a pass. So the
# writer, which all writes share, never scans the waiting entries: a reader does, and claims use an index.

_MISSING_UPLOADS = """
SELECT id FROM images
WHERE storage = 'local' AND NOT EXISTS (SELECT 1 FROM outbox WHERE image_id = images.id AND kind = 'upload')
ORDER BY id LIMIT ?
"""

_ADD = """
INSERT INTO outbox (kind, blob_key, image_id)
SELECT 'upload', blob_key, id FROM images
WHERE id IN (SELECT value FROM json_each(?)) AND storage = 'local'
ORDER BY id
ON CONFLICT (kind, blob_key) DO NOTHING
"""

_PEEK = """
SELECT * FROM outbox
WHERE id > :after AND (:due IS NULL OR not_before IS NULL OR not_before <= :due OR not_before > :beyond)
ORDER BY id LIMIT :limit
"""

_RELEASE_DUE = "UPDATE outbox SET not_before = NULL WHERE not_before <= :due OR not_before > :beyond"

_CLAIM = """
UPDATE outbox SET attempts = attempts + 1 WHERE id IN (
    SELECT id FROM outbox WHERE id > :after ORDER BY id LIMIT :limit
) RETURNING *
"""

_CLAIM_DUE = """
UPDATE outbox SET attempts = attempts + 1 WHERE id IN (
    SELECT id FROM outbox INDEXED BY outbox_by_time
    WHERE not_before IS NULL AND id > :after ORDER BY id LIMIT :limit
) RETURNING *
"""

_DONE = "DELETE FROM outbox WHERE id = ?"

_DEFER = "UPDATE outbox SET not_before = :not_before, last_error = :error WHERE id = :id"

_NEXT_DUE = "SELECT min(not_before) FROM outbox WHERE not_before IS NOT NULL"

_COUNTS = """
SELECT count(*) FILTER (WHERE kind = 'upload') AS uploads,
    count(*) FILTER (WHERE kind = 'remove') AS removals,
    count(last_error) AS failing,
    (SELECT last_error FROM outbox WHERE last_error IS NOT NULL ORDER BY id DESC LIMIT 1) AS last_error
FROM outbox
"""


class SqliteOutbox:
    """The ``outbox`` table of an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        rows = await self._database.read(lambda c: c.execute(_MISSING_UPLOADS, (limit,)).fetchall())
        if not rows:
            return 0
        ids = to_json([row["id"] for row in rows])
        return await self._database.writer.execute(_ADD, (ids,))

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        values = _values(due, after, limit)

        def claim(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            if due is None:
                return connection.execute(_CLAIM, values).fetchall()
            connection.execute(_RELEASE_DUE, values)
            return connection.execute(_CLAIM_DUE, values).fetchall()

        rows = await self._database.writer.write(claim)
        return tuple(sorted((_entry(row) for row in rows), key=lambda entry: entry.id))

    async def peek(
        self, *, due: datetime | None, after: int = 0, limit: int = 100
    ) -> tuple[OutboxEntry, ...]:
        values = _values(due, after, limit)
        rows = await self._database.read(lambda c: c.execute(_PEEK, values).fetchall())
        return tuple(_entry(row) for row in rows)

    async def complete(self, entry: OutboxEntry) -> None:
        await self._database.writer.execute(_DONE, (entry.id,))

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        values = {"id": entry.id, "not_before": to_timestamp(not_before), "error": to_json(error)}
        await self._database.writer.execute(_DEFER, values)

    async def next_due(self) -> datetime | None:
        row = await self._database.read(lambda c: c.execute(_NEXT_DUE).fetchone())
        return optional_moment(row[0])

    async def counts(self) -> OutboxCounts:
        row = await self._database.read(lambda c: c.execute(_COUNTS).fetchone())
        return OutboxCounts(**{**dict(row), "last_error": _error(row["last_error"])})


def _values(due: datetime | None, after: int, limit: int) -> dict[str, Any]:
    beyond = None if due is None else due + MAX_DEFERRAL
    return {
        "due": optional_timestamp(due),
        "beyond": optional_timestamp(beyond),
        "after": after,
        "limit": limit,
    }


def _entry(row: sqlite3.Row) -> OutboxEntry:
    return OutboxEntry(
        id=row["id"],
        kind=OutboxKind(row["kind"]),
        blob_key=row["blob_key"],
        image_id=row["image_id"],
        attempts=row["attempts"],
        not_before=optional_moment(row["not_before"]),
        last_error=_error(row["last_error"]),
    )


def _error(text: str | None) -> Message | None:
    """Return the message that an entry was deferred with; an earlier version stored only its text."""
    try:
        return None if text is None else from_json(text, Message)
    except ValueError:
        return upstream_text(text or "")
