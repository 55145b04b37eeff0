"""The trash: rows of deleted images, kept apart from those that lists and searches read."""

from collections.abc import Collection, Mapping
from datetime import datetime

from imagegen_adapters.stores.gallery import (
    IMAGE_COLUMNS,
    SELECT_IMAGES,
    images_of,
    remove_files,
    remove_images,
    row_to_image,
)
from imagegen_adapters.stores.marks import write_marks
from imagegen_adapters.stores.rows import from_timestamp, make_page, paged, to_timestamp
from imagegen_adapters.stores.search import Index, folding_version, prepare_each
from imagegen_adapters.stores.sql import NEWEST, Row, Sql, Steps, json_rows
from imagegen_core.errors import ImageNotFound
from imagegen_core.images import UNMARKED, Image, MarkChange
from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.ports.gallery import TrashedImage
from imagegen_core.search import Page, Paging, Simplify, fold

_COLUMNS = ", ".join(("id", *IMAGE_COLUMNS, "favourite"))

_TRASHED = f"SELECT {_COLUMNS}, tags, collections, trashed_at, seq FROM trash"  # noqa: S608 - columns of our own
"""As `row_to_image` converts them."""

_OF_IDS = f"{_TRASHED} WHERE id = ANY (:ids::bigint[]) ORDER BY id"

_LIST = f"{_TRASHED} WHERE seq < :after ORDER BY seq DESC LIMIT :limit OFFSET :offset"

_OLD = """
SELECT id FROM trash WHERE trashed_at <= :before::timestamptz ORDER BY trashed_at LIMIT :limit
"""

_NEWEST_MADE = "SELECT created_at FROM images ORDER BY id DESC LIMIT 1"

_KEEP = f"""
INSERT INTO trash ({_COLUMNS}, tags, collections, trashed_at)
SELECT {_COLUMNS}, tags, collections, :at::timestamptz
FROM ({SELECT_IMAGES} WHERE id = ANY (:ids::bigint[])) AS deleted ORDER BY id
"""  # noqa: S608 - as above

_KEEP_LINEAGE = """
INSERT INTO trash_lineage (parent_id, child_id, position)
SELECT parent_id, child_id, position FROM image_lineage
WHERE parent_id = ANY (:ids::bigint[]) OR child_id = ANY (:ids::bigint[])
ON CONFLICT DO NOTHING
"""

_RESTORE_IMAGES = f"""
INSERT INTO images ({_COLUMNS}) SELECT {_COLUMNS} FROM trash WHERE id = ANY (:ids::bigint[]) ORDER BY id
"""  # noqa: S608 - as above

_PUT_INTO_COLLECTIONS = """
INSERT INTO collection_images (collection_id, image_id)
SELECT collections.id, (value ->> 0)::bigint FROM json_each(:rows::json)
JOIN collections ON collections.id = (value ->> 1)::bigint
"""

_PUT_LINEAGE = """
INSERT INTO image_lineage (parent_id, child_id, position)
SELECT parent_id, child_id, trash_lineage.position FROM trash_lineage
JOIN images AS parents ON parents.id = parent_id JOIN images AS children ON children.id = child_id
WHERE parent_id = ANY (:ids::bigint[]) OR child_id = ANY (:ids::bigint[])
ON CONFLICT DO NOTHING
"""

_FORGET_LINEAGE = """
DELETE FROM trash_lineage WHERE (parent_id = ANY (:ids::bigint[]) OR child_id = ANY (:ids::bigint[]))
    AND NOT EXISTS (SELECT 1 FROM trash WHERE id IN (parent_id, child_id))
"""
"""What no image of the trash needs any more."""


