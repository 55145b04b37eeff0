"""The pictures of the images table."""

from collections.abc import Collection
from datetime import datetime

from imagegen_adapters.databases.json_columns import optional_timestamp, to_json
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.image_records.rows import row_to_image
from imagegen_core.images import Image, StorageState

_PICTURES = """
SELECT * FROM images WHERE id > :after AND (:before IS NULL OR created_at < :before) {state}
ORDER BY id LIMIT :limit
"""

_KNOWN = """
SELECT value FROM json_each(?)
WHERE value IN (SELECT blob_key FROM images) OR value IN (SELECT thumbnail_key FROM images)
"""


class SqlitePictureInventory:
    """Reads an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pictures(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        statement = _PICTURES.format(state="" if state is None else "AND storage = :state")
        values = {
            "after": after,
            "before": optional_timestamp(created_before),
            "limit": limit,
            "state": state,
        }
        rows = await self._database.read(lambda c: c.execute(statement, values).fetchall())
        return tuple(row_to_image(row) for row in rows)

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        asked = to_json(list(keys))
        rows = await self._database.read(lambda c: c.execute(_KNOWN, (asked,)).fetchall())
        return frozenset(keys) - {row[0] for row in rows}
