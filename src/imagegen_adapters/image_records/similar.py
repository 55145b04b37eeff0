"""Relevant mode: after the exact matches the close ones, best first."""

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
"""What has only some of a query's parts is looked for among so many of the newest images."""

_CANDIDATES_PER_LOOKUP = 100
_SUFFICIENT_CANDIDATES = 300
_MAX_EXAMINED = 1000
"""Of the newest that have the same parts so many are looked at, exact ones too, and so many ranked."""

_SIMILAR_FLAG = 1 << 62
_OFFSET_BITS = 12


@attrs.frozen(kw_only=True)
class ClosePlace:
    """A place among the close ones: ``offset`` of them were shown, of the images up to ``newest``.

    Images that come while somebody pages are left out, so that nothing is shown twice.
    """

    newest: int
    offset: int = 0

    @property
    def position(self) -> int:
        """The place as a position for a cursor; above every id."""
        return _SIMILAR_FLAG | (self.newest << _OFFSET_BITS) | self.offset

    @classmethod
    def of(cls, position: int | None) -> "ClosePlace | None":
        """Return the place that a cursor's position names, None for an id."""
        if position is None or position < _SIMILAR_FLAG:
            return None
        return cls(
            newest=(position & ~_SIMILAR_FLAG) >> _OFFSET_BITS, offset=position & ((1 << _OFFSET_BITS) - 1)
        )


def similar_ids(
    connection: sqlite3.Connection, query: SearchQuery, criteria: ImageFilter, *, newest: int, found: int
) -> list[int]:
    """Return the ids of the closest images up to ``newest``, closest first, at most `MAX_SIMILAR_IMAGES`.

    ``found`` is how many exact ones there are: as many may have to be passed over.
    """
    matcher = SimilarityMatcher.from_query(query)
    texts: dict[int, str] = {}
    oldest = max(0, newest - MAX_RECENT_IMAGES)
    max_examined = min(_CANDIDATES_PER_LOOKUP + found, _MAX_EXAMINED)
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
    """The exact ones, newest first, and then the close ones, as one list.

    Args:
        found: how many exact ones there are, at most one more than are counted.
        exact: returns up to ``limit`` exact ids after ``offset`` or below ``before``.
        close: returns all close ids of the images up to ``newest``.
        newest: the newest image there is.
    """

    found: int
    exact: Callable[[int, int, int | None], list[int]]
    close: Callable[[int], list[int]]
    newest: int

    def page(self, paging: Paging) -> Page[tuple[int, Match]]:
        """Return a page of ids."""
        place = ClosePlace.of(paging.after)
        if place is not None:
            return self._page([], place, paging)
        exact = self.exact(paging.page_size + 1, paging.offset, paging.after)
        if len(exact) > paging.page_size and self.found > MAX_EXACT_TOTAL:
            return self._made(exact[:-1], [], ClosePlace(newest=self.newest), more=True, close_total=0)
        offset = 0
        if not exact and paging.after is None:
            offset = max(0, paging.offset - self._exact_total(paging.offset))
        return self._page(exact, ClosePlace(newest=self.newest, offset=offset), paging)

    def _page(self, exact: list[int], place: ClosePlace, paging: Paging) -> Page[tuple[int, Match]]:
        close = self.close(place.newest)
        shown = exact[: paging.page_size]
        added = close[place.offset : place.offset + paging.page_size - len(shown)]
        more = len(exact) > len(shown) or len(close) > place.offset + len(added)
        end = attrs.evolve(place, offset=place.offset + len(added))
        return self._made(shown, added, end, more=more, close_total=len(close))

    def _made(
        self, shown: list[int], added: list[int], end: ClosePlace, *, more: bool, close_total: int
    ) -> Page[tuple[int, Match]]:
        total = self.found + close_total
        last = end.position if added else (shown[-1] if shown else None)
        return Page(
            items=(*((i, Match.EXACT) for i in shown), *((i, Match.SIMILAR) for i in added)),
            total=min(total, MAX_EXACT_TOTAL),
            total_is_exact=total <= MAX_EXACT_TOTAL,
            has_more=more,
            last=last,
        )

    def _exact_total(self, offset: int) -> int:
        """Return how many exact ones there are, not cut, knowing that there are no more than ``offset``."""
        if self.found <= MAX_EXACT_TOTAL:
            return self.found
        low, high = (
            MAX_EXACT_TOTAL,
            offset,
        )  # found by halving: an offset costs no more than what it passes over
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.exact(1, middle, None) else (low, middle)
        return low
