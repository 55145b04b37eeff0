"""The lineage of images in PostgreSQL."""

from collections.abc import Collection
from typing import Any

from imagegen_adapters.stores.postgresql.database import Database

_PARENTS = """
SELECT parent_id FROM image_lineage JOIN images ON images.id = parent_id
WHERE child_id = $1 ORDER BY image_lineage.position
"""

_CHILDREN = """
SELECT child_id FROM image_lineage
WHERE parent_id = $1 AND EXISTS (SELECT FROM images WHERE id = $1)
ORDER BY child_id DESC LIMIT $2
"""

_EXISTING = "SELECT id FROM images WHERE id = ANY ($1::bigint[])"


class PostgresqlLineage:
    """Reads an open database, in which a trigger notes the parents of each image."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def parents(self, image_id: int) -> tuple[int, ...]:
        return await self._ids(_PARENTS, image_id)

    async def children(self, image_id: int, *, limit: int) -> tuple[int, ...]:
        return await self._ids(_CHILDREN, image_id, limit)

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        return frozenset(await self._ids(_EXISTING, list(image_ids)))

    async def _ids(self, statement: str, *values: Any) -> tuple[int, ...]:
        return tuple(row[0] for row in await self._database.rows(statement, *values))
