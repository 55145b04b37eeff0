"""Where images are in time, in SQLite."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeVar

from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.count_cache import CountCache
from imagegen_adapters.image_records.image_blocks import oldest_of_newest
from imagegen_adapters.image_records.lookup import NEWEST, Lookup, make_lookup, texts
from imagegen_adapters.image_records.similar import TextLookup, answer_each, ranked_ids
from imagegen_adapters.image_records.sqlite import SEARCH_SECONDS
from imagegen_adapters.image_timelines.intervals import (
    MIN_BOUNDS,
    all_but_favourites,
    counted_bounds,
    difference,
    sums,
    within,
)
from imagegen_adapters.image_timelines.neighbours import Newer, Older, Question, Similar, neighbours
from imagegen_adapters.stores.messages import DatabaseCode
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import Unavailable
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.ports.image_timeline import ImageList, Neighbours
from imagegen_core.search import SearchQuery

_SPAN = """
SELECT (SELECT min(quarter) FROM image_quarters) AS first, (SELECT max(quarter) FROM image_quarters) AS last
"""

_INTERVALS = """
SELECT interval.key, sum(images) FROM json_each(:intervals) AS interval CROSS JOIN image_quarters
WHERE quarter >= json_extract(interval.value, '$[0]') AND quarter < json_extract(interval.value, '$[1]')
    AND provider_name = coalesce(:provider_name, provider_name)
    AND model_id = coalesce(:model_id, model_id) AND operation = coalesce(:operation, operation)
GROUP BY interval.key
"""

_NEWER = "SELECT id FROM images WHERE id > ? ORDER BY id LIMIT 1"

_OLDER = "SELECT id FROM images WHERE id < ? ORDER BY id DESC LIMIT 1"

T = TypeVar("T")


class SqliteImageTimeline:
    """Counts from a table that triggers keep, and what the search index finds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = CountCache()

    async def span(self) -> tuple[int, int] | None:
        first, last = await self._database.read(lambda c: c.execute(_SPAN).fetchone())
        return None if first is None else (first, last)

    async def by_interval(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        if len(bounds) < MIN_BOUNDS or images.is_impossible:
            return (0,) * (len(bounds) - 1)
        if (lists := all_but_favourites(bounds, images)) is not None:
            return difference(*[await self.by_interval(bounds, one) for one in lists])
        counted = counted_bounds(bounds, images)
        if counted is not None:
            return await self._search(lambda c: _counted(c, counted, images.criteria))
        criteria = within(bounds, images.criteria)
        counts = await self._search(lambda c: make_lookup(c, criteria, images.words).by_quarter(c))
        return sums(counts, bounds)

    async def neighbours(self, image_id: int, images: ImageList) -> Neighbours:
        if not 0 < image_id <= NEWEST or images.is_impossible:
            return Neighbours()
        if images == ImageList():
            steps = neighbours(image_id)
            return await self._database.read(lambda c: answer_each(steps, partial(_of_all, c)))
        return await self._search(lambda c: self._neighbours(c, image_id, images))

    def _neighbours(self, connection: sqlite3.Connection, image_id: int, images: ImageList) -> Neighbours:
        lookup = make_lookup(connection, images.criteria, images.words)

        def answer(question: Question) -> list[int]:
            match question:
                case Newer(above=above):
                    return lookup.ids_above(connection, above, limit=1)
                case Older(below=below):
                    return lookup.ids(connection, limit=1, before=below)
                case Similar(query=query):
                    return self._similar(connection, lookup, query, images.criteria)

        return answer_each(neighbours(image_id, similar_to=images.similar_to), answer)

    def _similar(
        self, connection: sqlite3.Connection, lookup: Lookup, query: SearchQuery, criteria: ImageFilter
    ) -> list[int]:
        """Return the ids of the similar images, best first, as the search has them."""
        newest = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
        exact_count = self._counts.count(connection, lookup)
        similar = TextLookup.of_similar(
            query, newest=newest, oldest=oldest_of_newest(connection, newest), exact_count=exact_count
        )
        return ranked_ids(query, texts(connection, criteria, query.words, similar))

    async def _search(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._database.search(fn, deadline_seconds=SEARCH_SECONDS)
        except Unavailable as error:
            if error.__cause__ is None:
                raise
            raise Unavailable(DatabaseCode.SEARCH_TOO_SLOW(seconds=SEARCH_SECONDS)) from error


def _counted(connection: sqlite3.Connection, bounds: Sequence[int], criteria: ImageFilter) -> tuple[int, ...]:
    values = {
        "intervals": json.dumps(list(pairwise(bounds))),
        "provider_name": criteria.provider_name,
        "model_id": criteria.model_id,
        "operation": criteria.operation,
    }
    counts = dict(connection.execute(_INTERVALS, values).fetchall())
    return tuple(counts.get(number, 0) for number in range(len(bounds) - 1))


def _of_all(connection: sqlite3.Connection, question: Question) -> list[int]:
    """Return the answer to a question about the list of all images."""
    match question:
        case Newer(above=above):
            statement, bound = _NEWER, above
        case Older(below=below):
            statement, bound = _OLDER, below
        case Similar():
            return []
    return [row[0] for row in connection.execute(statement, (bound,)).fetchall()]
