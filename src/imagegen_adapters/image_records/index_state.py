"""Whether a search index is usable and up to date, in whichever database."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from functools import lru_cache

from imagegen_core.search import VERSION, Simplify, fold

_CHARACTERS_PER_FOLD = 1000

Progress = Callable[[int, int], Awaitable[None] | None]
"""Called with the last indexed id and the last id to index."""


class IndexState(StrEnum):
    """Whether the search index is usable and up to date."""

    CURRENT = "current"
    STALE = "stale"
    """Prompts were folded by other rules than keywords are now; `reindex` updates it."""
    MISSING = "missing"
    """Searches are refused; `reindex` builds it."""


@lru_cache(maxsize=8)
def folding_version(simplify: Simplify) -> str:
    """Return a version of the folding and tokenisation in use; an index with another version is stale."""
    digest, separator = hashlib.sha256(), ""
    for characters in _foldable_characters():
        digest.update((separator + fold(characters, simplify)).encode())
        separator = "\n"
    return f"{VERSION}-{digest.hexdigest()[:16]}"


def _foldable_characters() -> Iterator[str]:
    """Yield the characters of the basic plane that folding may change: all but Hangul syllables.

    They are separated by line feeds, across which nothing is folded, and come a thousand at a time: all at
    once would leave the process 2 MB larger.
    """
    for span in (range(0x21, 0xAC00), range(0xF900, 0x10000)):
        for start in range(0, len(span), _CHARACTERS_PER_FOLD):
            yield "\n".join(map(chr, span[start : start + _CHARACTERS_PER_FOLD]))
