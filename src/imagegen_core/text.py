"""Checks of text that no store, answer or log can hold, and suggestions for misspelt names."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message, ProblemCode

_CONTROLS = frozenset({"Cc", "Zl", "Zp"})  # categories of characters that would break a line
_JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need
_INVISIBLE = f"{_JOINERS}\ufe0e\ufe0f"  # nothing by themselves: joiners, and variation selectors of emoji


def check_name(field: str, name: str, *, minimum: int = 1, maximum: int) -> None:
    """Check a name as `check_text` does, and refuse characters that people cannot see."""
    check_text(field, name.strip(_INVISIBLE), minimum=minimum, maximum=maximum)
    check_text(field, name, maximum=maximum)
    categories = {unicodedata.category(character) for character in name if character not in _JOINERS}
    if not _CONTROLS.isdisjoint(categories):
        raise ValidationFailed.for_field(field, ProblemCode.HAS_CONTROLS())
    if "Cf" in categories:
        raise ValidationFailed.for_field(field, ProblemCode.HAS_INVISIBLES())


def check_text(field: str, text: str, *, minimum: int = 0, maximum: int) -> None:
    """Refuse text of the wrong length, with NUL or with half of a surrogate pair."""
    problem = text_problem(text)
    if problem is None and len(text.strip()) < minimum:
        problem = ProblemCode.EMPTY()
    if problem is None and len(text) > maximum:
        problem = ProblemCode.TOO_LONG(maximum=maximum)
    if problem is not None:
        raise ValidationFailed.for_field(field, problem)


def text_problem(text: str) -> Message | None:
    if "\x00" in text:
        return ProblemCode.HAS_NUL()
    try:
        text.encode()
    except UnicodeEncodeError:
        return ProblemCode.HALF_SURROGATE()
    return None


def text_problems(value: Any, path: str = "") -> Iterator[tuple[str, Message]]:
    """Yield the dotted path of each invalid text in plain values, and what is wrong with it.

    An invalid key is reported at its parent's path, so that every path is valid text.
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


_MIN_SIMILARITY = 0.7  # the least similarity, 0 to 1, at which a name counts as another one misspelt


def nearest(name: str, known_keys: Iterable[str], *, min_similarity: float = _MIN_SIMILARITY) -> str | None:
    from difflib import get_close_matches  # not at the top: it takes 0.6 MB, and misspelt keys are rare

    close = get_close_matches(name.lower(), sorted(known_keys), n=1, cutoff=min_similarity)
    return close[0] if close else None


def unknown_key(name: str, known_keys: Iterable[str]) -> Message:
    """Return the problem of an unknown key, with the known one that was probably meant."""
    meant = nearest(name, known_keys)
    return ProblemCode.UNKNOWN_KEY() if meant is None else ProblemCode.MISSPELT_KEY(suggestion=meant)
