"""Search: folding, n-grams of prompts, the query language, similarity, and pages of a list.

A folded prompt is split at white space. Each character and each pair of neighbours is a token.
So is each triple below U+2E80 (Latin, Greek, Cyrillic, digits …), where letters are few. Emoji, punctuation
and scripts without word boundaries need no rules of their own.

A text with a word has all tokens of the word. The converse holds only for words of one token
(`Terms.proven`); longer words are verified in the text. No token has white space, ASCII punctuation or ASCII
capitals, so any index of plain terms can hold them (FTS5 with ``ascii``, GIN over arrays).
"""

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from operator import add
from typing import Any, Generic, NamedTuple, TypeVar

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import DEFAULT_PAGE_SIZE, MAX_EXACT_TOTAL, MAX_PAGE, MAX_PAGE_SIZE
from imagegen_core.messages import ProblemCode

__path__: list[str] = []  # whoever imports what was here is told what moved
Simplify = Callable[[str], str]
"""Converts traditional Chinese characters to simplified ones; the length may change."""


def fold(text: str, simplify: Simplify) -> str:
    """Return the canonical form in which prompts and keywords are compared.

    NFKC comes twice: folding can denormalise (Unicode 15, section 5.18).
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", simplify(folded))


T = TypeVar("T")

VERSION = 1
"""An index of an older version has to be rebuilt; PostgreSQL's ``image_tokens`` has the same rules."""

MAX_TERMS_PER_WORD = 6
"""Most tokens to look a word up by, spread over it; more cost time and exclude little."""

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
    """Index terms of a word; if ``proven``, any text with all ``tokens`` contains the word."""

    tokens: tuple[str, ...]
    proven: bool


def tokens(folded: str) -> list[str]:
    """Return all tokens of a folded text, one to three characters each, as often as they occur."""
    escaped = folded.translate(_ESCAPES)
    grams: list[str] = []
    for run in escaped.split():
        grams += run
        grams += map(add, run, run[1:])
    for run in _ALPHABETIC.findall(escaped):
        grams += map(add, map(add, run, run[1:]), run[2:])
    return grams


def terms(word: str) -> Terms:
    """Return a few tokens that every text with this folded word has; none for white space."""
    longest = longest_tokens(word)
    proven = len(longest) == 1 and len(longest[0]) == len(word) and not _AMBIGUOUS.search(word)
    return Terms(tokens=evenly_spaced(longest, MAX_TERMS_PER_WORD), proven=proven)


def longest_tokens(word: str) -> tuple[str, ...]:
    """Return the tokens of a folded word that no longer token covers, in order, each once."""
    longest: dict[str, None] = {}
    for run in word.translate(_ESCAPES).split():
        if len(run) == 1:
            longest[run] = None
        in_triple = False
        for at in range(len(run) - 1):
            starts_triple = _ALPHABETIC.fullmatch(run[at : at + 3]) is not None
            if starts_triple or not in_triple:
                longest[run[at : at + 3] if starts_triple else run[at : at + 2]] = None
            in_triple = starts_triple
    return tuple(longest)


def text_of_token(token: str) -> str | None:
    """Return the text that exactly the texts with this token contain; None if the token is ambiguous."""
    text = token.translate(_UNESCAPES)
    return None if _AMBIGUOUS.search(text) else text


