"""Uploads and removals of files that are still to be done, in the database of the images."""

from datetime import datetime

from imagegen_adapters.stores.rows import from_json, optional_moment, to_json, to_timestamp
from imagegen_adapters.stores.sql import Row, Sql, Steps
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.blobs import MAX_DEFERRAL, OutboxCounts, OutboxEntry, OutboxKind

# A hundred thousand entries may wait while the archive is down, and each new image triggers a pass. So claims
# use an index: SQLite's only writer must not scan all that waits.

_MISSING_UPLOADS = """
SELECT id FROM images
WHERE storage = 'local' AND NOT EXISTS (SELECT 1 FROM outbox WHERE image_id = images.id AND kind = 'upload')
ORDER BY id LIMIT :limit
"""

_ADD = """
INSERT INTO outbox (kind, blob_key, image_id)
SELECT 'upload', blob_key, id FROM images WHERE id = ANY (:ids::bigint[]) AND storage = 'local' ORDER BY id
ON CONFLICT (kind, blob_key) DO NOTHING RETURNING id
"""

_RELEASE_DUE = "UPDATE outbox SET not_before = NULL WHERE not_before <= :due OR not_before > :beyond"

_CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM outbox {which} id > :after ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET attempts = attempts + 1 WHERE id IN (SELECT id FROM chosen) RETURNING *
"""
_CLAIM_ANY = _CLAIM.format(which="WHERE")
_CLAIM_DUE = _CLAIM.format(which="INDEXED BY outbox_by_time WHERE not_before IS NULL AND")

_COUNTS = """
SELECT count(*) FILTER (WHERE kind = 'upload') AS uploads,
    count(*) FILTER (WHERE kind = 'remove') AS removals,
    count(last_error) AS failing,
    (SELECT last_error FROM outbox WHERE last_error IS NOT NULL ORDER BY id DESC LIMIT 1) AS last_error,
    (SELECT min(not_before) FROM outbox WHERE not_before IS NOT NULL) AS next_due
FROM outbox
"""


class SqlOutbox:
    """The ``outbox`` table."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        ids = [row["id"] for row in await self._sql.rows(_MISSING_UPLOADS, limit=limit)]
        return len(await self._sql.change(_ADD, ids=ids)) if ids else 0

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        rows = await self._sql.transact(_claim(due, {"after": after, "limit": limit}))
        return tuple(sorted(map(_entry, rows), key=lambda entry: entry.id))

    async def complete(self, entry: OutboxEntry) -> None:
        await self._sql.change("DELETE FROM outbox WHERE id = :id", id=entry.id)

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        await self._sql.change(
            "UPDATE outbox SET not_before = :not_before, last_error = :error WHERE id = :id",
            id=entry.id,
            not_before=to_timestamp(not_before),
            error=to_json(error),
        )

    async def counts(self) -> OutboxCounts:
        (row,) = await self._sql.rows(_COUNTS)
        error, next_due = _error(row["last_error"]), optional_moment(row["next_due"])
        return OutboxCounts(**{**dict(row), "last_error": error, "next_due": next_due})


def _claim(due: datetime | None, bounds: dict[str, int]) -> Steps[list[Row]]:
    if due is None:
        return (yield _CLAIM_ANY, bounds)
    # An entry due beyond this was deferred before the clock was set back.
    yield _RELEASE_DUE, {"due": to_timestamp(due), "beyond": to_timestamp(due + MAX_DEFERRAL)}
    return (yield _CLAIM_DUE, bounds)


def _entry(row: Row) -> OutboxEntry:
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
    """Return the message; of a text without one, too: an entry that cannot be read would stop all others."""
    try:
        return None if text is None else from_json(text, Message)
    except ValueError:
        return upstream_text(text or "")
