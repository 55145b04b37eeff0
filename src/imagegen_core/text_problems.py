"""What is wrong with text that no store, answer or log can hold."""

from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.messages import Message
from imagegen_core.problems import ProblemCode
from imagegen_core.values.valid_text import is_valid


def text_problem(text: str) -> Message | None:
    """Return what makes a text invalid; None for valid text."""
    if is_valid(text):
        return None
    return ProblemCode.HAS_NUL() if "\x00" in text else ProblemCode.HALF_SURROGATE()


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
