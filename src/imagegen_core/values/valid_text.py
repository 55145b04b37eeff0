"""Text that every store, answer and log can hold: it encodes to UTF-8 and has no NUL.

JSON may spell half of a surrogate pair, of which Python makes a string that nothing encodes, and NUL, which
PostgreSQL's text refuses. What a person typed is refused, naming the field; what a provider said is not worth
losing an image for, so it is mended.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands for each character that was no character."""

MAX_DEPTH = 64
"""Levels of JSON that are kept; what lies deeper would overflow a stack when it is written."""

_INVALID = re.compile(r"[\x00\ud800-\udfff]")


def text_problem(text: str) -> str | None:
    """Return what makes a text invalid, as a caller reads it; None for valid text."""
    if _is_valid(text):
        return None
    return "must not contain NUL" if "\x00" in text else "must not contain half of a surrogate pair"


def text_problems(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the dotted path of each invalid text in plain values, and what is wrong with it.

    A name that is invalid itself is complained of at what holds it, so every path can be shown.
    """
    if isinstance(value, str):
        if problem := text_problem(value):
            yield path, problem
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if problem := text_problem(str(name)):
                yield path, problem
            else:
                yield from text_problems(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from text_problems(item, f"{path}.{index}" if path else str(index))


def valid_text(text: str) -> str:
    """Return the text with U+FFFD in place of NUL and of halves of surrogate pairs."""
    return text if _is_valid(text) else _INVALID.sub(REPLACEMENT, text)


def valid_json(value: Any) -> Any:
    """Return plain values as they can be stored and answered, at any depth; mappings become dicts.

    Texts and names are made valid. A number that is not finite becomes None, as does what lies deeper than
    `MAX_DEPTH`.
    """
    return _valid(value, MAX_DEPTH)


def _is_valid(text: str) -> bool:
    """Tell it in a tenth of the time that the pattern takes: texts of a megabyte come in numbers."""
    if "\x00" in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


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