class SqlTrash:
    """The table ``trash``. All that changes it waits for one lock, as changes of marks do."""

    def __init__(self, sql: Sql, index: Index, simplify: Simplify) -> None:
        self._sql = sql
        self._index = index
        self._simplify = simplify

    async def add(self, image_ids: Collection[int], now: datetime) -> tuple[Image, ...]:
        ids = _storable(image_ids)
        return await self._sql.transact(self._add(ids, now)) if ids else ()

    async def get(self, image_id: int) -> TrashedImage:
        rows = await self._sql.rows(_OF_IDS, ids=_storable((image_id,)))
        if not rows:
            raise ImageNotFound(image_id)
        return _trashed(rows[0])

    async def list(self, paging: Paging) -> Page[TrashedImage]:
        return await self._sql.read(self._list(paging))

    async def restore(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        rows = await self._sql.rows(_OF_IDS, ids=_storable(image_ids))
        images = [row_to_image(row) for row in rows]
        folded = await prepare_each(images, lambda image: (image.id, fold(image.prompt, self._simplify)))
        return await self._sql.transact(self._restore(dict(folded))) if folded else ()

    async def remove(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        ids = _storable(image_ids)
        return await self._sql.transact(self._remove(ids)) if ids else ()

    async def remove_old(self, before: datetime) -> tuple[Image, ...]:
        return await self._sql.transact(self._remove_old(before))

    def _add(self, ids: "_Ids", now: datetime) -> Steps[tuple[Image, ...]]:
        yield from self._index.lock_marks()
        # A clock that was set back must not make the time in the trash look over.
        latest = [from_timestamp(row["created_at"]) for row in (yield _NEWEST_MADE, {})]
        yield _KEEP, {"ids": ids, "at": to_timestamp(max((now, *latest)))}
        yield _KEEP_LINEAGE, {"ids": ids}
        return (yield from remove_images(self._index, ids))

    def _list(self, paging: Paging) -> Steps[Page[TrashedImage]]:
        rows = yield paged(_LIST, paging)
        ((count,),) = yield "SELECT count(*) FROM trash", {}
        return make_page([(row["seq"], _trashed(row)) for row in rows], paging, count=count, max_total=count)

    def _restore(self, folded: Mapping[int, str]) -> Steps[tuple[Image, ...]]:
        yield from self._index.lock_marks()
        rows = yield _OF_IDS, {"ids": [*folded]}
        marks = {row["id"]: row_to_image(row).marks for row in rows}
        ids = [*marks]
        yield _RESTORE_IMAGES, {"ids": ids}
        yield "DELETE FROM trash WHERE id = ANY (:ids::bigint[])", {"ids": ids}
        yield from write_marks(MarkChange(), dict.fromkeys(ids, UNMARKED), marks)
        collected = [(image_id, one) for image_id in ids for one in marks[image_id].collections]
        yield _PUT_INTO_COLLECTIONS, {"rows": json_rows(collected)}
        yield _PUT_LINEAGE, {"ids": ids}
        yield _FORGET_LINEAGE, {"ids": ids}
        images = yield from images_of(ids)
        version = folding_version(self._simplify)
        yield from self._index.restore([(images[number], folded[number]) for number in ids], version)
        return tuple(images.values())

    def _remove_old(self, before: datetime) -> Steps[tuple[Image, ...]]:
        yield from self._index.lock_marks()  # whoever restores one and deletes it again waits
        rows = yield _OLD, {"before": to_timestamp(before), "limit": MAX_PAGE_SIZE}
        return (yield from self._remove([row["id"] for row in rows])) if rows else ()

    def _remove(self, ids: "_Ids") -> Steps[tuple[Image, ...]]:
        yield from self._index.lock_marks()
        images = [row_to_image(row) for row in (yield _OF_IDS, {"ids": ids})]
        yield "DELETE FROM trash WHERE id = ANY (:ids::bigint[])", {"ids": ids}
        yield _FORGET_LINEAGE, {"ids": ids}
        yield from remove_files(images)
        return tuple(images)


_Ids = list[int]


def _storable(image_ids: Collection[int]) -> list[int]:
    return sorted(image_id for image_id in image_ids if 0 < image_id <= NEWEST)


def _trashed(row: Row) -> TrashedImage:
    return TrashedImage(image=row_to_image(row), trashed_at=from_timestamp(row["trashed_at"]))
