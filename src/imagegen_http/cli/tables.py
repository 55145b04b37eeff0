"""Lists on a terminal: a table; in a pipe: tab-separated lines."""

import sys
from collections.abc import Iterable, Sequence

import rich_click as click


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns, or ``empty`` on stderr when there are none."""
    cells = [[_one_line(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(empty, err=True)
        return
    if not sys.stdout.isatty():
        for row in cells:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, header_style="bold", box=None, pad_edge=False)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _one_line(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return "".join(c if c.isprintable() else " " for c in text)
