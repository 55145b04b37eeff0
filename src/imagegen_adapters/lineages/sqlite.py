"""The lineage of images in SQLite."""

import json
from collections.abc import Collection
from typing import Any

from imagegen_adapters.stores.sqlite.database import Database

_PARENTS = "SELECT parent_id FROM image_lineage WHERE child_id = ? ORDER BY position"

_CHILDREN = "SELECT child_id FROM image_lineage WHERE parent_id = ? ORDER BY child_id DESC LIMIT ?"

_EXISTING = "SELECT id FROM images WHERE id IN (SELECT value FROM json_each(?))"


class SqliteLineage:
    """Reads an open database, in which a trigger notes the parents of each image."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def parents(self, image_id: int) -> tuple[int, ...]:
        return await self._ids(_PARENTS, image_id)

    async def children(self, image_id: int, *, limit: int) -> tuple[int, ...]:
        return await self._ids(_CHILDREN, image_id, limit)

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        return frozenset(await self._ids(_EXISTING, json.dumps(list(image_ids))))

    async def _ids(self, statement: str, *values: Any) -> tuple[int, ...]:
        rows = await self._database.read(lambda c: c.execute(statement, values).fetchall())
        return tuple(row[0] for row in rows)