def without_implied(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tokens, each once, without those that are part of others."""
    distinct = tuple(dict.fromkeys(tokens))
    return tuple(token for token in distinct if sum(token in other for other in distinct) == 1)


def evenly_spaced(items: tuple[T, ...], maximum: int) -> tuple[T, ...]:
    """Return at most ``maximum`` (two or more) items at even distances, from first to last."""
    if len(items) <= maximum:
        return items
    return tuple(items[number * (len(items) - 1) // (maximum - 1)] for number in range(maximum))


_encoder = json.JSONEncoder(sort_keys=True, default=str)
U = TypeVar("U")


@attrs.frozen(kw_only=True)
class Paging:
    """A page by number from 1, or after a position (a row number) at any depth; newest first by default."""

    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE
    after: int | None = None
    oldest_first: bool = False

    def __attrs_post_init__(self) -> None:
        ValidationFailed.check_range("page", self.page, minimum=1, maximum=MAX_PAGE)
        ValidationFailed.check_range("page_size", self.page_size, minimum=1, maximum=MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        """Rows to skip; 0 with a cursor."""
        return 0 if self.after is not None else (self.page - 1) * self.page_size


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list; ``last`` is its last item's position, for the next cursor."""

    items: tuple[T, ...]
    total: int
    has_more: bool
    total_is_exact: bool = True
    last: int | None = None

    @classmethod
    def of_all(cls, items: Sequence[T], *, number: int, size: int) -> "Page[T]":
        """Return a page of items in memory: all, or `enough` of them."""
        start, end = (number - 1) * size, number * size
        return cls(
            items=tuple(items[start:end]),
            total=min(len(items), MAX_EXACT_TOTAL),
            total_is_exact=len(items) <= MAX_EXACT_TOTAL,
            has_more=end < len(items),
        )

    @staticmethod
    def enough(number: int, size: int) -> int:
        """Return how many items suffice for a page, its total, and whether another follows."""
        return max(MAX_EXACT_TOTAL, number * size) + 1

    def with_items(self, items: Iterable[U]) -> "Page[U]":
        page: Page[Any] = self
        return attrs.evolve(page, items=tuple(items))


async def pages(
    read: Callable[[Paging], Awaitable[Page[T]]], first: Paging | None = None
) -> AsyncGenerator[Page[T], None]:
    """Yield a whole list page by page, each from where the one before ends."""
    paging, has_more = first or Paging(page_size=MAX_PAGE_SIZE), True
    while has_more:
        page = await read(paging)
        yield page
        has_more, number = page.has_more, paging.page + (page.last is None)
        paging = attrs.evolve(paging, page=number, after=page.last)


def encode_cursor(position: int, query: Any) -> str:
    """Return an opaque cursor that continues ``query`` (any JSON) after ``position``."""
    return base64.urlsafe_b64encode(f'[{position},"{_fingerprint(query)}"]'.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, query: Any) -> int:
    """Return the position in a cursor; it must be of the same query."""
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
    """Folded words that all must occur in the folded prompt; never empty."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, keyword: str, simplify: Simplify) -> "SearchQuery":
        r"""Parse a keyword as a person types it.

        White space, including U+3000, separates words, and a pair of ``"`` around words makes a phrase. Every
        other character is literal, including ``%``, ``_``, ``\`` and search operators.
        """
        if len(keyword) > MAX_KEYWORD_CHARS:
            raise ValidationFailed.for_field("keyword", ProblemCode.TOO_LONG(maximum=MAX_KEYWORD_CHARS))
        parts = (m[1] if m[1] is not None else m[2] for m in _PART.finditer(keyword.strip()))
        words = tuple(dict.fromkeys(w for part in parts if (w := fold(part, simplify)).strip()))
        if not words:
            raise ValidationFailed.for_field("keyword", ProblemCode.EMPTY())
        return cls(words=words)


MAX_SIMILAR_IMAGES = 200  # a search returns at most so many similar images, the best ones
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
    """Smaller is more similar; ``span`` is the length of the shortest stretch with all parts present."""

    missing: int
    span: int


@attrs.frozen
class SimilarityMatcher:
    """Ranks prompts by similarity to a query; ``parts`` are in the query's order."""

    words: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def from_query(cls, query: SearchQuery) -> "SimilarityMatcher":
        """Return the matcher of ``query``; only a query of nothing but stop words keeps them."""
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
        """Yield sets of tokens to look up: first with a gap inside a longer word, last all parts."""
        words = [longest_tokens(word) for word in self.words]
        whole = tuple(token for word in words for token in word)
        if len(whole) <= _MAX_VARIED_TOKENS:
            splittable = [len(word) > 1 and len(token) == _PAIR_CHARS for word in words for token in word]
            for at in (at for at, may in enumerate(splittable) if may):
                yield (*whole[:at], *whole[at], *whole[at + 1 :])
        yield self.parts

    def far_token_sets(self) -> Iterator[tuple[str, ...]]:
        """Yield sets of tokens of less similar prompts: all parts but one, then halves; a few of each."""
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
    """Return the length of the shortest stretch that contains the parts in order."""
    best, start = _MAX_SPAN_CHARS, -1
    for _ in range(_MAX_STARTS):
        start = folded.find(present[0], start + 1)
        if start < 0:
            break
        if end := _end_of(folded, present, start):
            best = min(best, end - start)
    return best


def _end_of(folded: str, present: list[str], start: int) -> int:
    """Return the end of the parts that follow each other from ``start``; 0 if out of order."""
    end = start
    for part in present:
        at = folded.find(part, end if part is present[0] else end - len(part) + 1)
        if at < 0:
            return 0
        end = max(end, at + len(part))
    return end
