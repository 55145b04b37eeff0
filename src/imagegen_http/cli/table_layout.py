"""Where the cells of a row stand: in one line, or below each other where the screen is narrow."""

from collections.abc import Iterator, Sequence

import attrs
import click

from imagegen_http.cli.cells import padded, shortened, width_of

_GAP = 2
_MIN_TEXT_CELLS = 16
"""With less room a text stands in a line of its own."""


@attrs.frozen
class Cell:
    """One line of text, and how it looks."""

    text: str
    colour: str | None = attrs.field(default=None, kw_only=True)
    is_bold: bool = attrs.field(default=False, kw_only=True)

    @property
    def width(self) -> int:
        """How many cells of a terminal it takes."""
        return width_of(self.text)

    def drawn(self, room: int) -> str:
        """Return it with spaces up to the room, shortened where it is longer."""
        text = shortened(self.text, room)
        spaces = padded(text, room)[len(text) :]
        is_plain = not text or not (self.colour or self.is_bold)
        return (text if is_plain else click.style(text, fg=self.colour, bold=self.is_bold or None)) + spaces


@attrs.frozen
class Width:
    """The widest cell of a column; that of a flexible one is shortened where the screen ends."""

    cells: int
    is_flexible: bool = attrs.field(kw_only=True)

    @property
    def needed(self) -> int:
        """The least room that it can do with."""
        return min(self.cells, _MIN_TEXT_CELLS) if self.is_flexible else self.cells


@attrs.frozen
class Line:
    """A part of a row: the room of each column from ``first`` on."""

    first: int
    indent: int
    rooms: tuple[int, ...]

    def drawn(self, row: Sequence[Cell]) -> Iterator[str]:
        """Yield the line, if anything stands in it."""
        cells = row[self.first : self.first + len(self.rooms)]
        if any(cell.text for cell in cells):
            drawn = (cell.drawn(room) for cell, room in zip(cells, self.rooms, strict=True))
            yield " " * self.indent + (" " * _GAP).join(drawn).rstrip()


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


def _rooms(widths: Sequence[Width], screen: int) -> Iterator[int]:
    remaining = screen
    for number, width in enumerate(widths):
        if number and width.needed > remaining:
            return
        room = min(width.cells, max(remaining, width.needed)) if width.is_flexible else width.cells
        yield room
        remaining -= room + _GAP
