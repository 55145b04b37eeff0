"""Marks of images in PostgreSQL."""

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from datetime import datetime

from imagegen_adapters.image_marks.rows import row_to_collection, row_to_tag
from imagegen_adapters.image_records.postgresql.statements import HAS_COLLECTION, LOCK_MARKS
from imagegen_adapters.image_records.rows import row_to_marks
from imagegen_adapters.stores.postgresql.database import Connection, Database
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_core.errors import CollectionExists, CollectionNotFound, TooManyCollections, TooManyTags
from imagegen_core.limits import MAX_COLLECTIONS, MAX_TAGS
from imagegen_core.marks.collection import Collection, TagUse
from imagegen_core.marks.marks import ChangedImages, MarkChange, Marks
from imagegen_core.marks.names import fold_name
from imagegen_core.text_problems import text_problem

_MAX_ID = 2**63 - 1

_MARKS_OF = """
SELECT id, favourite, coalesce(tags, '[]'), coalesce(collections, '[]') FROM images
LEFT JOIN (
    SELECT image_id AS id, json_agg(name ORDER BY position) AS tags
    FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ANY ($1::bigint[]) GROUP BY 1
) AS tagged USING (id)
LEFT JOIN (
    SELECT image_id AS id, json_agg(collection_id ORDER BY collection_id) AS collections
    FROM collection_images WHERE image_id = ANY ($1::bigint[]) GROUP BY 1
) AS collected USING (id)
WHERE id = ANY ($1::bigint[]) ORDER BY id
"""
"""Each table is read once: while the server has not counted its rows, it would do so for each image."""

_SET_FAVOURITE = "UPDATE images SET favourite = $2 WHERE id = ANY ($1::bigint[]) AND favourite <> $2"

_DELETE_TAGS = """
DELETE FROM image_tags USING tags, unnest($1::bigint[], $2::text[]) AS absent (image_id, folded)
WHERE tags.folded = absent.folded AND tag_id = tags.id AND image_tags.image_id = absent.image_id
"""

_ADD_TAGS = """
INSERT INTO tags (name, folded) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (folded) DO NOTHING
"""

_PUT_TAGS = """
INSERT INTO image_tags (image_id, tag_id, position)
SELECT image_id, tags.id, position
FROM unnest($1::bigint[], $2::text[], $3::integer[]) AS present (image_id, folded, position)
JOIN tags USING (folded)
ON CONFLICT (image_id, tag_id) DO UPDATE SET position = excluded.position
WHERE image_tags.position <> excluded.position
"""

_ADD_TO_COLLECTION = """
INSERT INTO collection_images (collection_id, image_id) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING
"""

_REMOVE_FROM_COLLECTION = """
DELETE FROM collection_images WHERE collection_id = $1 AND image_id = ANY ($2::bigint[])
"""

_TAGS = """
SELECT name, images FROM tags WHERE starts_with(folded, $1) ORDER BY images DESC, folded LIMIT $2
"""

_COLLECTIONS = """
SELECT id, name, created_at, images, (
    SELECT max(image_id) FROM collection_images WHERE collection_id = collections.id
) AS cover
FROM collections
"""

_ALL_COLLECTIONS = f"{_COLLECTIONS} ORDER BY id DESC"

_GET_COLLECTION = f"{_COLLECTIONS} WHERE id = $1"

_COLLECTION_NAMED = "SELECT id, name FROM collections WHERE folded = $1"

_COLLECTION_COUNT = "SELECT count(*) FROM collections"

_INSERT_COLLECTION = """
INSERT INTO collections (name, folded, created_at) VALUES ($1, $2, $3::timestamptz) RETURNING id
"""

_RENAME_COLLECTION = "UPDATE collections SET name = $1, folded = $2 WHERE id = $3"

_DELETE_COLLECTION = "DELETE FROM collections WHERE id = $1"


