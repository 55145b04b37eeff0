"""The images of the images table."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from imagegen_adapters.image_records.rows import row_to_image
from imagegen_adapters.image_records.statements import SELECT_IMAGES
from imagegen_adapters.stores.rows import optional_timestamp, to_json, to_timestamp
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_core.images import Image, StorageState

_IMAGES = f"{SELECT_IMAGES} WHERE id > :after ORDER BY id LIMIT :limit"

_IMAGES_IN_STATE = f"{SELECT_IMAGES} WHERE storage = :state AND id > :after ORDER BY id LIMIT :limit"

# Each new image triggers a pass, and a hundred thousand may be in both stores without being old enough.
_AGED = f"""
{SELECT_IMAGES} INDEXED BY images_by_age
WHERE storage = 'both' AND created_at < :before AND (created_at, id) > (:created_at, :id)
ORDER BY created_at, id LIMIT :limit
"""

_COUNT = """
SELECT count(*) FROM images
WHERE (:state IS NULL OR storage = :state) AND (:before IS NULL OR created_at < :before)
"""

_KNOWN = """
SELECT value FROM json_each(?)
WHERE value IN (SELECT blob_key FROM images) OR value IN (SELECT thumbnail_key FROM images)
"""


class SqliteImageInventory:
    """Reads an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def images(
        self, *, state: StorageState | None = None, after: int = 0, limit: int = 100
    ) -> tuple[Image, ...]:
        statement = _IMAGES if state is None else _IMAGES_IN_STATE
        return await self._read(statement, {"after": after, "limit": limit, "state": state})

    async def aged(
        self, *, created_before: datetime, after: Image | None = None, limit: int = 100
    ) -> tuple[Image, ...]:
        values = {
            "before": to_timestamp(created_before),
            "created_at": "" if after is None else to_timestamp(after.created_at),
            "id": 0 if after is None else after.id,
            "limit": limit,
        }
        return await self._read(_AGED, values)

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        values = {"state": state, "before": optional_timestamp(created_before)}
        return int(await self._database.read(lambda c: c.execute(_COUNT, values).fetchone()[0]))

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        values = to_json(list(keys))
        rows = await self._database.read(lambda c: c.execute(_KNOWN, (values,)).fetchall())
        return frozenset(keys) - {row[0] for row in rows}

    async def _read(self, statement: str, values: Mapping[str, Any]) -> tuple[Image, ...]:
        rows = await self._database.read(lambda c: c.execute(statement, values).fetchall())
        return tuple(row_to_image(row) for row in rows)
