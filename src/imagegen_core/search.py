"""Search: folding, n-grams of prompts, the query language, similarity, and pages of a list.

A folded prompt is split at white space. Each character of every run is a token, each pair of neighbours is
one, and, because alphabets have few letters, so is each triple of characters below U+2E80 (Latin, Greek,
Cyrillic, digits …). Characters are not otherwise classified: emoji, punctuation and scripts without word
boundaries are found like any other text.

A text that contains a word contains all tokens of the word. The converse holds only for words of a single
token (`Terms.proven`); a longer word has to be verified against the text itself. Tokens fit any index of
plain terms, such as SQLite's FTS5 with the ``ascii`` tokenizer or PostgreSQL's GIN over arrays: no token
contains white space, ASCII punctuation, or an ASCII capital letter.
"""

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import add
from typing import Any, Generic, NamedTuple, TypeVar

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import DEFAULT_PAGE_SIZE, MAX_EXACT_TOTAL, MAX_PAGE, MAX_PAGE_SIZE
from imagegen_core.messages import ProblemCode

Simplify = Callable[[str], str]
"""Converts traditional Chinese characters to simplified ones; the length may change."""


def fold(text: str, simplify: Simplify) -> str:
    """Return ``text`` in the canonical form in which prompts and keywords are compared.

    Applies NFKC, case folding, traditional-to-simplified conversion, and NFKC again, because folding can
    denormalise (Unicode 15, section 5.18).
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", simplify(folded))


T = TypeVar("T")

VERSION = 1
"""Version of the tokenisation; an index of another version has to be rebuilt.

The function ``image_tokens`` of the schema for PostgreSQL has the same rules.
"""

MAX_TERMS_PER_WORD = 6
"""A long word is looked up by this many tokens, spread over it: more would cost time and exclude little."""

_PRIVATE = 0xE000

_ESCAPES = {
    # Index tokenizers split text at ASCII punctuation, so it is mapped to private-use characters. Private-use
    # characters of the prompt itself are moved out of the way; the mapping is then ambiguous for them, hence
    # a match on one proves nothing.
    **{code: _PRIVATE + code for code in range(0x80) if not chr(code).isalnum() and not chr(code).isspace()},
    **{_PRIVATE + code: _PRIVATE + 0x80 + code for code in range(0x80)},
}

_UNESCAPES = {escaped: code for code, escaped in _ESCAPES.items() if code < _PRIVATE}
_AMBIGUOUS = re.compile("[\ue000-\ue0ff]")
_ALPHABETIC = re.compile(r"[^\s\u2e80-\U0010ffff]{3,}")


@attrs.frozen(kw_only=True)
class Terms:
    """Index terms for a word. ``proven``: any text that has all ``tokens`` is certain to contain the word."""

    tokens: tuple[str, ...]
    proven: bool


def tokens(folded: str) -> list[str]:
    """Return all tokens of a folded text: strings of one to three characters, each as often as it occurs."""
    escaped = folded.translate(_ESCAPES)
    grams: list[str] = []
    for run in escaped.split():
        grams += run
        grams += map(add, run, run[1:])
    for run in _ALPHABETIC.findall(escaped):
        grams += map(add, map(add, run, run[1:]), run[2:])
    return grams


def terms(word: str) -> Terms:
    """Return a few tokens that every text with this folded word has; none if the word is only white space."""
    longest = longest_tokens(word)
    proven = len(longest) == 1 and len(longest[0]) == len(word) and not _AMBIGUOUS.search(word)
    return Terms(tokens=evenly_spaced(longest, MAX_TERMS_PER_WORD), proven=proven)


def longest_tokens(word: str) -> tuple[str, ...]:
    """Return the tokens of a folded word that no longer token covers, in order, each once."""
    runs = word.translate(_ESCAPES).split()
    return tuple(dict.fromkeys(chain.from_iterable(map(_longest_tokens_of_run, runs))))


def text_of_token(token: str) -> str | None:
    """Return what all texts with a token contain, and no others; None if the token does not say."""
    text = token.translate(_UNESCAPES)
    return None if _AMBIGUOUS.search(text) else text


def without_implied(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tokens, each once, without those that every text has that has the others."""
    distinct = tuple(dict.fromkeys(tokens))
    return tuple(token for token in distinct if sum(token in other for other in distinct) == 1)


