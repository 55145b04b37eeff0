"""What the search indexes of both databases share; a `Lookup` is a list of images in an `Index`."""

import asyncio
import hashlib
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from importlib import metadata
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, TypeVar

import attrs

from imagegen_adapters import system
from imagegen_adapters.stores.sql import NEWEST, Steps
from imagegen_core.images import Image, Marks, fold_name
from imagegen_core.limits import MAX_EXACT_TOTAL
from imagegen_core.ports.gallery import ImageFilter, ImageList, Match, Neighbours
from imagegen_core.search import (
    MAX_SIMILAR_IMAGES,
    VERSION,
    Page,
    Paging,
    SearchQuery,
    SimilarityMatcher,
    Simplify,
    evenly_spaced,
    fold,
    terms,
    tokens,
    without_implied,
)
from imagegen_core.values import QUARTER_SECONDS, quarter_of

T = TypeVar("T")


class Lookup(Protocol):
    """A list of images in an index."""

    def ids(
        self, *, limit: int, offset: int = 0, above: int = 0, below: int = NEWEST, oldest_first: bool = False
    ) -> Steps[list[int]]:
        """Return ids between the bounds, without these, the newest first or the oldest."""

    def count(self) -> Steps[int]:
        """Return how many there are, at most one above `MAX_EXACT_TOTAL`."""

    def texts(self, question: "TextLookup") -> Steps[dict[int, str]]:
        """Return the folded prompts that are asked for, by id."""


class Index(ABC):
    """A search index; each lookup runs in the transaction or snapshot of its steps.

    ``START`` selects the id below which the page after an ``:offset`` begins, and how many more to skip.
    ``OLDEST_OF_NEWEST`` selects the ids from which on there are about ``:most`` and ``:fewer`` images.
    """

    TOTAL: str
    START: str
    NEWEST: str
    OLDEST_OF_NEWEST: str

    @abstractmethod
    def lock_marks(self) -> Steps[None]:
        """Serialise changes of marks until the transaction ends."""

    @abstractmethod
    def exchange_marks(self, before: Mapping[int, Marks], after: Mapping[int, Marks]) -> Steps[None]:
        """Index the marks of the images in ``after``, whose ids are all in ``before``."""

    @abstractmethod
    def remove(self, images: Sequence[Image]) -> Steps[None]:
        """Remove the entries of deleted images."""

    @abstractmethod
    def restore(self, folded: Sequence[tuple[Image, str]], folding: str) -> Steps[None]:
        """Add the entries of restored images, by their prompts as ``folding`` folds them."""

    @abstractmethod
    def lookup(self, criteria: ImageFilter, words: Sequence[str]) -> Steps[Lookup]:
        """Return the lookup of images that meet the criteria and contain all folded words."""

    @abstractmethod
    def by_interval(
        self, bounds: Sequence[int], criteria: ImageFilter, words: Sequence[str]
    ) -> Steps[tuple[int, ...]]:
        """Return how many images of `lookup` were made in each interval of quarters between two bounds."""

    def total(self) -> Steps[int]:
        """Return how many images there are."""
        return (yield from one_number(self.TOTAL))

    def start(self, offset: int) -> Steps[tuple[int, int]]:
        rows = yield self.START, {"offset": offset}
        return tuple(rows[0]) if rows else (0, 0)

    def newest(self) -> Steps[int]:
        """Return the highest id."""
        return (yield from one_number(self.NEWEST))

    def oldest_of_newest(self, newest: int) -> Steps[tuple[int, int]]:
        """Return the ids from which on there are about `SEARCHED_IMAGES` up to ``newest``; 0 if fewer."""
        most, fewer = SEARCHED_IMAGES
        rows = yield self.OLDEST_OF_NEWEST, {"newest": newest, "most": most, "fewer": fewer}
        return tuple(rows[0])


def page_ids(lookup: Lookup, paging: Paging) -> Steps[list[int]]:
    """Return the ids of a page, and one more if another follows."""
    limit, offset, after = paging.page_size + 1, paging.offset, paging.after
    if paging.oldest_first:
        return (yield from lookup.ids(limit=limit, offset=offset, above=after or 0, oldest_first=True))
    return (yield from lookup.ids(limit=limit, offset=offset, below=NEWEST if after is None else after))


