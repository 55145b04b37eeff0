"""Favourites, tags, collections and styles, in the database of the images."""

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from datetime import datetime

from imagegen_adapters.stores.gallery import MARKS_OF, row_to_marks
from imagegen_adapters.stores.rows import from_json, from_timestamp, to_json, to_timestamp
from imagegen_adapters.stores.search import Index
from imagegen_adapters.stores.sql import NEWEST, Row, Sql, Steps, json_rows
from imagegen_core.batch import Style
from imagegen_core.errors import (
    CollectionExists,
    CollectionNotFound,
    TooManyCollections,
    TooManyTags,
    ValidationFailed,
)
from imagegen_core.images import ChangedImages, Collection, MarkChange, Marks, TagUse, fold_name
from imagegen_core.limits import MAX_COLLECTIONS, MAX_STYLES, MAX_TAGS
from imagegen_core.messages import ProblemCode

_SET_FAVOURITE = "UPDATE images SET favourite = :on WHERE id = ANY (:ids::bigint[]) AND favourite <> :on"

_DELETE_TAGS = """
DELETE FROM image_tags WHERE (image_id, tag_id) IN (
    SELECT (value ->> 0)::bigint, tags.id FROM json_each(:rows::json) JOIN tags ON folded = value ->> 1
)
"""

_ADD_TAGS = """
INSERT INTO tags (name, folded) SELECT value ->> 0, value ->> 1 FROM json_each(:rows::json) WHERE true
ON CONFLICT (folded) DO NOTHING
"""

_PUT_TAGS = """
INSERT INTO image_tags (image_id, tag_id, position)
SELECT (value ->> 0)::bigint, tags.id, (value ->> 2)::integer
FROM json_each(:rows::json) JOIN tags ON folded = value ->> 1 WHERE true
ON CONFLICT (image_id, tag_id) DO UPDATE SET position = excluded.position
WHERE image_tags.position <> excluded.position
"""

_ADD_TO_COLLECTION = """
INSERT INTO collection_images (collection_id, image_id)
SELECT :collection::bigint, id FROM images WHERE id = ANY (:ids::bigint[]) ON CONFLICT DO NOTHING
"""

_REMOVE_FROM_COLLECTION = """
DELETE FROM collection_images WHERE collection_id = :collection AND image_id = ANY (:ids::bigint[])
"""

_TAGS = """
SELECT name, images FROM tags WHERE substr(folded, 1, length(:prefix::text)) = :prefix
ORDER BY images DESC, folded LIMIT :limit
"""

_COLLECTIONS = """
SELECT id, name, created_at, images, (
    SELECT max(image_id) FROM collection_images WHERE collection_id = collections.id
) AS cover
FROM collections
"""

_INSERT_COLLECTION = """
INSERT INTO collections (name, folded, created_at) VALUES (:name, :folded, :created_at::timestamptz)
RETURNING id
"""

_STYLES = "FROM settings WHERE name > 'style/' AND name < 'style0'"

_REMOVE_STYLES = "DELETE FROM settings WHERE name = ANY (:names::text[])"

