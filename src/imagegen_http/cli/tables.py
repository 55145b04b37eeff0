"""Prints rows as a table on a terminal and as tab-separated lines in a pipe."""

import sys
from collections.abc import AsyncIterator, Iterable, Sequence

import click

_MIN_COLUMN = 8
"""The minimum width of a column, in characters; a terminal that is too narrow wraps the lines itself."""


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns, or ``empty`` on stderr when there are none."""
    cells = [[_one_line(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(empty, err=True)
    elif sys.stdout.isatty():
        _draw(columns, cells)
    else:
        for row in cells:
            click.echo("\t".join(row))


async def show_arriving(columns: Sequence[str], rows: AsyncIterator[Sequence[object]], *, empty: str) -> None:
    """Do the same as `show`, but in a pipe print each row as it arrives, so that no list is too long."""
    if sys.stdout.isatty():
        show(columns, [row async for row in rows], empty=empty)
        return
    nothing = True
    async for row in rows:
        nothing = False
        click.echo("\t".join(map(_one_line, row)))
    if nothing:
        click.echo(empty, err=True)


def _draw(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Draw a table whose first column, an id for the next command, is never shortened."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    first = max(len(row[0]) for row in cells)
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column(columns[0], no_wrap=True, min_width=first)
    for column in columns[1:]:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    console.width = max(console.width, first + (len(columns) - 1) * (_MIN_COLUMN + 1))
    console.print(table)


def _one_line(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return "".join(c if c.isprintable() else " " for c in text)
