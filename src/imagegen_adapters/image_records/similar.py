"""Relevant mode: exact matches followed by similar ones, best first."""

from collections.abc import Callable

import attrs

from imagegen_adapters.databases.listing import MAX_EXACT_TOTAL
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.image_records.lookup import lookup_of_terms
from imagegen_core.ports.image_records import ImageFilter, Match
from imagegen_core.search.pages import Page, Paging
from imagegen_core.search.query import SearchQuery
from imagegen_core.search.similarity import MAX_SIMILAR_IMAGES, SimilarityMatcher

MAX_RECENT_IMAGES = 200_000
"""Images with only some parts of the query are searched for among this many of the newest ones."""

_CANDIDATES_PER_LOOKUP = 100
_SUFFICIENT_CANDIDATES = 300
_MAX_EXAMINED = 1000
"""Limits of the work for one search.

For each set of parts, up to `_MAX_EXAMINED` of the newest images that contain it are examined, exact matches
included, and `_CANDIDATES_PER_LOOKUP` of them are ranked.
"""

_SIMILAR_FLAG = 1 << 62
_OFFSET_BITS = 12


@attrs.frozen(kw_only=True)
class SimilarPosition:
    """A position among the similar images up to the id ``newest``, of which ``offset`` have been shown.

    Images added while a client pages are left out, so that nothing is shown twice.
    """

    newest: int
    offset: int = 0

    @property
    def position(self) -> int:
        """The position as an integer for a cursor, greater than every image id."""
        return _SIMILAR_FLAG | (self.newest << _OFFSET_BITS) | self.offset

    @classmethod
    def from_cursor(cls, position: int | None) -> "SimilarPosition | None":
        """Return the position in a cursor, or None if the cursor holds an image id."""
        if position is None or position < _SIMILAR_FLAG:
            return None
        return cls(
            newest=(position & ~_SIMILAR_FLAG) >> _OFFSET_BITS, offset=position & ((1 << _OFFSET_BITS) - 1)
        )


def similar_ids(
    connection: sqlite3.Connection,
    query: SearchQuery,
    criteria: ImageFilter,
    *,
    newest: int,
    exact_count: int,
) -> list[int]:
    """Return the ids of the most similar images up to ``newest``, best first, at most `MAX_SIMILAR_IMAGES`.

    ``exact_count`` is the number of exact matches, which may have to be skipped.
    """
    matcher = SimilarityMatcher.from_query(query)
    texts: dict[int, str] = {}
    oldest = max(0, newest - MAX_RECENT_IMAGES)
    max_examined = min(_CANDIDATES_PER_LOOKUP + exact_count, _MAX_EXAMINED)
    for tokens, above in (
        *((t, 0) for t in matcher.near_token_sets()),
        *((t, oldest) for t in matcher.far_token_sets()),
    ):
        lookup = lookup_of_terms(connection, criteria, tokens)
        bounded = attrs.evolve(lookup, oldest=max(lookup.oldest, above))
        texts |= bounded.texts(
            connection,
            without=query.words,
            limit=_CANDIDATES_PER_LOOKUP,
            max_examined=max_examined,
            before=newest + 1,
        )
        if len(texts) >= _SUFFICIENT_CANDIDATES:
            break
    ranked = ((matcher.rank(folded), -image_id) for image_id, folded in texts.items())
    best = sorted((rank, negative) for rank, negative in ranked if rank is not None)
    return [-negative for _, negative in best[:MAX_SIMILAR_IMAGES]]


@attrs.frozen(kw_only=True)
class RelevantList:
    """The exact matches, newest first, followed by the similar images, as one list.

    Args:
        exact_count: the number of exact matches, at most `MAX_EXACT_TOTAL` + 1.
        exact_ids: called with ``limit``, ``offset`` and ``before``; returns exact matches, below the id
            ``before`` if that is not None.
        similar_ids: called with ``newest``; returns all similar images up to that id.
        newest: the id of the newest image.
    """

    exact_count: int
    exact_ids: Callable[[int, int, int | None], list[int]]
    similar_ids: Callable[[int], list[int]]
    newest: int

    def page(self, paging: Paging) -> Page[tuple[int, Match]]:
        """Return a page of ids."""
        position = SimilarPosition.from_cursor(paging.after)
        if position is not None:
            return self._page([], position, paging)
        exact = self.exact_ids(paging.page_size + 1, paging.offset, paging.after)
        if len(exact) > paging.page_size and self.exact_count > MAX_EXACT_TOTAL:
            return self._make_page(
                exact[:-1], [], SimilarPosition(newest=self.newest), has_more=True, similar_count=0
            )
        offset = 0
        if not exact and paging.after is None:
            offset = max(0, paging.offset - self._exact_total(paging.offset))
        return self._page(exact, SimilarPosition(newest=self.newest, offset=offset), paging)

    def _page(self, exact: list[int], position: SimilarPosition, paging: Paging) -> Page[tuple[int, Match]]:
        all_similar = self.similar_ids(position.newest)
        shown = exact[: paging.page_size]
        similar = all_similar[position.offset : position.offset + paging.page_size - len(shown)]
        next_offset = position.offset + len(similar)
        return self._make_page(
            shown,
            similar,
            attrs.evolve(position, offset=next_offset),
            has_more=len(exact) > len(shown) or len(all_similar) > next_offset,
            similar_count=len(all_similar),
        )

    def _make_page(
        self,
        exact: list[int],
        similar: list[int],
        end: SimilarPosition,
        *,
        has_more: bool,
        similar_count: int,
    ) -> Page[tuple[int, Match]]:
        total = self.exact_count + similar_count
        last = end.position if similar else (exact[-1] if exact else None)
        return Page(
            items=(*((i, Match.EXACT) for i in exact), *((i, Match.SIMILAR) for i in similar)),
            total=min(total, MAX_EXACT_TOTAL),
            total_is_exact=total <= MAX_EXACT_TOTAL,
            has_more=has_more,
            last=last,
        )

    def _exact_total(self, offset: int) -> int:
        """Return the uncapped number of exact matches, which is at most ``offset``."""
        if self.exact_count <= MAX_EXACT_TOTAL:
            return self.exact_count
        low, high = MAX_EXACT_TOTAL, offset  # binary search: each probe costs no more than its offset
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.exact_ids(1, middle, None) else (low, middle)
        return low
