"""Image records in SQLite."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

import attrs

from imagegen_adapters.databases.statements import DELETE_UPLOAD, PUT_REMOVAL
from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.count_cache import CountCache
from imagegen_adapters.image_records.image_blocks import ImageBlocks, oldest_of_newest
from imagegen_adapters.image_records.image_loader import ImageLoader, rows_by_id
from imagegen_adapters.image_records.index import add_entries, remove_entry
from imagegen_adapters.image_records.index_entry import IndexEntry
from imagegen_adapters.image_records.lookup import NEWEST, make_lookup, texts
from imagegen_adapters.image_records.query_gate import QueryGate
from imagegen_adapters.image_records.rows import image_to_row, row_to_image
from imagegen_adapters.image_records.similar import (
    ExactIds,
    RelevantList,
    SimilarIds,
    TextLookup,
    answer_each,
    ranked_ids,
)
from imagegen_adapters.stores.messages import DatabaseCode
from imagegen_adapters.stores.rows import make_page
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import ImageNotFound, Unavailable
from imagegen_core.images import Image, StorageState
from imagegen_core.ports.image_records import ImageFilter, SearchHit, SearchMode
from imagegen_core.search import Page, Paging, SearchQuery, Simplify

SEARCH_SECONDS = 2.0
"""The limit that the port promises: a search that takes longer is refused."""

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class PreparedImage:
    """An image with its row and index entry, prepared without access to the database."""

    image: Image
    row: dict[str, Any]
    entry: IndexEntry

    @classmethod
    def from_image(cls, image: Image, simplify: Simplify) -> "PreparedImage":
        """Return the image, ready to be inserted."""
        return cls(image=image, row=image_to_row(image), entry=IndexEntry.from_image(image, simplify))


def insert_images(
    connection: sqlite3.Connection, images: tuple[Image, ...], simplify: Simplify
) -> tuple[Image, ...]:
    """Insert images within the caller's transaction, index them, and return them with their ids.

    An image whose (attempt_id, position) already exists is returned as stored.
    """
    return insert_prepared(
        connection, [PreparedImage.from_image(image, simplify) for image in images], simplify
    )


def insert_prepared(
    connection: sqlite3.Connection, prepared: Sequence[PreparedImage], simplify: Simplify
) -> tuple[Image, ...]:
    """Like `insert_images`, for images that were prepared in another thread with the same ``simplify``."""
    ids = insert_rows(connection, [(one.row, one.entry) for one in prepared], simplify)
    return tuple(
        attrs.evolve(one.image, id=image_id) if image_id else _stored_image(connection, one.image)
        for one, image_id in zip(prepared, ids, strict=True)
    )


def insert_rows(
    connection: sqlite3.Connection, rows: Sequence[tuple[dict[str, Any], IndexEntry]], simplify: Simplify
) -> list[int]:
    """Insert rows with their index entries and return their ids; 0 for a row that already exists."""
    ids: list[int] = []
    for row, _ in rows:
        cursor = connection.execute(statements.INSERT_IMAGE, row)
        ids.append(cursor.lastrowid if cursor.rowcount == 1 and cursor.lastrowid else 0)
    entries = [(image_id, entry) for image_id, (_, entry) in zip(ids, rows, strict=True) if image_id]
    add_entries(connection, entries, simplify)
    return ids


class SqliteImageRecords:
    """The images table and its search index.

    Args:
        database: an open database.
        simplify: converts traditional to simplified Chinese, as when the prompts were folded.
    """

    def __init__(self, database: Database, *, simplify: Simplify) -> None:
        self._database = database
        self._simplify = simplify
        self._loader = ImageLoader(database)
        self._blocks = ImageBlocks()
        self._count_cache = CountCache()
        self._query_gate = QueryGate()

    async def get(self, image_id: int) -> Image:
        if not 0 < image_id <= NEWEST:
            raise ImageNotFound(image_id)
        row = await self._loader.load(image_id)
        if row is None:
            raise ImageNotFound(image_id)
        return row_to_image(row)

    async def by_task(self, task_id: str) -> tuple[Image, ...]:
        rows = await self._database.read(
            lambda c: c.execute(statements.IMAGES_OF_TASK, (task_id,)).fetchall()
        )
        return tuple(row_to_image(row) for row in rows)

    async def find(self, criteria: ImageFilter, paging: Paging) -> Page[Image]:
        if criteria == ImageFilter():
            return await self._database.read(lambda c: self._all_images(c, paging))
        return await self._search((), criteria, lambda c: self._matching(c, (), criteria, paging))

    async def search(
        self, query: SearchQuery, mode: SearchMode, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        words = query.words
        if not all(map(_storable, words)):
            return Page(items=(), total=0, has_more=False)
        if mode is SearchMode.RELEVANT:
            return await self._search(words, criteria, lambda c: self._relevant(c, query, criteria, paging))
        page = await self._search(words, criteria, lambda c: self._matching(c, words, criteria, paging))
        return page.with_items(SearchHit(image=image) for image in page.items)

    async def delete(self, image_id: int) -> Image:
        for image in await self.delete_all((image_id,)):
            return image
        raise ImageNotFound(image_id)

    async def delete_all(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        ids = [image_id for image_id in image_ids if 0 < image_id <= NEWEST]
        return await self._database.writer.write(partial(_delete, image_ids=ids)) if ids else ()

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        values = {"id": image_id, "storage": state.value}
        await self._database.writer.execute(statements.SET_IMAGE_STORAGE, values)

    async def _search(
        self, words: tuple[str, ...], criteria: ImageFilter, fn: Callable[[sqlite3.Connection], T]
    ) -> T:
        """Run ``fn``; of concurrent searches with equal words and criteria, one counts the total for all."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SEARCH_SECONDS
        async with self._query_gate.enter((words, criteria)):
            try:
                return await self._database.search(fn, deadline_seconds=deadline - loop.time())
            except Unavailable as error:
                if error.__cause__ is None:
                    raise
                raise Unavailable(DatabaseCode.SEARCH_TOO_SLOW(seconds=SEARCH_SECONDS)) from error

    def _all_images(self, connection: sqlite3.Connection, paging: Paging) -> Page[Image]:
        before, offset = NEWEST if paging.after is None else paging.after, 0
        if paging.offset:
            before, offset = self._blocks.start(connection, paging.offset)
        bounds = (before, paging.page_size + 1, offset)
        rows = connection.execute(statements.IMAGES_BEFORE, bounds).fetchall()
        count = connection.execute(statements.IMAGE_COUNT).fetchone()[0]
        page = make_page([(image.id, image) for image in map(row_to_image, rows)], paging, count=count)
        return attrs.evolve(page, total=count, total_is_exact=True)

    def _matching(
        self, connection: sqlite3.Connection, words: Sequence[str], criteria: ImageFilter, paging: Paging
    ) -> Page[Image]:
        lookup = make_lookup(connection, criteria, words)
        count = self._count_cache.count(connection, lookup)
        before = NEWEST if paging.after is None else paging.after
        ids: list[int] = []
        if count:
            ids = lookup.ids(connection, limit=paging.page_size + 1, offset=paging.offset, before=before)
        rows = rows_by_id(connection, ids)
        return make_page([(image_id, row_to_image(rows[image_id])) for image_id in ids], paging, count=count)

    def _relevant(
        self, connection: sqlite3.Connection, query: SearchQuery, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        lookup = make_lookup(connection, criteria, query.words)
        exact_count = self._count_cache.count(connection, lookup)

        def ids(question: ExactIds | SimilarIds) -> list[int]:
            if isinstance(question, SimilarIds):
                similar = TextLookup.of_similar(
                    query,
                    newest=question.newest,
                    oldest=oldest_of_newest(connection, question.newest),
                    exact_count=exact_count,
                )
                return ranked_ids(query, texts(connection, criteria, query.words, similar))
            if not exact_count:
                return []
            before = NEWEST if question.before is None else question.before
            return lookup.ids(connection, limit=question.limit, offset=question.offset, before=before)

        newest = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
        page = answer_each(RelevantList(exact_count=exact_count, newest=newest).page(paging), ids)
        rows = rows_by_id(connection, [image_id for image_id, _ in page.items])
        hits = (SearchHit(image=row_to_image(rows[image_id]), match=match) for image_id, match in page.items)
        return page.with_items(hits)


def _delete(connection: sqlite3.Connection, *, image_ids: Sequence[int]) -> tuple[Image, ...]:
    """Delete images in the order of their ids, as the search index prefers it; their marks go with them."""
    rows = rows_by_id(connection, image_ids)
    images = tuple(row_to_image(rows[image_id]) for image_id in sorted(rows))
    for image in images:
        connection.execute(statements.DELETE_IMAGE, (image.id,))
        remove_entry(connection, image)
        for key in filter(None, (image.blob_key, image.thumbnail_key)):
            connection.execute(DELETE_UPLOAD, (key,))
            connection.execute(PUT_REMOVAL, {"blob_key": key, "image_id": image.id})
    return images


def _stored_image(connection: sqlite3.Connection, image: Image) -> Image:
    place = (image.attempt_id, image.position)
    return row_to_image(connection.execute(statements.GET_IMAGE_OF_ATTEMPT, place).fetchone())


def _storable(word: str) -> bool:
    """Return whether a stored prompt can contain the word; lone surrogates are never stored."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
