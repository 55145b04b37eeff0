"""What a search index holds of an image, and what is looked up in it, in whichever database."""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import attrs

from imagegen_adapters.image_records.rows import milliseconds
from imagegen_core.images import Image
from imagegen_core.marks import Marks, fold_name
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.search import Simplify, evenly_spaced, fold, terms, tokens

MAX_TERMS = 24
"""A query of the index has at most this many tokens; beyond that, the prompts themselves are checked."""

MAX_INLINE_CHARACTERS = 1000
"""The most text of prompts that is folded on the event loop, in 0.25 ms; more is folded in a thread."""

FAVOURITE = "favourite"
"""The token of favourites; it is longer than any token of a prompt, and no facet's."""

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class IndexEntry:
    """The entry of an image in the index: its folded prompt and its tokens, separated by spaces.

    The tokens of its marks, which change, are not among them.
    """

    created_ms: int
    folded: str
    tokens: str

    @classmethod
    def from_image(cls, image: Image, simplify: Simplify) -> "IndexEntry":
        """Return the entry of an image."""
        folded = fold(image.prompt, simplify)
        return cls(
            created_ms=milliseconds(image.created_at), folded=folded, tokens=index_tokens(image, folded)
        )

    def with_marks(self, marks: Marks) -> "IndexEntry":
        """Return the entry with the tokens of an image's marks."""
        return attrs.evolve(self, tokens=" ".join((self.tokens, *mark_tokens(marks))))


async def prepare_each(images: Sequence[Image], prepare: Callable[[Image], T]) -> list[T]:
    """Return what ``prepare`` makes of each image, such as its entry; of long prompts in a thread."""

    def prepare_all() -> list[T]:
        return [prepare(image) for image in images]

    if sum(len(image.prompt) for image in images) <= MAX_INLINE_CHARACTERS:
        return prepare_all()
    return await asyncio.to_thread(prepare_all)


@lru_cache(maxsize=1000)
def facet(name: str, value: str) -> str:
    """Return the token of a value that lists are filtered by; it is longer than any token of a prompt."""
    return name + value.encode("utf-8", "surrogatepass").hex()


def search_terms(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return tokens that every prompt with all words has, and the words that they do not prove."""
    word_terms = [terms(word) for word in words]
    distinct = tuple(dict.fromkeys(token for of_word in word_terms for token in of_word.tokens))
    has_all_tokens = len(distinct) <= MAX_TERMS
    unproven = tuple(
        word
        for word, of_word in zip(words, word_terms, strict=True)
        if not (has_all_tokens and of_word.proven)
    )
    return evenly_spaced(distinct, MAX_TERMS), unproven


def facets(criteria: ImageFilter) -> list[str]:
    """Return the tokens of the provider, model and operation that images are filtered by."""
    values = {"provider": criteria.provider_name, "model": criteria.model_id, "operation": criteria.operation}
    return [facet(name, value) for name, value in values.items() if value is not None]


def mark_facets(criteria: ImageFilter) -> list[str]:
    """Return the tokens of the marks that images are filtered by, in one order."""
    marks = Marks(
        favourite=criteria.favourite is True,
        tags=() if criteria.tag is None else (criteria.tag,),
        collections=() if criteria.collection is None else (criteria.collection,),
    )
    return sorted(mark_tokens(marks))


def is_about_marks(criteria: ImageFilter) -> bool:
    """Return whether which images meet the criteria depends on what people put on them."""
    return (criteria.favourite, criteria.tag, criteria.collection) != (None, None, None)


def mark_tokens(marks: Marks) -> frozenset[str]:
    """Return the tokens of an image that come and go with its marks."""
    return frozenset(
        (
            *((FAVOURITE,) if marks.favourite else ()),
            *(facet("tag", fold_name(name)) for name in marks.tags),
            *(facet("collection", str(collection)) for collection in marks.collections),
        )
    )


def index_tokens(image: Image, folded: str) -> str:
    """Return the tokens of an image that never change: of its prompt, provider, model and operation."""
    return " ".join(
        (
            *tokens(folded),
            facet("provider", image.provider_name),
            facet("model", image.model_id),
            facet("operation", image.operation.value),
        )
    )
