"""Image rows in either database: lists, searches, days, relatives, and where bytes are."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

import attrs
from msgspec.json import decode

from imagegen_adapters.stores.rows import (
    cost_from_columns,
    cost_to_columns,
    from_timestamp,
    make_page,
    object_from_json,
    optional_timestamp,
    paged,
    to_json,
    to_timestamp,
)
from imagegen_adapters.stores.search import (
    Index,
    counted_bounds,
    neighbours,
    page_ids,
    relevant_page,
    similar_ids,
)
from imagegen_adapters.stores.sql import NEWEST, Row, SharedReads, Sql, Steps, json_rows
from imagegen_core.errors import ImageNotFound, text_problem
from imagegen_core.images import UNMARKED, Image, Marks, MediaType, StorageState
from imagegen_core.limits import MAX_CHILDREN
from imagegen_core.ports.gallery import ImageFilter, ImageList, ImageView, Neighbours, Relatives, SearchHit
from imagegen_core.requests import Operation
from imagegen_core.search import Page, Paging, SearchQuery

# ---------------------------------------------------------------- rows

SELECT_IMAGES = """
SELECT images.*, coalesce((
    SELECT json_agg(name) FROM (
        SELECT name FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = images.id ORDER BY position
    ) AS named
), '[]') AS tags, coalesce((
    SELECT json_agg(collection_id) FROM (
        SELECT collection_id FROM collection_images WHERE image_id = images.id ORDER BY collection_id
    ) AS numbered
), '[]') AS collections
FROM images
"""
"""Images with their marks, as `row_to_image` converts them."""

# Each table is read once: without statistics, PostgreSQL would read it for each image.
MARKS_OF = """
SELECT id, favourite, coalesce(tags, '[]'), coalesce(collections, '[]') FROM images
LEFT JOIN (
    SELECT image_id, json_agg(name) AS tags FROM (
        SELECT image_id, name FROM image_tags JOIN tags ON tags.id = tag_id
        WHERE image_id = ANY (:ids::bigint[]) ORDER BY image_id, position
    ) AS named GROUP BY image_id
) AS tagged ON tagged.image_id = images.id
LEFT JOIN (
    SELECT image_id, json_agg(collection_id) AS collections FROM (
        SELECT image_id, collection_id FROM collection_images
        WHERE image_id = ANY (:ids::bigint[]) ORDER BY image_id, collection_id
    ) AS numbered GROUP BY image_id
) AS collected ON collected.image_id = images.id
WHERE id = ANY (:ids::bigint[]) ORDER BY id
"""

_OPERATIONS = {operation.value: operation for operation in Operation}
_MEDIA_TYPES = {media_type.value: media_type for media_type in MediaType}
_STORAGE_STATES = {state.value: state for state in StorageState}
"""A lookup takes a fifth of the time of calling the enumeration."""

IMAGE_COLUMNS = (
    *("task_id", "attempt_id", "position", "operation", "prompt", "provider_name", "model_id", "mime_type"),
    *("width", "height", "size_bytes", "sha256", "vendor_sha256", "crc64", "blob_key", "thumbnail_key"),
    *("storage", "params", "metadata", "created_at", "cost_basis", "cost_currency", "cost_ticks"),
)
"""In the order of the table, between an image's id and its marks; `row_to_image` reads them so."""

_NONE = "[]"
_FAVOURITE = Marks(favourite=True)


def image_to_row(image: Image) -> dict[str, Any]:
    converted = {
        "operation": image.operation.value,
        "mime_type": image.mime_type.value,
        "crc64": image.archive_checksum,
        "storage": image.storage.value,
        "params": to_json(dict(image.params)) if image.params else "{}",
        "metadata": to_json(dict(image.metadata)) if image.metadata else "{}",
        "created_at": to_timestamp(image.created_at),
        **cost_to_columns(image.cost),
    }
    return {name: converted[name] if name in converted else getattr(image, name) for name in IMAGE_COLUMNS}