_SAVE_STYLES = """
INSERT INTO settings (name, value) SELECT value ->> 0, value ->> 1 FROM json_each(:rows::json) WHERE true
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


class SqlMarks:
    """The tables of tags and collections, their part of the search index, and styles among the settings."""

    def __init__(self, sql: Sql, index: Index) -> None:
        self._sql = sql
        self._index = index

    async def change(self, image_ids: Ids[int], change: MarkChange) -> ChangedImages:
        ids = [image_id for image_id in image_ids if 0 < image_id <= NEWEST]
        existing, changed = await self._sql.transact(self._change(ids, change))
        return ChangedImages(changed=changed, missing=tuple(i for i in image_ids if i not in existing))

    async def tags(self, prefix: str, limit: int) -> tuple[TagUse, ...]:
        rows = await self._sql.rows(_TAGS, prefix=fold_name(prefix), limit=limit)
        return tuple(TagUse(name=row["name"], count=row["images"]) for row in rows)

    async def collections(self) -> tuple[Collection, ...]:
        return tuple(map(_collection, await self._sql.rows(f"{_COLLECTIONS} ORDER BY id DESC")))

    async def add_collection(self, name: str, created_at: datetime) -> Collection:
        def add() -> Steps[Collection]:
            yield from self._index.lock_marks()
            yield from _check_name(name)
            ((count,),) = yield "SELECT count(*) FROM collections", {}
            if count >= MAX_COLLECTIONS:
                raise TooManyCollections
            values = {"name": name, "folded": fold_name(name), "created_at": to_timestamp(created_at)}
            ((collection_id,),) = yield _INSERT_COLLECTION, values
            return (yield from _get(collection_id))

        return await self._sql.transact(add())

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        def rename() -> Steps[Collection]:
            yield from self._index.lock_marks()
            yield from _get(collection_id)
            yield from _check_name(name, collection_id)
            values = {"id": collection_id, "name": name, "folded": fold_name(name)}
            yield "UPDATE collections SET name = :name, folded = :folded WHERE id = :id", values
            return (yield from _get(collection_id))

        return await self._sql.transact(rename())

    async def remove_collection(self, collection_id: int) -> None:
        def remove() -> Steps[None]:
            yield from self._index.lock_marks()
            yield from _get(collection_id)
            yield "DELETE FROM collections WHERE id = :id", {"id": collection_id}
            yield from self._index.exchange_marks({}, {})

        await self._sql.transact(remove())

    async def styles(self) -> tuple[Style, ...]:
        rows = await self._sql.rows(f"SELECT value {_STYLES} ORDER BY name DESC")
        return tuple(from_json(row["value"], Style) for row in rows)

    async def change_styles(self, saved: Sequence[Style] = (), removed: Ids[str] = ()) -> None:
        def change() -> Steps[None]:
            yield _REMOVE_STYLES, {"names": [f"style/{style_id}" for style_id in removed]}
            rows = {f"style/{style.id}": to_json(style) for style in saved}
            yield _SAVE_STYLES, {"rows": json_rows(rows.items())}
            ((count,),) = yield f"SELECT count(*) {_STYLES}", {}
            if count > MAX_STYLES:
                raise ValidationFailed.for_field("styles", ProblemCode.TOO_MANY_ITEMS(maximum=MAX_STYLES))

        await self._sql.transact(change())

    def _change(self, ids: list[int], change: MarkChange) -> Steps[tuple[frozenset[int], int]]:
        """Return which of the images exist, and how many of them were changed."""
        yield from self._index.lock_marks()
        if change.collection is not None:
            yield from _get(change.collection)
        before = {image_id: row_to_marks(columns) for image_id, *columns in (yield MARKS_OF, {"ids": ids})}
        after = {i: changed for i, marks in before.items() if (changed := change.apply(marks)) != marks}
        if crowded := tuple(image_id for image_id, marks in after.items() if len(marks.tags) > MAX_TAGS):
            raise TooManyTags(crowded)
        if after:
            yield from write_marks(change, before, after)
            yield from self._index.exchange_marks(before, after)
        return frozenset(before), len(after)


def write_marks(change: MarkChange, before: Mapping[int, Marks], after: Mapping[int, Marks]) -> Steps[None]:
    """Write each kind of mark for all images at once; the positions of tags stay without gaps."""
    ids = list(after)
    if change.favourite is not None:
        yield _SET_FAVOURITE, {"on": change.favourite, "ids": ids}
    retagged = [image_id for image_id, marks in after.items() if marks.tags != before[image_id].tags]
    absent = [(i, fold_name(tag)) for i in retagged for tag in before[i].tags if tag not in after[i].tags]
    added = {fold_name(tag): tag for i in retagged for tag in after[i].tags if tag not in before[i].tags}
    present = [(i, fold_name(tag), place) for i in retagged for place, tag in enumerate(after[i].tags)]
    if absent:
        yield _DELETE_TAGS, {"rows": json_rows(absent)}
    if added:
        yield _ADD_TAGS, {"rows": json_rows((name, folded) for folded, name in added.items())}
    if present:
        yield _PUT_TAGS, {"rows": json_rows(present)}
    if change.add_to is not None:
        yield _ADD_TO_COLLECTION, {"collection": change.add_to, "ids": ids}
    if change.remove_from is not None:
        yield _REMOVE_FROM_COLLECTION, {"collection": change.remove_from, "ids": ids}


def _get(collection_id: int) -> Steps[Collection]:
    in_range = 0 < collection_id <= NEWEST
    rows = (yield f"{_COLLECTIONS} WHERE id = :id", {"id": collection_id}) if in_range else []
    if not rows:
        raise CollectionNotFound(collection_id)
    return _collection(rows[0])


def _check_name(name: str, own_id: int = 0) -> Steps[None]:
    rows = yield "SELECT id, name FROM collections WHERE folded = :folded", {"folded": fold_name(name)}
    if rows and rows[0]["id"] != own_id:
        raise CollectionExists(rows[0]["name"], rows[0]["id"])


def _collection(row: Row) -> Collection:
    created_at = from_timestamp(row["created_at"])
    return Collection(
        id=row["id"], name=row["name"], created_at=created_at, count=row["images"], cover=row["cover"]
    )
