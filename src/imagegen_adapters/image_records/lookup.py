"""Lookups in the search index, which return image ids, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.index import DAY_MS, active_generation
from imagegen_adapters.image_records.index_entry import (
    FAVOURITE,
    facet,
    facets,
    is_about_marks,
    mark_facets,
    search_terms,
)
from imagegen_adapters.image_records.rows import milliseconds
from imagegen_adapters.image_records.similar import TextLookup
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.values import QUARTER_SECONDS

NEWEST = 2**63 - 1

_NOWHERE = (1, 0)
"""Bounds of ids that no image has."""

_ANY_IMAGE = " OR ".join(facet("operation", operation.value) for operation in Operation)


@attrs.frozen(kw_only=True)
class Lookup:
    """Selects the images with all ``terms`` in the index, no ``others``, and all ``words`` in their prompts.

    ``oldest`` and ``newest`` bound the ids to the requested days, ``from_ms`` (inclusive) and ``to_ms``
    (exclusive) are exact. Created by `make_lookup`. SQLite needs no sorting, so it stops as soon as a page is
    full.
    """

    generation: int
    terms: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    is_about_marks: bool = False
    from_ms: int | None = None
    to_ms: int | None = None
    oldest: int = 0
    newest: int = NEWEST

    def ids(
        self, connection: sqlite3.Connection, *, limit: int, offset: int = 0, before: int = NEWEST
    ) -> list[int]:
        """Return ids below ``before``, newest first."""
        source, number, values = self._source(self.oldest, min(self.newest, before - 1))
        # Only constant names and placeholders are interpolated.
        selecting = f"SELECT {number} {source} ORDER BY {number} DESC LIMIT ? OFFSET ?"
        return [row[0] for row in connection.execute(selecting, (*values, limit, offset)).fetchall()]

    def ids_above(self, connection: sqlite3.Connection, above: int, *, limit: int) -> list[int]:
        """Return ids greater than ``above``, oldest first."""
        source, number, values = self._source(max(self.oldest, above + 1), self.newest)
        selecting = f"SELECT {number} {source} ORDER BY {number} LIMIT ?"  # as in `ids`
        return [row[0] for row in connection.execute(selecting, (*values, limit)).fetchall()]

    def by_quarter(self, connection: sqlite3.Connection) -> list[tuple[int, int]]:
        """Return how many images each quarter of an hour has; there have to be times that bound them."""
        source, _, values = self._source(self.oldest, self.newest)
        counting = f"SELECT created_ms / {QUARTER_SECONDS}000, count(*) {source} GROUP BY 1"
        return [(quarter, count) for quarter, count in connection.execute(counting, values).fetchall()]

    def count(self, connection: sqlite3.Connection, *, limit: int, above: int = 0) -> int:
        """Return the number of images with ids greater than ``above``, counting up to ``limit``."""
        source, _, values = self._source(max(self.oldest, above + 1), self.newest)
        counting = f"SELECT count(*) FROM (SELECT 1 {source} LIMIT ?)"  # noqa: S608 - as in `ids`
        count: int = connection.execute(counting, (*values, limit)).fetchone()[0]
        return count

    def texts(
        self, connection: sqlite3.Connection, words: tuple[str, ...], bounds: TextLookup, *, oldest: int
    ) -> dict[int, str]:
        """Return the folded prompts from ``oldest`` on, within the bounds, that lack one of the words."""
        source, number, values = self._source(max(self.oldest, oldest), min(self.newest, bounds.newest))
        newest = f"SELECT {number} AS id {source} ORDER BY {number} DESC LIMIT ?"
        selecting = (
            f"SELECT id, folded FROM ({newest}) CROSS JOIN image_texts_{self.generation:d} USING (id) "  # noqa: S608 - as in `ids`
            f"WHERE NOT {_contains_all(len(words))} ORDER BY id DESC LIMIT ?"
        )
        limits = (*values, bounds.max_examined, *words, bounds.limit)
        return {row["id"]: row["folded"] for row in connection.execute(selecting, limits).fetchall()}

    def _source(self, low: int, high: int) -> tuple[str, str, list[Any]]:
        texts, index = f"image_texts_{self.generation:d}", f"image_index_{self.generation:d}"
        checks, check_values = self._checks()
        if not (self.terms or self.others):
            return f"FROM {texts} WHERE id BETWEEN ? AND ? {checks}", "id", [low, high, *check_values]
        # CROSS JOIN keeps SQLite from using the prompts as the outer loop.
        join = f"CROSS JOIN {texts} ON {texts}.id = {index}.rowid" if checks else ""
        match = " AND ".join(f'"{term}"' for term in self.terms)
        if self.others:
            match = f"({match or _ANY_IMAGE}) NOT ({' OR '.join(self.others)})"
        bounds = f"{index} MATCH ? AND {index}.rowid BETWEEN ? AND ?"
        source = f"FROM {index} {join} WHERE {bounds} {checks}"
        return source, f"{index}.rowid", [match, low, high, *check_values]

    def _checks(self) -> tuple[str, list[Any]]:
        values = [value for value in (self.from_ms, self.to_ms) if value is not None]
        checks = "" if self.from_ms is None else " AND created_ms >= ?"
        checks += "" if self.to_ms is None else " AND created_ms < ?"
        checks += f" AND {_contains_all(len(self.words))}" if self.words else ""
        return checks, [*values, *self.words]


def make_lookup(connection: sqlite3.Connection, criteria: ImageFilter, words: Sequence[str] = ()) -> Lookup:
    """Return the lookup of images that meet the criteria and contain all folded words.

    Raises:
        Unavailable: there is no search index.
    """
    tokens, unproven = search_terms(words)
    return lookup_of_terms(connection, criteria, tokens, words=unproven)


def lookup_of_terms(
    connection: sqlite3.Connection,
    criteria: ImageFilter,
    tokens: tuple[str, ...],
    *,
    words: tuple[str, ...] = (),
) -> Lookup:
    """Return the lookup of images that meet the criteria, have all tokens and contain all folded words."""
    from_ms, to_ms = _rounded_up(criteria.created_from), _rounded_up(criteria.created_to)
    oldest, newest = _bounds(connection, from_ms, to_ms)
    if criteria.collection is not None and not _has_collection(connection, criteria.collection):
        oldest, newest = _NOWHERE
    return Lookup(
        generation=active_generation(connection),
        terms=tuple(dict.fromkeys((*tokens, *facets(criteria), *mark_facets(criteria)))),
        others=(FAVOURITE,) if criteria.favourite is False else (),
        words=words,
        is_about_marks=is_about_marks(criteria),
        from_ms=from_ms,
        to_ms=to_ms,
        oldest=oldest,
        newest=newest,
    )


def texts(
    connection: sqlite3.Connection, criteria: ImageFilter, words: tuple[str, ...], question: TextLookup
) -> dict[int, str]:
    """Return the folded prompts that are asked for, of images that meet the criteria."""
    texts_by_id: dict[int, str] = {}
    for token_set in question.token_sets:
        lookup = lookup_of_terms(connection, criteria, token_set.tokens)
        texts_by_id |= lookup.texts(connection, words, question, oldest=token_set.oldest)
        if len(texts_by_id) >= question.sufficient:
            break
    return texts_by_id


def _rounded_up(moment: datetime | None) -> int | None:
    """Return the time in milliseconds, rounded up."""
    if moment is None:
        return None
    return milliseconds(moment) + (1 if moment.microsecond % 1000 else 0)


def _bounds(connection: sqlite3.Connection, from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
    """Return the lowest and the highest id of the requested days."""
    if from_ms is None and to_ms is None:
        return 0, NEWEST
    first = -(2**62) if from_ms is None else from_ms // DAY_MS
    last = 2**62 if to_ms is None else (to_ms - 1) // DAY_MS
    low, high = connection.execute(statements.IDS_OF_DAYS, (first, last)).fetchone()
    return _NOWHERE if low is None else (low, high)


def _has_collection(connection: sqlite3.Connection, collection: int) -> bool:
    """Return whether there is such a collection; what is left of removed ones in the index counts no more."""
    in_range = 0 < collection <= NEWEST
    return in_range and connection.execute(statements.HAS_COLLECTION, (collection,)).fetchone() is not None


def _contains_all(count: int) -> str:
    """Return a condition that ``count`` words occur, as a balanced tree: SQLite limits the depth."""
    if count == 1:
        return "instr(folded, ?)"
    half = count // 2
    return f"({_contains_all(half)} AND {_contains_all(count - half)})"