def row_to_image(row: Row) -> Image:
    """Return the image of a whole row; reading columns by name would take several times as long."""
    image_id, task_id, attempt_id, position, operation, prompt, provider_name, model_id, media_type = row[:9]
    width, height, size_bytes, sha256, vendor_sha256, crc64, blob_key, thumbnail_key, storage = row[9:18]
    params, metadata, created_at, basis, currency, ticks, *marks = row[18:]
    return Image(
        task_id=task_id,
        attempt_id=attempt_id,
        position=position,
        operation=_OPERATIONS[operation],
        prompt=prompt,
        provider_name=provider_name,
        model_id=model_id,
        mime_type=_MEDIA_TYPES[media_type],
        width=width,
        height=height,
        size_bytes=size_bytes,
        sha256=sha256,
        blob_key=blob_key,
        created_at=from_timestamp(created_at),
        id=image_id,
        thumbnail_key=thumbnail_key,
        vendor_sha256=vendor_sha256,
        archive_checksum=crc64,
        storage=_STORAGE_STATES[storage],
        params=object_from_json(params),
        metadata=object_from_json(metadata),
        cost=cost_from_columns(basis, currency, ticks),
        marks=row_to_marks(marks),
    )


def row_to_view(row: Row) -> ImageView:
    *image, previous, following, parents, children = row
    return ImageView(
        image=row_to_image(image),
        neighbours=Neighbours(previous=previous, next=following),
        relatives=Relatives(parents=tuple(decode(parents)), children=tuple(decode(children))),
    )


def row_to_marks(row: Iterable[Any]) -> Marks:
    favourite, tags, collections = (*row, _NONE, _NONE)[:3]
    if tags == collections == _NONE:
        return _FAVOURITE if favourite else UNMARKED
    return Marks(favourite=bool(favourite), tags=tuple(decode(tags)), collections=tuple(decode(collections)))


# ---------------------------------------------------------------- statements

_OF_IDS = f"{SELECT_IMAGES} WHERE id = ANY (:ids::bigint[])"

_VIEWS = f"""
SELECT shown.*,
    (SELECT min(id) FROM images WHERE id > shown.id) AS previous,
    (SELECT max(id) FROM images WHERE id < shown.id) AS next,
    coalesce((SELECT json_agg(parent_id) FROM (
        SELECT parent_id FROM image_lineage JOIN images ON images.id = parent_id
        WHERE child_id = shown.id ORDER BY image_lineage.position
    ) AS inputs), '[]') AS parents,
    coalesce((SELECT json_agg(child_id) FROM (
        SELECT child_id FROM image_lineage WHERE parent_id = shown.id
        ORDER BY child_id DESC LIMIT {MAX_CHILDREN}
    ) AS newest), '[]') AS children
FROM ({_OF_IDS}) AS shown
"""  # noqa: S608 - a number of our own

_OF_TASKS = f"""
{SELECT_IMAGES} LEFT JOIN attempts USING (attempt_id)
WHERE images.task_id = ANY (:task_ids::text[]) ORDER BY attempts.part, images.position, images.id
"""

_OF_BATCH = """
SELECT images.id FROM tasks JOIN images ON images.task_id = tasks.task_id
WHERE batch_id = :batch_id AND images.id < :after ORDER BY images.id DESC LIMIT :limit OFFSET :offset
"""

_COUNT_OF_BATCH = """
SELECT count(*) FROM tasks JOIN images ON images.task_id = tasks.task_id WHERE batch_id = :batch_id
"""

_PAGE = f"{SELECT_IMAGES} WHERE id < :after ORDER BY id DESC LIMIT :limit OFFSET :offset"

_SET_STORAGE = "UPDATE {} SET storage = :storage WHERE id = :id RETURNING id"

_DELETE_UPLOADS = "DELETE FROM outbox WHERE kind = 'upload' AND blob_key = ANY (:keys::text[])"

