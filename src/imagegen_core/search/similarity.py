"""Close matches: prompts that do not contain a query but share its parts, and which of them come first.

The parts of a query are what its words are made of: pairs of neighbouring characters in Chinese, single
ones where a word is no longer, three neighbouring letters in alphabets. Words that carry no meaning, such as
``的`` or ``the``, are left out, and nothing reaches across them. A prompt is close when it has at least half
of the parts. The more of them it has the better; among equals, the nearer they stand to each other, in their
order, the better; among equals again, the newer.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import attrs

from imagegen_core.search.ngrams import evenly_spaced, longest_tokens
from imagegen_core.search.query import SearchQuery

MAX_SIMILAR_IMAGES = 200
"""No more close ones than these are ever shown: the best."""

MAX_PARTS = 12
_MAX_VARIED_TOKENS = 8
_MAX_HALVES = 4
_MAX_SPAN_CHARS = 1_000_000
_MAX_STARTS = 20
_PAIR_CHARS = 2  # in alphabets, one letter more breaks three tokens

_STOP_CHARACTERS = frozenset("的了着过在是和与及之也把被个地得")
_STOP_WORDS = frozenset({"a", "an", "the", "of", "and", "or", "in", "on", "at", "to", "with", "by"})
_SEGMENT = re.compile(r"[^\W_\u2e80-\U0010ffff]+|[^\W_\u0000-\u2e7f]+")


class Rank(NamedTuple):
    """How close a prompt is; the smaller, the closer. ``span`` is the length of the closest place."""

    missing: int
    span: int


@attrs.frozen
class SimilarityMatcher:
    """What is close to a query; made by `to`. ``parts`` are in the order of the query."""

    words: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def from_query(cls, query: SearchQuery) -> "SimilarityMatcher":
        """Return what is close to ``query``."""
        found = [part for word in query.words for part in _parts_of(word)]
        if not found:
            found = [token for word in query.words for token in longest_tokens(word)]
        return cls(query.words, evenly_spaced(tuple(dict.fromkeys(found)), MAX_PARTS))

    def rank(self, folded: str) -> Rank | None:
        """Return how close a folded prompt is, None for one that is not or that contains the query."""
        present = [part for part in self.parts if part in folded]
        missing = len(self.parts) - len(present)
        if missing > len(present) or (not missing and all(word in folded for word in self.words)):
            return None
        return Rank(missing=missing, span=_span(folded, present))

    def near_token_sets(self) -> Iterator[tuple[str, ...]]:
        """Yield sets of tokens, each had by the closest prompts; an index can be asked for them.

        First comes what a prompt has with something between two characters of a longer word, then all parts.
        """
        words = [longest_tokens(word) for word in self.words]
        whole = tuple(token for word in words for token in word)
        if len(whole) <= _MAX_VARIED_TOKENS:
            splittable = [len(word) > 1 and len(token) == _PAIR_CHARS for word in words for token in word]
            for at in (at for at, may in enumerate(splittable) if may):
                yield (*whole[:at], *whole[at], *whole[at + 1 :])
        yield self.parts

    def far_token_sets(self) -> Iterator[tuple[str, ...]]:
        """Yield sets of tokens, each had by prompts that are less close: all parts but one, half of them."""
        parts = self.parts
        if 2 < len(parts) <= _MAX_VARIED_TOKENS:  # noqa: PLR2004 - of two, one left out is half of them
            yield from (parts[:left_out] + parts[left_out + 1 :] for left_out in range(len(parts)))
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
    """Return the length of the shortest place that holds the parts in their order."""
    best, start = _MAX_SPAN_CHARS, -1
    for _ in range(_MAX_STARTS):
        start = folded.find(present[0], start + 1)
        if start < 0:
            break
        end = _end_of(folded, present, start)
        best = min(best, end - start if end else _MAX_SPAN_CHARS)
    return best


def _end_of(folded: str, present: list[str], start: int) -> int:
    """Return where the parts end that follow each other from ``start`` on; 0 when they do not."""
    end = start
    for part in present:
        at = folded.find(part, end if part is present[0] else end - len(part) + 1)
        if at < 0:
            return 0
        end = max(end, at + len(part))
    return end