def evenly_spaced(items: tuple[T, ...], maximum: int) -> tuple[T, ...]:
    """Return at most ``maximum`` (two or more) of the items at even distances, from first to last."""
    if len(items) <= maximum:
        return items
    return tuple(items[number * (len(items) - 1) // (maximum - 1)] for number in range(maximum))


def _longest_tokens_of_run(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    in_triple = False
    for at in range(len(run) - 1):
        starts_triple = _ALPHABETIC.fullmatch(run[at : at + 3]) is not None
        if starts_triple or not in_triple:
            yield run[at : at + 3] if starts_triple else run[at : at + 2]
        in_triple = starts_triple


_encoder = json.JSONEncoder(sort_keys=True, default=str)

U = TypeVar("U")


@attrs.frozen(kw_only=True)
class Paging:
    """Which page: by number from 1, or after a position (a row number, newest first) at any depth."""

    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE
    after: int | None = None

    def __attrs_post_init__(self) -> None:
        ValidationFailed.check_range("page", self.page, minimum=1, maximum=MAX_PAGE)
        ValidationFailed.check_range("page_size", self.page_size, minimum=1, maximum=MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        """Number of rows to skip when the page is chosen by number; 0 with a cursor."""
        return 0 if self.after is not None else (self.page - 1) * self.page_size


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first; ``last`` is the position of its last item, for the next cursor."""

    items: tuple[T, ...]
    total: int
    has_more: bool
    total_is_exact: bool = True
    last: int | None = None

    @classmethod
    def of_all(cls, items: Sequence[T], *, number: int, size: int) -> "Page[T]":
        """Return a page of items that are all there, or of which `enough` are, so that it has no position."""
        start, end = (number - 1) * size, number * size
        return cls(
            items=tuple(items[start:end]),
            total=min(len(items), MAX_EXACT_TOTAL),
            total_is_exact=len(items) <= MAX_EXACT_TOTAL,
            has_more=end < len(items),
        )

    @staticmethod
    def enough(number: int, size: int) -> int:
        """Return how many items it takes to say of a page whether one follows, and how many there are."""
        return max(MAX_EXACT_TOTAL, number * size) + 1

    def with_items(self, items: Iterable[U]) -> "Page[U]":
        """Return the same page of other items, one for each of these."""
        return Page(
            items=tuple(items),
            total=self.total,
            has_more=self.has_more,
            total_is_exact=self.total_is_exact,
            last=self.last,
        )


def encode_cursor(position: int, query: Any) -> str:
    """Return an opaque cursor that continues ``query`` (any JSON-serialisable value) after ``position``."""
    body = f'[{position},"{_fingerprint(query)}"]'.encode()
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def decode_cursor(cursor: str, query: Any) -> int:
    """Return the position in a cursor that was made for the same query."""
    try:
        body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position, fingerprint = json.loads(body)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise ValidationFailed.for_field("cursor", ProblemCode.NOT_A_CURSOR()) from error
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position < 2**63:
        raise ValidationFailed.for_field("cursor", ProblemCode.NOT_A_CURSOR())
    if fingerprint != _fingerprint(query):
        raise ValidationFailed.for_field("cursor", ProblemCode.OTHER_QUERY())
    return position


def _fingerprint(query: Any) -> str:
    return hashlib.sha256(_encoder.encode(query).encode()).hexdigest()[:12]


MAX_KEYWORD_CHARS = 10_000
_PART = re.compile(r'(?:(?<=\s)|^)"([^"]+)"(?=\s|$)|(\S+)')


@attrs.frozen(kw_only=True)
class SearchQuery:
    """Folded words, each of which must occur in the folded prompt; never empty."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, keyword: str, simplify: Simplify) -> "SearchQuery":
        r"""Parse a keyword as a person types it.

        White space, including U+3000, separates words; a balanced pair of ``"`` around words makes a phrase;
        every other character, including ``%``, ``_``, ``\`` and search operators, is literal.
        """
        if len(keyword) > MAX_KEYWORD_CHARS:
            raise ValidationFailed.for_field("keyword", ProblemCode.TOO_LONG(maximum=MAX_KEYWORD_CHARS))
        parts = (m[1] if m[1] is not None else m[2] for m in _PART.finditer(keyword.strip()))
        words = tuple(dict.fromkeys(w for part in parts if (w := fold(part, simplify)).strip()))
        if not words:
            raise ValidationFailed.for_field("keyword", ProblemCode.EMPTY())
        return cls(words=words)

    def matches(self, folded_prompt: str) -> bool:
        """Return whether a folded prompt contains every word."""
        return all(word in folded_prompt for word in self.words)


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
        if end := _end_of(folded, present, start):
            best = min(best, end - start)
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