_ADD_REMOVALS = """
INSERT INTO outbox (kind, blob_key, image_id)
SELECT 'remove', value ->> 0, (value ->> 1)::bigint FROM json_each(:rows::json) WHERE true
ON CONFLICT (kind, blob_key) DO NOTHING
"""

_SPAN = """
SELECT (SELECT min(quarter) FROM image_quarters) AS first, (SELECT max(quarter) FROM image_quarters) AS last
"""

# An index scan for each interval: joined, PostgreSQL would compare each with all of the table.
_INTERVALS = """
SELECT key, (
    SELECT coalesce(sum(images), 0)::bigint FROM image_quarters
    WHERE quarter >= (value ->> 0)::bigint AND quarter < (value ->> 1)::bigint
        AND provider_name = coalesce(:provider_name::text, provider_name)
        AND model_id = coalesce(:model_id::text, model_id)
        AND operation = coalesce(:operation::text, operation)
) AS images
FROM json_each(:rows::json)
"""

_AFTER = f"{SELECT_IMAGES} WHERE id > :after ORDER BY id LIMIT :limit"

_IN_STATE_AFTER = f"{SELECT_IMAGES} WHERE storage = :state AND id > :after ORDER BY id LIMIT :limit"

# Each new image triggers a pass; without the index it would read a hundred thousand images that are too
# young.
_AGED = f"""
{SELECT_IMAGES} INDEXED BY images_by_age
WHERE storage = 'both' AND created_at < :before
    AND (created_at, id) > (:created_at::timestamptz, :after::bigint)
ORDER BY created_at, id LIMIT :limit
"""

SEARCH_SECONDS = 2.0
"""The limit that the port promises: a longer search is refused."""

_LONG_AGO = "0001-01-01T00:00:00.000Z"

_COUNT = """
SELECT count(*) FROM images
WHERE (:state::text IS NULL OR storage = :state) AND (:before::timestamptz IS NULL OR created_at < :before)
"""

_KNOWN = """
SELECT blob_key FROM images WHERE blob_key IN (SELECT value ->> 0 FROM json_each(:rows::json))
UNION ALL
SELECT thumbnail_key FROM images WHERE thumbnail_key IN (SELECT value ->> 0 FROM json_each(:rows::json))
UNION ALL
SELECT blob_key FROM trash WHERE blob_key IN (SELECT value ->> 0 FROM json_each(:rows::json))
UNION ALL
SELECT thumbnail_key FROM trash WHERE thumbnail_key IN (SELECT value ->> 0 FROM json_each(:rows::json))
"""
"""Reads images and trash twice, however many keys there are."""


_Numbers: TypeAlias = list[int]