def one_number(statement: str, **values: Any) -> Steps[int]:
    ((number,),) = yield statement, values
    return int(number)


# ---------------------------------------------------------------- tokens

MAX_TERMS = 24
"""A query of the index has at most this many tokens; beyond that, the prompts themselves are checked."""

MAX_INLINE_CHARACTERS = 1000
"""Up to here, prompts are folded on the event loop, in 0.25 ms; longer ones in a thread."""

FAVOURITE = "favourite"
"""The token of favourites; longer than any token of a prompt, and no facet's."""


@attrs.frozen(kw_only=True)
class IndexEntry:
    """The folded prompt of an image and its tokens, separated by spaces, without those of its marks."""

    created_ms: int
    folded: str
    tokens: str

    @classmethod
    def from_image(cls, image: Image, simplify: Simplify) -> "IndexEntry":
        folded, created_ms = fold(image.prompt, simplify), milliseconds(image.created_at)
        return cls(created_ms=created_ms, folded=folded, tokens=index_tokens(image, folded))


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970, truncated like `to_timestamp`."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


async def prepare_each(images: Sequence[Image], prepare: Callable[[Image], T]) -> list[T]:
    """Return what ``prepare`` makes of each image; of long prompts in a thread."""
    if sum(len(image.prompt) for image in images) <= MAX_INLINE_CHARACTERS:
        return [*map(prepare, images)]
    return await asyncio.to_thread(lambda: [*map(prepare, images)])


def index_tokens(image: Image, folded: str) -> str:
    """Return the tokens of an image that never change: of its prompt, provider, model and operation."""
    return " ".join((*tokens(folded), *facets(image.provider_name, image.model_id, image.operation.value)))


def mark_tokens(marks: Marks) -> frozenset[str]:
    """Return the tokens of an image that change with its marks."""
    tags = (facet("tag", fold_name(name)) for name in marks.tags)
    collections = (facet("collection", str(collection)) for collection in marks.collections)
    return frozenset((*([FAVOURITE] if marks.favourite else []), *tags, *collections))


@lru_cache(maxsize=1000)
def facet(name: str, value: str) -> str:
    """Return the token of a filter value; it is longer than any token of a prompt."""
    return name + value.encode("utf-8", "surrogatepass").hex()


def facets(provider_name: str | None, model_id: str | None, operation: str | None) -> list[str]:
    """Return the tokens of those values that are not None."""
    values = {"provider": provider_name, "model": model_id, "operation": operation}
    return [facet(name, value) for name, value in values.items() if value is not None]


