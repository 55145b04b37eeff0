"""Text that every store, response and log can hold: it encodes to UTF-8 and contains no NUL.

JSON can escape a lone surrogate, which Python turns into a string that no codec encodes, and NUL, which
PostgreSQL's ``text`` rejects. Invalid text from a caller is refused, naming the field. Invalid text from a
provider is repaired, because it must not cost an image that has been paid for.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Replaces each invalid character."""

MAX_DEPTH = 64
"""Maximum nesting of stored JSON; deeper values would overflow the stack when they are serialised."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced by U+FFFD."""
    text = text.replace("\x00", REPLACEMENT)
    try:
        text.encode()  # ten times faster than the pattern: texts of a megabyte are common
    except UnicodeEncodeError:
        return _SURROGATE.sub(REPLACEMENT, text)
    return text


def valid_json(value: Any) -> Any:
    """Return plain values made storable, at any depth; mappings become dicts.

    Strings and keys are made valid. Non-finite numbers and anything nested deeper than `MAX_DEPTH` become
    None.
    """
    return _valid(value, MAX_DEPTH)


def _valid(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, Mapping):
        return {valid_text(str(k)): _valid(v, depth - 1) for k, v in value.items()} if depth > 0 else None
    if isinstance(value, list | tuple):
        return [_valid(item, depth - 1) for item in value] if depth > 0 else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
