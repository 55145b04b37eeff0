"""Where the cells of a row stand: in one line, or below each other where the screen is narrow."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import attrs
import click

from imagegen_http.cli.cells import padded, shortened, width_of, wrapped

_GAP = 2
_MIN_TEXT_CELLS = 16
"""With less room a text stands in a line of its own."""


@attrs.frozen
class Cell:
    """One line of text, and how it looks; where it ``is_wrapped``, all of it is shown, in more lines."""

    text: str
    colour: str | None = attrs.field(default=None, kw_only=True)
    is_bold: bool = attrs.field(default=False, kw_only=True)
    is_wrapped: bool = attrs.field(default=False, kw_only=True)

    @property
    def width(self) -> int:
        """How many cells of a terminal it takes."""
        return width_of(self.text)

    @property
    def unbroken(self) -> int:
        """How many cells its longest word takes that no line may be broken in."""
        return max(map(width_of, self.text.split()), default=0) if self.is_wrapped else 0

    def drawn(self, room: int) -> list[str]:
        """Return its lines with spaces up to the room, one shortened line unless it is wrapped."""
        if self.is_wrapped:
            return [padded(line, room) for line in wrapped(self.text, room)]
        text = shortened(self.text, room)
        spaces = padded(text, room)[len(text) :]
        is_plain = not text or not (self.colour or self.is_bold)
        return [(text if is_plain else click.style(text, fg=self.colour, bold=self.is_bold or None)) + spaces]


@attrs.frozen
class Width:
    """The widest cell of a column; that of a flexible one is shortened or wrapped where the screen ends."""

    cells: int
    is_flexible: bool = attrs.field(kw_only=True)
    unbroken: int = attrs.field(default=0, kw_only=True)

    @property
    def needed(self) -> int:
        """The least room that it can do with."""
        return max(min(self.cells, _MIN_TEXT_CELLS), self.unbroken) if self.is_flexible else self.cells


@attrs.frozen
class Line:
    """A part of a row: the room of each column from ``first`` on."""

    first: int
    indent: int
    rooms: tuple[int, ...]

    def drawn(self, row: Sequence[Cell]) -> Iterator[str]:
        """Yield the line, or as many as its cells need, if anything stands in it."""
        cells = row[self.first : self.first + len(self.rooms)]
        if any(cell.text for cell in cells):
            drawn = [cell.drawn(room) for cell, room in zip(cells, self.rooms, strict=True)]
            for texts in zip_longest(*drawn):
                parts = (text or " " * room for text, room in zip(texts, self.rooms, strict=True))
                yield " " * self.indent + (" " * _GAP).join(parts).rstrip()


def layout(widths: Sequence[Width], *, screen: int) -> tuple[Line, ...]:
    """Return the lines of a row: each takes the columns that fit beside each other, at least one."""
    lines: list[Line] = []
    first = 0
    while first < len(widths):
        indent = _GAP if lines else 0
        rooms = [*_rooms(widths[first:], screen - indent)]
        lines.append(Line(first, indent, tuple(rooms)))
        first += len(rooms)
    return tuple(lines)


def fitting(widths: Sequence[Width], may_be_absent: Sequence[bool], *, screen: int) -> list[bool]:
    """Return which columns to show, so that a row fits in one line; the last that may be absent go first."""
    is_shown = [True] * len(widths)
    for number in reversed(range(len(widths))):
        shown = [width.needed for width, is_there in zip(widths, is_shown, strict=True) if is_there]
        if sum(shown) + _GAP * (len(shown) - 1) <= screen:
            break
        is_shown[number] = not may_be_absent[number]
    return is_shown


def _rooms(widths: Sequence[Width], screen: int) -> Iterator[int]:
    remaining = screen
    for number, width in enumerate(widths):
        if number and width.needed > remaining:
            return
        room = min(width.cells, max(remaining, width.needed)) if width.is_flexible else width.cells
        yield room
        remaining -= room + _GAP
