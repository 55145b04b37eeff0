"""Prints rows as a table on a terminal, for people, and as tab-separated lines in a pipe, for scripts.

A pipe gets every value whole, as the API has it, and a status in its colour only where colours are asked for.
A terminal gets words in the reader's language, local times and colours; ids are whole there, too, at any
width, while prompts are shortened.
"""

import shutil
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import TypeVar

import attrs
import click

from imagegen_core.messages import Language, Message, MessageCode
from imagegen_http.cli.local_times import local_time
from imagegen_http.cli.statuses import status_colour, status_text
from imagegen_http.cli.table_layout import Cell, Width, fitting, layout
from imagegen_http.cli.value_words import value_text

_Item = TypeVar("_Item")


class Kind(Enum):
    """What a column holds."""

    VALUE = auto()
    """A name, an id, a number: never shortened."""

    TEXT = auto()
    """A prompt: shortened to the room that is left."""

    NAMES = auto()
    """Names with commas between them: whole, in as many lines as they need."""

    WORD = auto()
    """One of a few values that have words in each language."""

    STATUS = auto()
    TIME = auto()


@attrs.frozen
class Column:
    """A column of a table; its title is shown on a terminal only.

    One that ``may_be_absent`` is in a table only where the row still fits in one line.
    """

    title: MessageCode
    kind: Kind = Kind.VALUE
    may_be_absent: bool = attrs.field(default=False, kw_only=True)

    def cell(self, value: object, language: Language) -> Cell:
        """Return what a terminal shows of a value."""
        text = _one_line(value)
        match self.kind:
            case Kind.STATUS:
                return Cell(status_text(text, language), colour=status_colour(text))
            case Kind.TIME:
                return Cell(local_time(text))
            case Kind.WORD:
                return Cell(value_text(text, language))
            case Kind.NAMES:
                return Cell(text, is_wrapped=True)
            case _:
                return Cell(text)


def show(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], *, language: Language, empty: Message
) -> None:
    """Print rows under their columns, or ``empty`` on stderr when there are none."""
    values = [[*row] for row in rows]
    if not values:
        click.echo(empty.text(language), err=True)
        return
    lines = (
        _drawn(columns, values, language)
        if sys.stdout.isatty()
        else (_tabbed(columns, row) for row in values)
    )
    for line in lines:
        click.echo(line)


async def show_arriving(
    columns: Sequence[Column], rows: AsyncIterator[Sequence[object]], *, language: Language, empty: Message
) -> None:
    """Do the same as `show`, but in a pipe print each row as it arrives, so that no list is too long."""
    if sys.stdout.isatty():
        show(columns, [row async for row in rows], language=language, empty=empty)
        return
    nothing = True
    async for row in rows:
        nothing = False
        click.echo(_tabbed(columns, row))
    if nothing:
        click.echo(empty.text(language), err=True)


def _drawn(columns: Sequence[Column], rows: Sequence[Sequence[object]], language: Language) -> Iterator[str]:
    """Yield the lines of a table, without the columns in which nothing stands."""
    filled = [any(value not in (None, "") for value in values) for values in zip(*rows, strict=True)]
    shown = [*_only(columns, filled)]
    titles = [Cell(column.title().text(language), is_bold=True) for column in shown]
    cells = [
        [column.cell(value, language) for column, value in zip(shown, _only(row, filled), strict=True)]
        for row in rows
    ]
    table = [titles, *cells]
    widths = [
        _width(column, column_cells)
        for column, column_cells in zip(shown, zip(*table, strict=True), strict=True)
    ]
    screen = shutil.get_terminal_size().columns
    is_shown = fitting(widths, [column.may_be_absent for column in shown], screen=screen)
    lines = layout([*_only(widths, is_shown)], screen=screen)
    for row in table:
        for line in lines:
            yield from line.drawn([*_only(row, is_shown)])


def _width(column: Column, cells: Sequence[Cell]) -> Width:
    return Width(
        max(cell.width for cell in cells),
        is_flexible=column.kind in (Kind.TEXT, Kind.NAMES),
        unbroken=max(cell.unbroken for cell in cells),
    )


def _only(items: Sequence[_Item], filled: Sequence[bool]) -> Iterator[_Item]:
    return (item for item, is_filled in zip(items, filled, strict=True) if is_filled)


def _tabbed(columns: Sequence[Column], row: Iterable[object]) -> str:
    """Return a line with the values as they are; click takes the colours away unless they are asked for."""
    texts = (_one_line(value) for value in row)
    return "\t".join(
        click.style(text, fg=status_colour(text)) if column.kind is Kind.STATUS else text
        for column, text in zip(columns, texts, strict=True)
    )


def _one_line(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text)
