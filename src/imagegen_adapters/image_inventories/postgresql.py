"""The images of the images table, in PostgreSQL."""

from collections.abc import Collection
from datetime import datetime

from imagegen_adapters.image_records.postgresql.statements import SELECT_IMAGES
from imagegen_adapters.image_records.rows import row_to_image
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.rows import optional_timestamp, to_timestamp
from imagegen_core.images import Image, StorageState
from imagegen_core.text import text_problem

_IMAGES = f"{SELECT_IMAGES} WHERE id > $1 ORDER BY id LIMIT $2"

_IMAGES_IN_STATE = f"{SELECT_IMAGES} WHERE id > $1 AND storage = $3 ORDER BY id LIMIT $2"

_AGED = f"""
{SELECT_IMAGES}
WHERE storage = 'both' AND created_at < $1 AND (created_at, id) > ($2, $3::bigint)
ORDER BY created_at, id LIMIT $4
"""

_COUNT = """
SELECT count(*) FROM images
WHERE ($1::text IS NULL OR storage = $1) AND ($2::timestamptz IS NULL OR created_at < $2)
"""

_KNOWN = """
SELECT key FROM unnest($1::text[]) AS keys (key) JOIN images ON blob_key = key
UNION ALL
SELECT key FROM unnest($1::text[]) AS keys (key) JOIN images ON thumbnail_key = key
"""
"""The images are read twice, however many keys there are; IN would read them again for each key."""


class PostgresqlImageInventory:
    """Reads an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def images(
        self, *, state: StorageState | None = None, after: int = 0, limit: int = 100
    ) -> tuple[Image, ...]:
        if state is None:
            rows = await self._database.rows(_IMAGES, after, limit)
        else:
            rows = await self._database.rows(_IMAGES_IN_STATE, after, limit, state.value)
        return tuple(map(row_to_image, rows))

    async def aged(
        self, *, created_before: datetime, after: Image | None = None, limit: int = 100
    ) -> tuple[Image, ...]:
        created_at = "-infinity" if after is None else to_timestamp(after.created_at)
        values = (to_timestamp(created_before), created_at, 0 if after is None else after.id, limit)
        return tuple(map(row_to_image, await self._database.rows(_AGED, *values)))

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        values = (None if state is None else state.value, optional_timestamp(created_before))
        ((count,),) = await self._database.rows(_COUNT, *values)
        return int(count)

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        storable = [key for key in keys if text_problem(key) is None]
        rows = await self._database.rows(_KNOWN, storable)
        return frozenset(keys) - {row["key"] for row in rows}