class SqlGallery:
    """The images table and its search index."""

    def __init__(self, sql: Sql, index: Index) -> None:
        self._sql = sql
        self._index = index
        self._images = SharedReads[int](lambda ids: sql.rows(_OF_IDS, ids=ids))
        self._views = SharedReads[int](lambda ids: sql.rows(_VIEWS, ids=ids))
        self._of_tasks = SharedReads[str](lambda ids: sql.rows(_OF_TASKS, task_ids=ids), key="task_id")

    async def get(self, image_id: int) -> Image:
        return row_to_image(await self._one(self._images, image_id))

    async def view(self, image_id: int) -> ImageView:
        return row_to_view(await self._one(self._views, image_id))

    async def _one(self, reads: SharedReads[int], image_id: int) -> Row:
        rows = await reads.rows(image_id) if 0 < image_id <= NEWEST else []
        if not rows:
            raise ImageNotFound(image_id)
        return rows[0]

    async def of_task(self, task_id: str) -> tuple[Image, ...]:
        return tuple(map(row_to_image, await self._of_tasks.rows(task_id)))

    async def of_batch(self, batch_id: str, paging: Paging) -> Page[Image]:
        return await self._sql.read(self._of_batch(batch_id, paging))

    async def list(self, images: ImageList, paging: Paging) -> Page[SearchHit]:
        if images == ImageList():
            return await self._sql.read(self._all(paging))
        if images.is_impossible:
            return Page(items=(), total=0, has_more=False)
        query = images.similar_to
        steps = self._matching(images, paging) if query is None else self._relevant(images, query, paging)
        return await self._sql.search(steps, seconds=SEARCH_SECONDS)

    async def delete(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        ids = sorted(image_id for image_id in image_ids if 0 < image_id <= NEWEST)
        return await self._sql.transact(self._delete(ids)) if ids else ()

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        if await self._sql.change(_SET_STORAGE.format("images"), id=image_id, storage=state.value):
            return
        await self._sql.change(_SET_STORAGE.format("trash"), id=image_id, storage=state.value)

    # ---------------------------------------------------------------- lists

    def _all(self, paging: Paging) -> Steps[Page[SearchHit]]:
        count = yield from self._index.total()
        statement, bounds = paged(_PAGE, paging)
        if paging.offset:  # counted from the newest, also where the oldest come first
            rest = max(0, count - paging.offset)
            limit = min(paging.page_size + 1, rest)
            after, offset = yield from self._index.start(
                rest - limit if paging.oldest_first else paging.offset
            )
            statement, bounds = _PAGE, {"after": after, "limit": limit, "offset": offset}
        rows = yield statement, bounds
        if paging.offset and paging.oldest_first:
            rows.reverse()
        hits = [(image.id, SearchHit(image=image)) for image in map(row_to_image, rows)]
        return make_page(hits, paging, count=count, max_total=count)

    def _of_batch(self, batch_id: str, paging: Paging) -> Steps[Page[Image]]:
        statement, bounds = paged(_OF_BATCH, paging)
        rows = yield statement, {"batch_id": batch_id, **bounds}
        ((count,),) = yield _COUNT_OF_BATCH, {"batch_id": batch_id}
        ids = [row[0] for row in rows]
        images_by_id = yield from images_of(ids)
        return make_page([(image_id, images_by_id[image_id]) for image_id in ids], paging, count=count)

    def _matching(self, images: ImageList, paging: Paging) -> Steps[Page[SearchHit]]:
        lookup = yield from self._index.lookup(images.criteria, images.words)
        count = yield from lookup.count()
        ids = (yield from page_ids(lookup, paging)) if count else []
        images_by_id = yield from images_of(ids)
        hits = [(image_id, SearchHit(image=images_by_id[image_id])) for image_id in ids]
        return make_page(hits, paging, count=count)

    def _relevant(self, images: ImageList, query: SearchQuery, paging: Paging) -> Steps[Page[SearchHit]]:
        lookup = yield from self._index.lookup(images.criteria, images.words)
        page = yield from relevant_page(self._index, lookup, query, paging)
        images_by_id = yield from images_of([image_id for image_id, _ in page.items])
        return page.with_items(SearchHit(image=images_by_id[i], match=match) for i, match in page.items)

    def _delete(self, ids: _Numbers) -> Steps[tuple[Image, ...]]:
        yield from self._index.lock_marks()
        images = yield from remove_images(self._index, ids)
        yield from remove_files(images)
        return images

    # ---------------------------------------------------------------- where images are in time

    async def span(self) -> tuple[int, int] | None:
        ((first, last),) = await self._sql.rows(_SPAN)
        return None if first is None else (first, last)

    async def count_by_quarter(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        intervals = len(bounds) - 1
        if intervals < 1 or images.is_impossible:
            return (0,) * intervals
        if images.criteria.favourite is False:
            lists = [
                attrs.evolve(images, criteria=attrs.evolve(images.criteria, favourite=favourite))
                for favourite in (None, True)
            ]
            if counted_bounds(bounds, lists[0]) is not None:
                every, some = [await self.count_by_quarter(bounds, one) for one in lists]
                # The favourites may have been counted a moment later.
                return tuple(max(0, all_of - part) for all_of, part in zip(every, some, strict=True))
        counted = counted_bounds(bounds, images)
        steps = (
            self._index.by_interval(bounds, images.criteria, images.words)
            if counted is None
            else _counted(counted, images.criteria)
        )
        return await self._sql.search(steps, seconds=SEARCH_SECONDS)

    async def neighbours(self, image_id: int, images: ImageList, *, oldest_first: bool = False) -> Neighbours:
        if not 0 < image_id <= NEWEST or images.is_impossible:
            return Neighbours()
        if images == ImageList():
            rows = await self._views.rows(image_id)
            around = row_to_view(rows[0]).neighbours if rows else Neighbours()
            return Neighbours(previous=around.next, next=around.previous) if oldest_first else around
        steps = self._neighbours(image_id, images, oldest_first=oldest_first)
        return await self._sql.search(steps, seconds=SEARCH_SECONDS)

    def _neighbours(self, image_id: int, images: ImageList, *, oldest_first: bool) -> Steps[Neighbours]:
        lookup = yield from self._index.lookup(images.criteria, images.words)
        query = images.similar_to

        def similar(query: SearchQuery) -> Steps[_Numbers]:
            newest = yield from self._index.newest()
            return (yield from similar_ids(self._index, lookup, query, (yield from lookup.count()), newest))

        similar_to_it = None if query is None else partial(similar, query)
        return (yield from neighbours(image_id, lookup, similar_to_it, oldest_first=oldest_first))

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        statement = "SELECT id FROM images WHERE id = ANY (:ids::bigint[])"
        return frozenset(row[0] for row in await self._sql.rows(statement, ids=[*image_ids]))

    # ---------------------------------------------------------------- where bytes are

    async def stored(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: Image | int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        after_id = after.id if isinstance(after, Image) else after
        values: dict[str, Any] = {"after": after_id, "limit": limit}
        statement = _AFTER
        if created_before is not None:
            statement, values["before"] = _AGED, to_timestamp(created_before)
            values["created_at"] = to_timestamp(after.created_at) if isinstance(after, Image) else _LONG_AGO
        elif state is not None:
            statement, values["state"] = _IN_STATE_AFTER, state.value
        return tuple(map(row_to_image, await self._sql.rows(statement, **values)))

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        values = {"state": state and state.value, "before": optional_timestamp(created_before)}
        ((count,),) = await self._sql.rows(_COUNT, **values)
        return int(count)

    async def unknown(self, keys: Collection[str]) -> frozenset[str]:
        storable = json_rows((key,) for key in keys if text_problem(key) is None)
        return frozenset(keys) - {row[0] for row in await self._sql.rows(_KNOWN, rows=storable)}


def images_of(ids: Sequence[int]) -> Steps[dict[int, Image]]:
    return {image.id: image for image in map(row_to_image, (yield _OF_IDS, {"ids": [*ids]}))}


def remove_images(index: Index, ids: _Numbers) -> Steps[tuple[Image, ...]]:
    """Remove the rows and entries of images, in the order of ids, which SQLite's index prefers."""
    images = tuple((yield from images_of(ids)).values())
    yield from index.remove(images)
    for column in ("image_tags WHERE image_id", "collection_images WHERE image_id", "images WHERE id"):
        yield f"DELETE FROM {column} = ANY (:ids::bigint[])", {"ids": ids}  # noqa: S608 - names of our own
    return images


def remove_files(images: Sequence[Image]) -> Steps[None]:
    """Let the outbox remove the files of images without a record."""
    keys = [(key, one.id) for one in images for key in (one.blob_key, one.thumbnail_key) if key]
    yield _DELETE_UPLOADS, {"keys": [key for key, _ in keys]}
    yield _ADD_REMOVALS, {"rows": json_rows(keys)}


def _counted(bounds: Sequence[int], criteria: ImageFilter) -> Steps[tuple[int, ...]]:
    facets = {name: getattr(criteria, name) for name in ("provider_name", "model_id", "operation")}
    values = {"rows": json_rows(pairwise(bounds)), **facets}
    counts = {int(row["key"]): row["images"] for row in (yield _INTERVALS, values)}
    return tuple(counts[number] for number in range(len(bounds) - 1))
