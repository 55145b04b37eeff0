"""Relevant mode: exact matches followed by similar ones, best first, over any database.

What has to be looked up is yielded, and its result sent back, so that a database whose driver blocks and one
whose driver is awaited share the rules.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from typing import TypeVar

import attrs

from imagegen_adapters.image_records.index_entry import search_terms
from imagegen_core.limits import MAX_EXACT_TOTAL
from imagegen_core.ports.image_records import Match
from imagegen_core.search import (
    MAX_SIMILAR_IMAGES,
    Page,
    Paging,
    SearchQuery,
    SimilarityMatcher,
    without_implied,
)

MAX_NEAR_IMAGES = 400_000
"""Images with all parts of the query, or something inserted, are searched for among so many newest ones."""

MAX_RECENT_IMAGES = 200_000
"""Images with only some parts of the query are searched for among this many of the newest ones."""

SEARCHED_IMAGES = (MAX_NEAR_IMAGES, MAX_RECENT_IMAGES)
"""How many of the newest images; not how many ids, which have a gap after a restore."""

_CANDIDATES_PER_LOOKUP = MAX_SIMILAR_IMAGES
_SUFFICIENT_CANDIDATES = MAX_SIMILAR_IMAGES
_MAX_EXAMINED = 1000
"""Limits of the work for one search.

For each set of parts, up to `_MAX_EXAMINED` of the newest images that contain it are examined, exact matches
included, and `_CANDIDATES_PER_LOOKUP` of them are ranked. A set that proves the words finds exact matches
only, and is left out.
"""

_SIMILAR_FLAG = 1 << 62
_OFFSET_BITS = 12

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ExactIds:
    """Asks for ids of exact matches, newest first, below the id ``before`` if that is not None."""

    limit: int
    offset: int = 0
    before: int | None = None


@attrs.frozen(kw_only=True)
class SimilarIds:
    """Asks for the ids of all similar images up to the id ``newest``, best first."""

    newest: int


@attrs.frozen(kw_only=True)
class TokenSet:
    """Tokens that similar prompts have, to be looked up among the images from the id ``oldest`` on."""

    tokens: tuple[str, ...]
    oldest: int = 0


@attrs.frozen(kw_only=True)
class TextLookup:
    """Asks for the folded prompts by id of the newest images that have all tokens of a set but lack a word.

    The sets are looked up in their order until at least ``sufficient`` prompts are known. For each one, at
    most ``max_examined`` images that have the tokens are examined, and at most ``limit`` are returned; their
    ids are at most ``newest``.
    """

    token_sets: tuple[TokenSet, ...]
    newest: int
    max_examined: int
    limit: int = _CANDIDATES_PER_LOOKUP
    sufficient: int = _SUFFICIENT_CANDIDATES

    @classmethod
    def of_similar(
        cls, query: SearchQuery, *, newest: int, oldest: tuple[int, int], exact_count: int
    ) -> "TextLookup":
        """Return the lookup of what may be similar; exact matches, so many, may have to be skipped.

        ``oldest`` are about the ids of the last of `SEARCHED_IMAGES` newest images.
        """
        matcher = SimilarityMatcher.from_query(query)
        near, recent = oldest
        token_sets = (
            *(TokenSet(tokens=tokens, oldest=near) for tokens in matcher.near_token_sets()),
            *(TokenSet(tokens=tokens, oldest=recent) for tokens in matcher.far_token_sets()),
        )
        tokens, unproven = search_terms(query.words)
        return cls(
            token_sets=_distinct(one for one in token_sets if unproven or not set(tokens) <= set(one.tokens)),
            newest=newest,
            max_examined=min(_CANDIDATES_PER_LOOKUP + exact_count, _MAX_EXAMINED),
        )


def _distinct(token_sets: Iterable[TokenSet]) -> tuple[TokenSet, ...]:
    """Return the sets, each once and without tokens that change nothing; of equal ones the first."""
    distinct: dict[frozenset[str], TokenSet] = {}
    for one in token_sets:
        tokens = without_implied(one.tokens)
        distinct.setdefault(frozenset(tokens), attrs.evolve(one, tokens=tokens))
    return tuple(distinct.values())


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


def answer_each(steps: Generator[Q, A, T], answer: Callable[[Q], A]) -> T:
    """Return the result of ``steps``, sending the answer of each question that they yield."""
    try:
        question = next(steps)
        while True:
            question = steps.send(answer(question))
    except StopIteration as end:
        result: T = end.value
        return result


async def await_each(steps: Generator[Q, A, T], answer: Callable[[Q], Awaitable[A]]) -> T:
    """Like `answer_each`, awaiting each answer."""
    try:
        question = next(steps)
        while True:
            question = steps.send(await answer(question))
    except StopIteration as end:
        result: T = end.value
        return result


def ranked_ids(query: SearchQuery, texts: Mapping[int, str]) -> list[int]:
    """Return the ids of the most similar of some folded prompts, best first, at most `MAX_SIMILAR_IMAGES`."""
    matcher = SimilarityMatcher.from_query(query)
    ranked = ((matcher.rank(folded), -image_id) for image_id, folded in texts.items())
    best = sorted((rank, negative) for rank, negative in ranked if rank is not None)
    return [-negative for _, negative in best[:MAX_SIMILAR_IMAGES]]


Steps = Generator[ExactIds | SimilarIds, list[int], T]


@attrs.frozen(kw_only=True)
class RelevantList:
    """The exact matches, newest first, followed by the similar images, as one list.

    Args:
        exact_count: the number of exact matches, at most `MAX_EXACT_TOTAL` + 1.
        newest: the id of the newest image.
    """

    exact_count: int
    newest: int

    def page(self, paging: Paging) -> Steps[Page[tuple[int, Match]]]:
        """Return a page of ids."""
        position = SimilarPosition.from_cursor(paging.after)
        if position is not None:
            return (yield from self._page([], position, paging))
        exact = yield ExactIds(limit=paging.page_size + 1, offset=paging.offset, before=paging.after)
        if len(exact) > paging.page_size and self.exact_count > MAX_EXACT_TOTAL:
            return self._make_page(
                exact[:-1], [], SimilarPosition(newest=self.newest), has_more=True, similar_count=0
            )
        offset = 0
        if not exact and paging.after is None:
            offset = max(0, paging.offset - (yield from self._exact_total(paging.offset)))
        return (yield from self._page(exact, SimilarPosition(newest=self.newest, offset=offset), paging))

    def _page(
        self, exact: list[int], position: SimilarPosition, paging: Paging
    ) -> Steps[Page[tuple[int, Match]]]:
        all_similar = yield SimilarIds(newest=position.newest)
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

    def _exact_total(self, offset: int) -> Steps[int]:
        """Return the uncapped number of exact matches, which is at most ``offset``."""
        if self.exact_count <= MAX_EXACT_TOTAL:
            return self.exact_count
        low, high = MAX_EXACT_TOTAL, offset  # binary search: each probe costs no more than its offset
        while low < high:
            middle = (low + high) // 2
            exists = yield ExactIds(limit=1, offset=middle)
            low, high = (middle + 1, high) if exists else (low, middle)
        return low
