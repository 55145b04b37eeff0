"""Restricts the regular expressions of a document, which run on text from the provider.

Python's engine backtracks through every way to match, so an expression from a caller and a text from a
provider could block the whole service. Finding a number in a message needs none of the constructs that
make this possible.
"""

import math
import re
import re._constants as ops  # type: ignore[import-not-found] # Python has no public parser of expressions
import re._parser as parser  # type: ignore[import-not-found] # as above
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import attrs

from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_core.messages import Message
from imagegen_core.problems.fields import ProblemCode

MAX_SEARCHED_CHARS = 500
"""The length of the text that is searched, at most: `searched_chars`."""

MAX_GLOB_CHARS = 200

_MAX_WAYS = 1_000_000
"""In which all patterns of a response are tried, which takes some milliseconds."""

_LONG_REPEAT = 20
_NUMBER = r"\d+(?:\.\d+)?"
"""Has two repeats, and one way to match: what is between them is no digit."""

MAX_PATTERN_CHARS = 200
MAX_ALTERNATIVES = 8
"""Alternatives and optional parts; each may double the work."""

MAX_REPEATS = 2
"""Repeated parts; each multiplies the work by the length of the text."""

_REPEATS = frozenset((ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT))
_REFERENCES = frozenset((ops.GROUPREF, ops.GROUPREF_EXISTS))


@attrs.frozen
class _Choice:
    """A part that can match in several ways or up to ``max_count`` times; ``repeated`` inside a repeat."""

    max_count: int
    repeated: bool
    reference: bool = False
    ways: int = 2


def pattern_problem(expression: str) -> Message | None:
    """Return what is wrong with an expression for a number: malformed, without a group, or slow."""
    if len(expression) > MAX_PATTERN_CHARS:
        return ProblemCode.TOO_LONG(maximum=MAX_PATTERN_CHARS)
    try:
        groups = re.compile(expression).groups
    except (re.error, OverflowError, RecursionError) as error:
        return DocumentCode.NOT_A_PATTERN(detail=str(error))
    return DocumentCode.PATTERN_WITHOUT_GROUP() if groups < 1 else _slow_construct(parser.parse(expression))


@lru_cache(maxsize=256)
def searched_chars(expression: str, number: int) -> int:
    """Return how much of a text may be searched by one of a ``number`` of patterns.

    Each part that can be repeated for long multiplies the ways to match by the length of the text.
    """
    choices = list(_choices(parser.parse(expression.replace(_NUMBER, r"\d+")), repeated=False))
    ways = math.prod(choice.ways for choice in choices if choice.ways <= _LONG_REPEAT)
    power = 1 + sum(choice.ways > _LONG_REPEAT for choice in choices)
    chars = (_MAX_WAYS / number / ways * math.factorial(power)) ** (1 / power)
    return max(1, min(MAX_SEARCHED_CHARS, int(chars)))


def matches_glob(text: str, patterns: Iterable[str]) -> bool:
    """Return whether a short text is one of the names, or matches one of the globs."""
    short = text[:MAX_SEARCHED_CHARS]
    return any(fnmatchcase(short, each) if is_glob(each) else text == each for each in patterns)


def is_glob(pattern: str) -> bool:
    """Return whether it may match anything but itself."""
    return not set("*?[").isdisjoint(pattern)


def _slow_construct(tree: Any) -> Message | None:
    choices = list(_choices(tree, repeated=False))
    if any(choice.reference for choice in choices):
        return DocumentCode.PATTERN_REFERS_BACK()
    if any(choice.repeated for choice in choices):
        return DocumentCode.PATTERN_NESTED()
    if sum(choice.max_count > 1 for choice in choices) > MAX_REPEATS:
        return DocumentCode.PATTERN_REPEATS(maximum=MAX_REPEATS)
    if len(choices) > MAX_ALTERNATIVES:
        return DocumentCode.PATTERN_CHOICES(maximum=MAX_ALTERNATIVES)
    return None


def _choices(part: Any, *, repeated: bool) -> Iterator[_Choice]:
    """Yield the choices below one part of the parser's tree of sequences and (code, argument) pairs."""
    if isinstance(part, tuple) and part and part[0] in _REPEATS:
        min_count, max_count, inner = part[1]
        if min_count != max_count:
            yield _Choice(int(max_count), repeated, ways=int(max_count) - int(min_count) + 1)
        yield from _choices(inner, repeated=repeated or max_count > 1)
        return
    if isinstance(part, tuple) and part and part[0] is ops.BRANCH:
        yield _Choice(1, repeated, ways=min(_LONG_REPEAT, len(part[1][1])))
    elif isinstance(part, tuple) and part and part[0] in _REFERENCES:
        yield _Choice(1, repeated, reference=True)
    if isinstance(part, tuple | list | parser.SubPattern):
        for inner in part:
            yield from _choices(inner, repeated=repeated)
