"""Where images are in time, in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from imagegen_adapters.image_records.postgresql import statements
from imagegen_adapters.image_records.postgresql.bucket_counts import BucketCounts
from imagegen_adapters.image_records.postgresql.records import SEARCH_SECONDS
from imagegen_adapters.image_records.postgresql.windows import NEWEST, Windows, oldest_of_newest
from imagegen_adapters.image_records.similar import TextLookup, await_each, ranked_ids
from imagegen_adapters.image_timelines.intervals import (
    MIN_BOUNDS,
    all_but_favourites,
    counted_bounds,
    difference,
)
from imagegen_adapters.image_timelines.neighbours import Newer, Older, Question, Similar, neighbours
from imagegen_adapters.image_timelines.postgresql.quarter_counts import QuarterCounts
from imagegen_adapters.stores.messages import DatabaseCode
from imagegen_adapters.stores.postgresql.database import Connection, Database
from imagegen_core.errors import Unavailable
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.ports.image_timeline import ImageList, Neighbours
from imagegen_core.search import SearchQuery

_SPAN = """
SELECT (SELECT min(quarter) FROM image_quarters) AS first, (SELECT max(quarter) FROM image_quarters) AS last
"""

_INTERVALS = """
SELECT coalesce((
    SELECT sum(images) FROM image_quarters
    WHERE quarter >= first AND quarter < until
        AND ($3::text IS NULL OR provider_name = $3) AND ($4::text IS NULL OR model_id = $4)
        AND ($5::text IS NULL OR operation = $5)
), 0)::bigint AS images
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS interval (first, until, number) ORDER BY number
"""
"""An index scan for each interval: joined, each would be compared with all of the table."""

_NEWER = "SELECT id FROM images WHERE id > $1 ORDER BY id LIMIT 1"

_OLDER = "SELECT id FROM images WHERE id < $1 ORDER BY id DESC LIMIT 1"


class PostgresqlImageTimeline:
    """Counts from a table that triggers keep, and what the search index finds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = BucketCounts()
        self._quarters = QuarterCounts()

    async def span(self) -> tuple[int, int] | None:
        row = await self._database.row(_SPAN)
        return None if row is None or row["first"] is None else (row["first"], row["last"])

    async def by_interval(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        if len(bounds) < MIN_BOUNDS or images.is_impossible:
            return (0,) * (len(bounds) - 1)
        if (lists := all_but_favourites(bounds, images)) is not None:
            return difference(*[await self.by_interval(bounds, one) for one in lists])
        counted = counted_bounds(bounds, images)
        async with self._search() as connection:
            if counted is not None:
                return await _counted(connection, counted, images.criteria)
            windows = await Windows.of_words(connection, images.criteria, images.words)
            return await self._quarters.by_interval(connection, windows, bounds)

    async def neighbours(self, image_id: int, images: ImageList) -> Neighbours:
        if not 0 < image_id <= NEWEST or images.is_impossible:
            return Neighbours()
        async with self._search() as connection:
            if images == ImageList():
                return await _beside_any(connection, image_id)
            return await self._neighbours(connection, image_id, images)

    async def _neighbours(self, connection: Connection, image_id: int, images: ImageList) -> Neighbours:
        windows = await Windows.of_words(connection, images.criteria, images.words)

        async def answer(question: Question) -> list[int]:
            match question:
                case Newer(above=above):
                    return await windows.oldest_ids(connection, above=above)
                case Older(below=below):
                    return await windows.ids(connection, limit=1, offset=0, before=below)
                case Similar(query=query):
                    return await self._similar(connection, windows, query, images.criteria)

        return await await_each(neighbours(image_id, images.similar_to), answer)

    async def _similar(
        self, connection: Connection, windows: Windows, query: SearchQuery, criteria: ImageFilter
    ) -> list[int]:
        """Return the ids of the similar images, best first, as the search has them."""
        newest = await connection.fetchval(statements.NEWEST_IMAGE)
        exact_count = await self._counts.count(connection, windows)
        oldest = await oldest_of_newest(connection, newest)
        similar = TextLookup.of_similar(query, newest=newest, oldest=oldest, exact_count=exact_count)
        return ranked_ids(query, await windows.texts(connection, criteria, similar))

    @asynccontextmanager
    async def _search(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(SEARCH_SECONDS) as deadline, self._database.snapshot() as connection:
                yield connection
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise Unavailable(DatabaseCode.SEARCH_TOO_SLOW(seconds=SEARCH_SECONDS)) from error


async def _counted(connection: Connection, bounds: Sequence[int], criteria: ImageFilter) -> tuple[int, ...]:
    values = criteria.provider_name, criteria.model_id, criteria.operation
    rows = await connection.fetch(_INTERVALS, bounds[:-1], bounds[1:], *values)
    return tuple(row["images"] for row in rows)


async def _beside_any(connection: Connection, image_id: int) -> Neighbours:
    """Return the neighbours of an image in the list of all."""

    async def answer(question: Question) -> list[int]:
        match question:
            case Newer(above=above):
                rows = await connection.fetch(_NEWER, above)
            case Older(below=below):
                rows = await connection.fetch(_OLDER, below)
            case Similar():
                return []
        return [row["id"] for row in rows]

    return await await_each(neighbours(image_id), answer)
