"""Widths as a terminal has them: a Chinese character takes two cells, a combining one takes none."""

import re
from collections.abc import Iterator

ELLIPSIS = "…"

_WIDE = r"\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
_CLOSING = r"，。；：、！？）》」』】…"
_OPENING = r"（《「『【"
_UNIT = re.compile(rf"\s+|[{_OPENING}]*(?:[^\s{_WIDE}]+|[{_WIDE}])[{_CLOSING}]*|\S")
"""What no line is broken in: a word, or a Chinese character with its punctuation."""


def width_of(text: str) -> int:
    """Return how many cells a line of text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, cells: int) -> str:
    """Return the text with spaces after it, so that it takes this many cells; a longer one as it is."""
    return text + " " * (cells - width_of(text))


def shortened(text: str, cells: int) -> str:
    """Return the text, or as much of its beginning as fits with an ellipsis."""
    if width_of(text) <= cells:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS


def wrapped(paragraph: str, cells: int) -> list[str]:
    """Return the lines of a paragraph, broken at spaces and between Chinese characters."""
    lines, line = [], ""
    for unit in _units(paragraph):
        if line and width_of(line) + width_of(unit) > cells and unit.strip():
            lines.append(line.rstrip())
            line = ""
        line += unit if line or unit.strip() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


def _units(paragraph: str) -> Iterator[str]:
    return (" " if match[0].isspace() else match[0] for match in _UNIT.finditer(paragraph))
