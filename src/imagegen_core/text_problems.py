"""What is wrong with text that no store, answer or log can hold; `valid_text` repairs such text."""

from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.problems.fields import ProblemCode


def check_text(field: str, text: str, *, minimum: int = 0, maximum: int) -> None:
    """Refuse text of the wrong length, with NUL or with half of a surrogate pair.

    Raises:
        ValidationFailed: naming ``field``.
    """
    problem = text_problem(text)
    if problem is None and len(text.strip()) < minimum:
        problem = ProblemCode.EMPTY()
    if problem is None and len(text) > maximum:
        problem = ProblemCode.TOO_LONG(maximum=maximum)
    if problem is not None:
        raise ValidationFailed.for_field(field, problem)


def text_problem(text: str) -> Message | None:
    """Return what makes a text invalid; None for valid text."""
    if "\x00" in text:
        return ProblemCode.HAS_NUL()
    try:
        text.encode()
    except UnicodeEncodeError:
        return ProblemCode.HALF_SURROGATE()
    return None


def text_problems(value: Any, path: str = "") -> Iterator[tuple[str, Message]]:
    """Yield the dotted path of each invalid text in plain values, and what is wrong with it.

    An invalid key is reported at the path of its parent, so that every path is itself valid text.
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
