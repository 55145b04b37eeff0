"""Image records in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs

from imagegen_adapters.image_records.postgresql import statements
from imagegen_adapters.image_records.postgresql.bucket_counts import BucketCounts
from imagegen_adapters.image_records.postgresql.windows import NEWEST, Windows, oldest_of_newest
from imagegen_adapters.image_records.query_gate import QueryGate
from imagegen_adapters.image_records.rows import row_to_image
from imagegen_adapters.image_records.similar import (
    ExactIds,
    RelevantList,
    SimilarIds,
    TextLookup,
    await_each,
    ranked_ids,
)
from imagegen_adapters.stores.messages import DatabaseCode
from imagegen_adapters.stores.postgresql.database import Connection, Database
from imagegen_adapters.stores.rows import make_page
from imagegen_adapters.stores.sql import Steps
from imagegen_core.errors import ImageNotFound, Unavailable
from imagegen_core.images import Image, StorageState
from imagegen_core.marks import Marks
from imagegen_core.ports.image_records import ImageFilter, SearchHit, SearchMode
from imagegen_core.search import Page, Paging, SearchQuery, Simplify
from imagegen_core.text import text_problem

SEARCH_SECONDS = 2.0
"""The limit that the port promises: a search that takes longer is refused."""

NOTHING: Page[Any] = Page(items=(), total=0, has_more=False)


class PostgresqlImageRecords:
    """The images table and its search index.

    Args:
        database: an open database.
        simplify: converts traditional to simplified Chinese, as when the prompts were folded.
    """

    def __init__(self, database: Database, *, simplify: Simplify) -> None:
        self._database = database
        self._simplify = simplify
        self._counts = BucketCounts()
        self._query_gate = QueryGate()

    async def get(self, image_id: int) -> Image:
        row = await self._database.row(statements.GET_IMAGE, _checked(image_id))
        if row is None:
            raise ImageNotFound(image_id)
        return row_to_image(row)

    async def by_task(self, task_id: str) -> tuple[Image, ...]:
        if text_problem(task_id) is not None:
            return ()
        return tuple(map(row_to_image, await self._database.rows(statements.IMAGES_OF_TASK, task_id)))

    async def find(self, criteria: ImageFilter, paging: Paging) -> Page[Image]:
        if criteria == ImageFilter():
            async with self._database.snapshot() as connection:
                return await _all_images(connection, paging)
        if _is_nowhere((), criteria):
            return NOTHING
        async with self._search((), criteria) as connection:
            return await self._matching(connection, (), criteria, paging)

    async def search(
        self, query: SearchQuery, mode: SearchMode, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        words = query.words
        if _is_nowhere(words, criteria):
            return NOTHING
        async with self._search(words, criteria) as connection:
            if mode is SearchMode.RELEVANT:
                return await self._relevant(connection, query, criteria, paging)
            page = await self._matching(connection, words, criteria, paging)
        return page.with_items(SearchHit(image=image) for image in page.items)

    async def delete(self, image_id: int) -> Image:
        for image in await self.delete_all((image_id,)):
            return image
        raise ImageNotFound(image_id)

    async def delete_all(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        ids = sorted(image_id for image_id in image_ids if 0 < image_id <= NEWEST)
        async with self._database.transaction() as connection:
            await connection.execute(statements.LOCK_MARKS)
            images = await _images(connection, ids)
            await connection.execute(statements.DELETE_MARKS, ids)
            deleted = await connection.fetch(statements.DELETE_IMAGES, ids)
        return tuple(images[row["id"]] for row in deleted if row["id"] in images)

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        await self._database.rows(statements.SET_IMAGE_STORAGE, image_id, state.value)

    @asynccontextmanager
    async def _search(self, words: tuple[str, ...], criteria: ImageFilter) -> AsyncIterator[Connection]:
        """Lend a snapshot; of concurrent searches with equal words and criteria, one counts for all."""
        try:
            async with (
                asyncio.timeout(SEARCH_SECONDS) as deadline,
                self._query_gate.enter((words, criteria)),
                self._database.snapshot() as connection,
            ):
                yield connection
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise Unavailable(DatabaseCode.SEARCH_TOO_SLOW(seconds=SEARCH_SECONDS)) from error

    async def _matching(
        self, connection: Connection, words: Sequence[str], criteria: ImageFilter, paging: Paging
    ) -> Page[Image]:
        windows = await Windows.of_words(connection, criteria, words)
        count = await self._counts.count(connection, windows)
        before = NEWEST if paging.after is None else paging.after
        ids: list[int] = []
        if count:
            ids = await windows.ids(
                connection, limit=paging.page_size + 1, offset=paging.offset, before=before
            )
        images = await _images(connection, ids)
        return make_page([(image_id, images[image_id]) for image_id in ids], paging, count=count)

    async def _relevant(
        self, connection: Connection, query: SearchQuery, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        windows = await Windows.of_words(connection, criteria, query.words)
        exact_count = await self._counts.count(connection, windows)

        async def ids(question: ExactIds | SimilarIds) -> list[int]:
            if isinstance(question, SimilarIds):
                similar = TextLookup.of_similar(
                    query,
                    newest=question.newest,
                    oldest=await oldest_of_newest(connection, question.newest),
                    exact_count=exact_count,
                )
                return ranked_ids(query, await windows.texts(connection, criteria, similar))
            if not exact_count:
                return []
            before = NEWEST if question.before is None else question.before
            return await windows.ids(connection, limit=question.limit, offset=question.offset, before=before)

        newest = await connection.fetchval(statements.NEWEST_IMAGE)
        page = await await_each(RelevantList(exact_count=exact_count, newest=newest).page(paging), ids)
        images = await _images(connection, [image_id for image_id, _ in page.items])
        return page.with_items(
            SearchHit(image=images[image_id], match=match) for image_id, match in page.items
        )


class PostgresqlMarkIndex:
    """Marks are bits of the index, which triggers keep; one transaction at a time changes them."""

    def lock_marks(self) -> Steps[None]:
        yield statements.LOCK_MARKS, {}

    def exchange_marks(self, before: Mapping[int, Marks], after: Mapping[int, Marks]) -> Steps[None]:
        """Nothing is left to be done."""
        yield from ()


def _is_nowhere(words: Sequence[str], criteria: ImageFilter) -> bool:
    """Return whether there is text to look for that no column can hold."""
    names = (n for n in (criteria.provider_name, criteria.model_id, criteria.tag) if n is not None)
    return any(text_problem(text) is not None for text in (*words, *names))


def _checked(image_id: int) -> int:
    """Return an id that fits the column."""
    if not 0 < image_id <= NEWEST:
        raise ImageNotFound(image_id)
    return image_id


async def _all_images(connection: Connection, paging: Paging) -> Page[Image]:
    before, offset = await _start(connection, paging)
    rows = await connection.fetch(statements.IMAGES_BEFORE, before, paging.page_size + 1, offset)
    count = await connection.fetchval(statements.IMAGE_COUNT)
    page = make_page([(row["id"], row_to_image(row)) for row in rows], paging, count=count)
    return attrs.evolve(page, total=count, total_is_exact=True)


async def _start(connection: Connection, paging: Paging) -> tuple[int, int]:
    """Return the id before which a page of all images begins, and how many images to skip from there."""
    if paging.after is not None:
        return paging.after, 0
    if not paging.offset:
        return NEWEST, 0
    row = await connection.fetchrow(statements.BUCKET_AT, paging.offset)
    return (0, 0) if row is None else (row["before"], paging.offset - row["skipped"])


async def _images(connection: Connection, ids: Sequence[int]) -> dict[int, Image]:
    rows = await connection.fetch(statements.GET_IMAGES, ids)
    return {row["id"]: row_to_image(row) for row in rows}