def search_terms(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return tokens that every matching prompt has, and the words that these tokens do not prove."""
    word_terms = [terms(word) for word in words]
    distinct = tuple(dict.fromkeys(token for of_word in word_terms for token in of_word.tokens))
    has_all_tokens = len(distinct) <= MAX_TERMS
    pairs = zip(words, word_terms, strict=True)
    unproven = tuple(word for word, of_word in pairs if not (has_all_tokens and of_word.proven))
    return evenly_spaced(distinct, MAX_TERMS), unproven


# ---------------------------------------------------------------- the rules of folding

Progress: TypeAlias = Callable[[int, int], Awaitable[None] | None]
"""Called with the last indexed id and the last id to index."""


class IndexState(StrEnum):
    """Whether the search index is usable and up to date."""

    CURRENT = "current"
    STALE = "stale"
    """Prompts were folded by other rules than keywords are now; `reindex` updates it."""
    MISSING = "missing"
    """Searches are refused; `reindex` builds it."""


_UNICODE = ("14.0.0", "15.0.0", "15.1.0")  # of Python 3.11 to 3.13, which fold alike
FOLDING_DIGESTS = MappingProxyType({("1.4.2", unicode): "da555a0fc9b6c794" for unicode in _UNICODE})
"""The `folding_digest` by versions of OpenCC and Unicode: a start without 17 ms and 3 MB of dictionaries."""


@lru_cache(maxsize=8)
def folding_version(simplify: Simplify) -> str:
    """Return the version of folding and tokens in use; an index with another version is stale."""
    folds = (metadata.version("OpenCC"), unicodedata.unidata_version)
    digest = FOLDING_DIGESTS.get(folds) if simplify is system.simplify else None
    return f"{VERSION}-{digest or folding_digest(simplify)}"


def folding_digest(simplify: Simplify) -> str:
    """Return what each character is folded to, as a number; loads the dictionaries."""
    digest, separator = hashlib.sha256(), ""
    # All characters of the basic plane but Hangul syllables, which folding never changes. Nothing is folded
    # across line feeds. All at once would leave the process 2 MB larger.
    for span in (range(0x21, 0xAC00), range(0xF900, 0x10000)):
        for start in range(0, len(span), 1000):
            characters = "\n".join(map(chr, span[start : start + 1000]))
            digest.update((separator + fold(characters, simplify)).encode())
            separator = "\n"
    return digest.hexdigest()[:16]


# ---------------------------------------------------------------- similar images

MAX_NEAR_IMAGES = 400_000
"""Images with all parts of the query, or with insertions, are looked up among this many newest ones."""

MAX_RECENT_IMAGES = 200_000
"""Images with only some parts of the query are looked up among this many newest ones."""

SEARCHED_IMAGES = (MAX_NEAR_IMAGES, MAX_RECENT_IMAGES)
"""Counts of images, not of ids, which have a gap after a restore."""

_MAX_EXAMINED = 1000
"""Per set of tokens, at most this many newest images are examined, exact matches included."""


@attrs.frozen(kw_only=True)
class TokenSet:
    """Tokens of similar prompts, to be looked up among the images from the id ``oldest`` on."""

    tokens: tuple[str, ...]
    oldest: int = 0


@attrs.frozen(kw_only=True)
class TextLookup:
    """Asks for folded prompts that have all tokens of a set but lack a word, newest first.

    The sets are tried in order until `MAX_SIMILAR_IMAGES` prompts are known. Each one examines at most
    ``max_examined`` images and returns at most `MAX_SIMILAR_IMAGES`; no id is above ``newest``.
    """

    words: tuple[str, ...]
    token_sets: tuple[TokenSet, ...]
    newest: int
    max_examined: int

    @classmethod
    def of_similar(
        cls, query: SearchQuery, *, newest: int, oldest: tuple[int, int], exact_count: int
    ) -> "TextLookup":
        """Return the lookup of images that may be similar; a set that proves all words is left out.

        It would only find exact matches. ``oldest`` are about the ids of the last of the `SEARCHED_IMAGES`
        newest images.
        """
        matcher = SimilarityMatcher.from_query(query)
        near, recent = oldest
        token_sets = (
            *(TokenSet(tokens=tokens, oldest=near) for tokens in matcher.near_token_sets()),
            *(TokenSet(tokens=tokens, oldest=recent) for tokens in matcher.far_token_sets()),
        )
        tokens, unproven = search_terms(query.words)
        return cls(
            words=query.words,
            token_sets=_distinct(one for one in token_sets if unproven or not set(tokens) <= set(one.tokens)),
            newest=newest,
            max_examined=min(MAX_SIMILAR_IMAGES + exact_count, _MAX_EXAMINED),
        )


def _distinct(token_sets: Iterable[TokenSet]) -> tuple[TokenSet, ...]:
    """Return the sets without redundant tokens; of equal ones the first."""
    distinct: dict[frozenset[str], TokenSet] = {}
    for one in token_sets:
        tokens = without_implied(one.tokens)
        distinct.setdefault(frozenset(tokens), attrs.evolve(one, tokens=tokens))
    return tuple(distinct.values())


def similar_ids(
    index: Index, lookup: Lookup, query: SearchQuery, exact_count: int, newest: int
) -> Steps[list[int]]:
    """Return the ids of the most similar prompts, best first, at most `MAX_SIMILAR_IMAGES`."""
    oldest, matcher = (yield from index.oldest_of_newest(newest)), SimilarityMatcher.from_query(query)
    question = TextLookup.of_similar(query, newest=newest, oldest=oldest, exact_count=exact_count)
    texts = yield from lookup.texts(question)
    ranked = ((matcher.rank(folded), -image_id) for image_id, folded in texts.items())
    best = sorted((rank, negative) for rank, negative in ranked if rank is not None)
    return [-negative for _, negative in best[:MAX_SIMILAR_IMAGES]]


# ---------------------------------------------------------------- pages of exact and similar images

_SIMILAR_FLAG = 1 << 62
_OFFSET_BITS = 12
"""A cursor among similar images, above every image id, holds `newest` and how many were shown."""


def relevant_page(
    index: Index, lookup: Lookup, query: SearchQuery, paging: Paging
) -> Steps[Page[tuple[int, Match]]]:
    """Return a page of exact matches in their order, followed by similar images, best first.

    Images added while a client pages do not become similar ones, so that nothing is shown twice.
    """
    exact_count, newest = (yield from lookup.count()), (yield from index.newest())
    size, after, offset = paging.page_size, paging.after, 0
    matches: list[int] = []
    if after is not None and after >= _SIMILAR_FLAG:
        newest, offset = (after & ~_SIMILAR_FLAG) >> _OFFSET_BITS, after & ((1 << _OFFSET_BITS) - 1)
    elif exact_count:
        matches = yield from page_ids(lookup, paging)
    if not matches and after is None:
        offset = max(0, paging.offset - (yield from _exact_total(lookup, exact_count, paging.offset)))
    shown, has_more = matches[:size], len(matches) > size
    is_capped = has_more and exact_count > MAX_EXACT_TOTAL
    all_similar = [] if is_capped else (yield from similar_ids(index, lookup, query, exact_count, newest))
    following = all_similar[offset : offset + size - len(shown)]
    end, total = offset + len(following), exact_count + len(all_similar)
    cursor = _SIMILAR_FLAG | (newest << _OFFSET_BITS) | end
    return Page(
        items=(*((i, Match.EXACT) for i in shown), *((i, Match.SIMILAR) for i in following)),
        total=min(total, MAX_EXACT_TOTAL),
        total_is_exact=total <= MAX_EXACT_TOTAL,
        has_more=has_more or len(all_similar) > end,
        last=cursor if following else (shown[-1] if shown else None),
    )


def _exact_total(lookup: Lookup, exact_count: int, offset: int) -> Steps[int]:
    """Return the uncapped number of exact matches, which must be at most ``offset``."""
    if exact_count <= MAX_EXACT_TOTAL:
        return exact_count
    low, high = MAX_EXACT_TOTAL, offset  # binary search: each probe costs no more than its offset
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if (yield from lookup.ids(limit=1, offset=middle)) else (low, middle)
    return low


# ---------------------------------------------------------------- neighbours


def neighbours(
    image_id: int, lookup: Lookup, similar: Callable[[], Steps[list[int]]] | None, *, oldest_first: bool
) -> Steps[Neighbours]:
    """Return an image's neighbours in a list of matches, which ``similar`` images may follow, best first."""
    if (yield from lookup.ids(limit=1, above=image_id - 1, below=image_id + 1)):
        newer = yield from lookup.ids(limit=1, above=image_id, oldest_first=True)
        older = yield from lookup.ids(limit=1, below=image_id)
        before, behind = (older, newer) if oldest_first else (newer, older)
        if not behind and similar is not None:
            behind = yield from similar()
        return Neighbours(previous=next(iter(before), None), next=next(iter(behind), None))
    ids = [] if similar is None else (yield from similar())
    if image_id not in ids:
        return Neighbours()
    place = ids.index(image_id)
    last_match = lookup.ids(limit=1, oldest_first=not oldest_first)
    before = ids[place - 1 : place] if place else (yield from last_match)
    return Neighbours(previous=next(iter(before), None), next=next(iter(ids[place + 1 :]), None))


# ---------------------------------------------------------------- counts of quarters


def counted_bounds(bounds: Sequence[int], images: ImageList) -> list[int] | None:
    """Return the bounds within the list's times, or None if the table of counts cannot answer."""
    criteria = images.criteria
    others = attrs.evolve(
        criteria, provider_name=None, model_id=None, operation=None, created_from=None, created_to=None
    )
    times = [moment for moment in (criteria.created_from, criteria.created_to) if moment is not None]
    begin_quarters = all(moment == moment_of(quarter_of(moment)) for moment in times)
    if images.query is not None or others != ImageFilter() or not begin_quarters:
        return None
    low = bounds[0] if criteria.created_from is None else quarter_of(criteria.created_from)
    high = bounds[-1] if criteria.created_to is None else quarter_of(criteria.created_to)
    return [max(low, min(bound, high)) for bound in bounds]


def moment_of(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC)
