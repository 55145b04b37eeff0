"""Marks of images in SQLite."""

import json
from collections.abc import Collection as Ids
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from imagegen_adapters.image_marks import statements
from imagegen_adapters.image_marks.rows import row_to_collection, row_to_tag
from imagegen_adapters.image_records.index import exchange_marks
from imagegen_adapters.image_records.rows import row_to_marks
from imagegen_adapters.image_records.statements import COUNT_MARK_CHANGE, HAS_COLLECTION, MARKS_OF
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import CollectionExists, CollectionNotFound, TooManyCollections, TooManyTags
from imagegen_core.limits import MAX_COLLECTIONS, MAX_TAGS
from imagegen_core.marks.collection import Collection, TagUse
from imagegen_core.marks.marks import ChangedImages, MarkChange, Marks
from imagegen_core.marks.names import fold_name

_MAX_ID = 2**63 - 1


class SqliteImageMarks:
    """The tables of tags and collections of an open database, and their tokens in the search index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def change(self, image_ids: Ids[int], change: MarkChange) -> ChangedImages:
        ids = [image_id for image_id in image_ids if 0 < image_id <= _MAX_ID]
        existing, changed = await self._database.writer.write(partial(_change, image_ids=ids, change=change))
        missing = tuple(image_id for image_id in image_ids if image_id not in existing)
        return ChangedImages(changed=changed, missing=missing)

    async def tags(self, prefix: str, limit: int) -> tuple[TagUse, ...]:
        folded = fold_name(prefix)
        rows = await self._database.read(
            lambda c: (
                c.execute(statements.TAGS_BY_USE, (limit,)).fetchall()
                if not folded
                else c.execute(statements.TAGS_BEGINNING, {"prefix": folded, "limit": limit}).fetchall()
            )
        )
        return tuple(map(row_to_tag, rows))

    async def collections(self) -> tuple[Collection, ...]:
        rows = await self._database.read(lambda c: c.execute(statements.ALL_COLLECTIONS).fetchall())
        return tuple(map(row_to_collection, rows))

    async def add_collection(self, name: str, created_at: datetime) -> Collection:
        return await self._database.writer.write(partial(_add, name=name, created_at=created_at))

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        return await self._database.writer.write(partial(_rename, collection_id=collection_id, name=name))

    async def remove_collection(self, collection_id: int) -> None:
        await self._database.writer.write(partial(_remove, collection_id=collection_id))


def _change(
    connection: sqlite3.Connection, *, image_ids: Sequence[int], change: MarkChange
) -> tuple[frozenset[int], int]:
    """Return which of the images there are, and how many of them were changed."""
    if change.collection is not None:
        _check_collection(connection, change.collection)
    rows = connection.execute(MARKS_OF, (json.dumps(image_ids),)).fetchall()
    before = {image_id: row_to_marks(columns) for image_id, *columns in rows}
    after = {image_id: change.apply(marks) for image_id, marks in before.items()}
    changed = [image_id for image_id in sorted(before) if after[image_id] != before[image_id]]
    if crowded := tuple(image_id for image_id in changed if len(after[image_id].tags) > MAX_TAGS):
        raise TooManyTags(crowded)
    for image_id in changed:
        _write(connection, image_id, before[image_id], after[image_id])
        exchange_marks(connection, image_id, before[image_id], after[image_id])
    if changed:
        connection.execute(COUNT_MARK_CHANGE)
    return frozenset(before), len(changed)


def _write(connection: sqlite3.Connection, image_id: int, before: Marks, after: Marks) -> None:
    if after.favourite != before.favourite:
        connection.execute(statements.SET_FAVOURITE, (after.favourite, image_id))
    if after.tags != before.tags:
        _write_tags(connection, image_id, before.tags, after.tags)
    for collection in set(before.collections) - set(after.collections):
        connection.execute(statements.REMOVE_FROM_COLLECTION, (collection, image_id))
    for collection in set(after.collections) - set(before.collections):
        connection.execute(statements.ADD_TO_COLLECTION, (collection, image_id))


def _write_tags(
    connection: sqlite3.Connection, image_id: int, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    for name in set(before) - set(after):
        connection.execute(statements.DELETE_TAG, (image_id, fold_name(name)))
    for position, name in enumerate(after):
        folded = fold_name(name)
        if name not in before:
            connection.execute(statements.ADD_TAG, (name, folded))
        values = {"image_id": image_id, "position": position, "folded": folded}
        connection.execute(statements.PUT_TAG, values)


def _add(connection: sqlite3.Connection, *, name: str, created_at: datetime) -> Collection:
    _check_name(connection, name)
    if connection.execute(statements.COLLECTION_COUNT).fetchone()[0] >= MAX_COLLECTIONS:
        raise TooManyCollections
    values = (name, fold_name(name), to_timestamp(created_at))
    cursor = connection.execute(statements.INSERT_COLLECTION, values)
    return _get(connection, cursor.lastrowid or 0)


def _rename(connection: sqlite3.Connection, *, collection_id: int, name: str) -> Collection:
    _check_collection(connection, collection_id)
    _check_name(connection, name, collection_id)
    connection.execute(statements.RENAME_COLLECTION, (name, fold_name(name), collection_id))
    return _get(connection, collection_id)


def _remove(connection: sqlite3.Connection, *, collection_id: int) -> None:
    _check_collection(connection, collection_id)
    connection.execute(statements.DELETE_COLLECTION, (collection_id,))
    connection.execute(COUNT_MARK_CHANGE)


def _get(connection: sqlite3.Connection, collection_id: int) -> Collection:
    return row_to_collection(connection.execute(statements.GET_COLLECTION, (collection_id,)).fetchone())


def _check_collection(connection: sqlite3.Connection, collection_id: int) -> None:
    in_range = 0 < collection_id <= _MAX_ID
    if not in_range or connection.execute(HAS_COLLECTION, (collection_id,)).fetchone() is None:
        raise CollectionNotFound(collection_id)


def _check_name(connection: sqlite3.Connection, name: str, own_id: int = 0) -> None:
    row = connection.execute(statements.COLLECTION_NAMED, (fold_name(name),)).fetchone()
    if row is not None and row["id"] != own_id:
        raise CollectionExists(row["name"], row["id"])
