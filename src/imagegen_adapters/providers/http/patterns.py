"""Which regular expressions of a document may be used on what a provider says.

Python's engine tries every way to match, so an expression that a caller wrote and a text of a provider
could hold up the whole service. What finds a number in a sentence needs none of what makes that possible.
"""

import re
import re._constants as ops  # type: ignore[import-not-found] # Python has no public parser of expressions
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from typing import Any

import attrs

SEARCHED_CHARS = 500
"""So much of a text is searched."""

MAX_PATTERN_CHARS = 200
MAX_ALTERNATIVES = 8
"""Alternatives and optional parts; each may double the work."""

MAX_REPEATS = 2
"""Parts that may come more than once; each multiplies the work by the length of the text."""

_REPEATS = frozenset((ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT))
_REFERENCES = frozenset((ops.GROUPREF, ops.GROUPREF_EXISTS))


@attrs.frozen
class _Choice:
    """Something that can match in several ways, up to ``most`` times; ``repeated`` within another repeat."""

    most: int
    repeated: bool
    reference: bool = False


def pattern_problem(expression: str) -> str | None:
    """Return what is wrong with an expression for a number: malformed, without a group, slow on some text."""
    if len(expression) > MAX_PATTERN_CHARS:
        return f"must be at most {MAX_PATTERN_CHARS} characters"
    try:
        groups = re.compile(expression).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return "needs a group around the number" if groups < 1 else _slow_construct(parser.parse(expression))


def _slow_construct(tree: Any) -> str | None:
    choices = list(_choices(tree, repeated=False))
    if any(choice.reference for choice in choices):
        return "must not refer back to a group"
    if any(choice.repeated for choice in choices):
        return "must not have a repeat or a choice within a repeat"
    if sum(choice.most > 1 for choice in choices) > MAX_REPEATS:
        return f"must not have more than {MAX_REPEATS} repeats"
    if len(choices) > MAX_ALTERNATIVES:
        return f"must not have more than {MAX_ALTERNATIVES} repeats and choices"
    return None


def _choices(part: Any, *, repeated: bool) -> Iterator[_Choice]:
    """Yield what is below one part of the parser's tree of sequences, and of pairs with a code in front."""
    if isinstance(part, tuple) and part and part[0] in _REPEATS:
        least, most, inner = part[1]
        if least != most:
            yield _Choice(int(most), repeated)
        yield from _choices(inner, repeated=repeated or most > 1)
        return
    if isinstance(part, tuple) and part and part[0] is ops.BRANCH:
        yield _Choice(1, repeated)
    elif isinstance(part, tuple) and part and part[0] in _REFERENCES:
        yield _Choice(1, repeated, reference=True)
    if isinstance(part, tuple | list | parser.SubPattern):
        for inner in part:
            yield from _choices(inner, repeated=repeated)