class PostgresqlImageMarks:
    """The tables of tags and collections of an open database, and their tokens in the search index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def change(self, image_ids: Ids[int], change: MarkChange) -> ChangedImages:
        ids = [image_id for image_id in image_ids if 0 < image_id <= _MAX_ID]
        async with self._database.transaction() as connection:
            await connection.execute(LOCK_MARKS)
            if change.collection is not None:
                await _check_collection(connection, change.collection)
            before = {
                image_id: row_to_marks(columns)
                for image_id, *columns in await connection.fetch(_MARKS_OF, ids)
            }
            after = {
                image_id: changed
                for image_id, marks in before.items()
                if (changed := change.apply(marks)) != marks
            }
            if crowded := tuple(image_id for image_id, marks in after.items() if len(marks.tags) > MAX_TAGS):
                raise TooManyTags(crowded)
            if after:
                await _write(connection, change, before, after)
        missing = tuple(image_id for image_id in image_ids if image_id not in before)
        return ChangedImages(changed=len(after), missing=missing)

    async def tags(self, prefix: str, limit: int) -> tuple[TagUse, ...]:
        if text_problem(prefix) is not None:
            return ()
        return tuple(map(row_to_tag, await self._database.rows(_TAGS, fold_name(prefix), limit)))

    async def collections(self) -> tuple[Collection, ...]:
        return tuple(map(row_to_collection, await self._database.rows(_ALL_COLLECTIONS)))

    async def add_collection(self, name: str, created_at: datetime) -> Collection:
        async with self._database.transaction() as connection:
            await connection.execute(LOCK_MARKS)
            await _check_name(connection, name)
            if await connection.fetchval(_COLLECTION_COUNT) >= MAX_COLLECTIONS:
                raise TooManyCollections
            values = (name, fold_name(name), to_timestamp(created_at))
            return await _get(connection, await connection.fetchval(_INSERT_COLLECTION, *values))

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        async with self._database.transaction() as connection:
            await connection.execute(LOCK_MARKS)
            await _check_collection(connection, collection_id)
            await _check_name(connection, name, collection_id)
            await connection.execute(_RENAME_COLLECTION, name, fold_name(name), collection_id)
            return await _get(connection, collection_id)

    async def remove_collection(self, collection_id: int) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(LOCK_MARKS)
            await _check_collection(connection, collection_id)
            await connection.execute(_DELETE_COLLECTION, collection_id)


async def _write(
    connection: Connection, change: MarkChange, before: Mapping[int, Marks], after: Mapping[int, Marks]
) -> None:
    ids = list(after)
    if change.favourite is not None:
        await connection.execute(_SET_FAVOURITE, ids, change.favourite)
    await _write_tags(connection, before, after)
    if change.add_to is not None:
        await connection.execute(_ADD_TO_COLLECTION, change.add_to, ids)
    if change.remove_from is not None:
        await connection.execute(_REMOVE_FROM_COLLECTION, change.remove_from, ids)


async def _write_tags(
    connection: Connection, before: Mapping[int, Marks], after: Mapping[int, Marks]
) -> None:
    changed = [image_id for image_id, marks in after.items() if marks.tags != before[image_id].tags]
    absent = [(i, fold_name(name)) for i in changed for name in before[i].tags if name not in after[i].tags]
    added = {fold_name(name): name for i in changed for name in after[i].tags if name not in before[i].tags}
    present = [(i, fold_name(name), position) for i in changed for position, name in enumerate(after[i].tags)]
    if absent:
        await connection.execute(_DELETE_TAGS, *_columns(absent))
    if added:
        await connection.execute(_ADD_TAGS, list(added.values()), list(added))
    if present:
        await connection.execute(_PUT_TAGS, *_columns(present))


def _columns(rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True))


async def _get(connection: Connection, collection_id: int) -> Collection:
    row = await connection.fetchrow(_GET_COLLECTION, collection_id)
    if row is None:
        raise CollectionNotFound(collection_id)
    return row_to_collection(row)


async def _check_collection(connection: Connection, collection_id: int) -> None:
    in_range = 0 < collection_id <= _MAX_ID
    if not in_range or not await connection.fetchval(HAS_COLLECTION, collection_id):
        raise CollectionNotFound(collection_id)


async def _check_name(connection: Connection, name: str, own_id: int = 0) -> None:
    row = await connection.fetchrow(_COLLECTION_NAMED, fold_name(name))
    if row is not None and row["id"] != own_id:
        raise CollectionExists(row["name"], row["id"])
