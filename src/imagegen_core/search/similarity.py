"""Similarity search: prompts that do not contain a query but share its parts, and how they are ranked.

The parts of a query are n-grams of its words: pairs of neighbouring characters in Chinese, single characters
where a word has only one, triples of letters in alphabets. Stop words such as ``的`` or ``the`` are left out,
and no part spans one. A prompt is similar when it has at least half of the parts. Prompts with more parts
rank higher; among equals, those whose parts stand closer together in the order of the query; among equals
again, the newer.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import attrs

from imagegen_core.search.ngrams import evenly_spaced, longest_tokens
from imagegen_core.search.query import SearchQuery

MAX_SIMILAR_IMAGES = 200
"""How many similar images a search returns at most: the best ones."""

MAX_PARTS = 12
_MAX_VARIED_TOKENS = 8
_MAX_OMISSIONS = 4
_MAX_HALVES = 4
_MAX_SPAN_CHARS = 1_000_000
_MAX_STARTS = 20
_PAIR_CHARS = 2  # only pairs are split: in alphabets, one inserted letter breaks three tokens

_STOP_CHARACTERS = frozenset("的了着过在是和与及之也把被个地得")
_STOP_WORDS = frozenset({"a", "an", "the", "of", "and", "or", "in", "on", "at", "to", "with", "by"})
_SEGMENT = re.compile(r"[^\W_\u2e80-\U0010ffff]+|[^\W_\u0000-\u2e7f]+")


class Rank(NamedTuple):
    """How similar a prompt is; smaller is more similar. ``span`` is the shortest stretch with its parts."""

    missing: int
    span: int


@attrs.frozen
class SimilarityMatcher:
    """Ranks prompts by their similarity to a query; ``parts`` are in the order of the query."""

    words: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def from_query(cls, query: SearchQuery) -> "SimilarityMatcher":
        """Return the matcher of ``query``; a query of nothing but stop words keeps them as parts."""
        parts = [part for word in query.words for part in _parts_of(word)]
        if not parts:
            parts = [token for word in query.words for token in longest_tokens(word)]
        return cls(query.words, evenly_spaced(tuple(dict.fromkeys(parts)), MAX_PARTS))

    def rank(self, folded: str) -> Rank | None:
        """Return the rank of a folded prompt; None if it is not similar, or contains the query itself."""
        present = [part for part in self.parts if part in folded]
        missing = len(self.parts) - len(present)
        if missing > len(present) or (not missing and all(word in folded for word in self.words)):
            return None
        return Rank(missing=missing, span=_span(folded, present))

    def near_token_sets(self) -> Iterator[tuple[str, ...]]:
        """Yield sets of tokens to look up in an index, each of which the most similar prompts contain.

        The first sets are those of prompts with something inserted between two characters of a longer word;
        the last is all parts.
        """
        words = [longest_tokens(word) for word in self.words]
        whole = tuple(token for word in words for token in word)
        if len(whole) <= _MAX_VARIED_TOKENS:
            splittable = [len(word) > 1 and len(token) == _PAIR_CHARS for word in words for token in word]
            for at in (at for at, may in enumerate(splittable) if may):
                yield (*whole[:at], *whole[at], *whole[at + 1 :])
        yield self.parts

    def far_token_sets(self) -> Iterator[tuple[str, ...]]:
        """Yield sets of tokens that less similar prompts contain: all parts but one, then half of them.

        Of many parts, a few are left out in turn, and a few halves are taken, spread over the query.
        """
        parts = self.parts
        if 2 < len(parts) <= _MAX_VARIED_TOKENS:  # noqa: PLR2004 - without one of two, half is left
            omissions = evenly_spaced(tuple(range(len(parts))), _MAX_OMISSIONS)
            yield from (parts[:omitted] + parts[omitted + 1 :] for omitted in omissions)
        half = (len(parts) + 1) // 2
        for at in evenly_spaced(tuple(range(len(parts) - half + 1)), _MAX_HALVES):
            yield parts[at : at + half]


def _parts_of(word: str) -> Iterator[str]:
    for segment in _SEGMENT.findall(word):
        if segment[0] < "\u2e80":
            yield from () if segment in _STOP_WORDS else longest_tokens(segment)
            continue
        for piece in "".join(" " if c in _STOP_CHARACTERS else c for c in segment).split():
            yield from longest_tokens(piece)


def _span(folded: str, present: list[str]) -> int:
    """Return the length of the shortest stretch that contains the parts in their order."""
    best, start = _MAX_SPAN_CHARS, -1
    for _ in range(_MAX_STARTS):
        start = folded.find(present[0], start + 1)
        if start < 0:
            break
        end = _end_of(folded, present, start)
        best = min(best, end - start if end else _MAX_SPAN_CHARS)
    return best


def _end_of(folded: str, present: list[str], start: int) -> int:
    """Return the end of the parts that follow each other from ``start``; 0 if they are not in order."""
    end = start
    for part in present:
        at = folded.find(part, end if part is present[0] else end - len(part) + 1)
        if at < 0:
            return 0
        end = max(end, at + len(part))
    return end
