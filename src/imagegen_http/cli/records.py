"""Prints one thing of the API: its main fields on a terminal, for people, and all of it as JSON in a pipe."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from imagegen_core.messages import Language
from imagegen_http.cli.cells import padded, width_of, wrapped
from imagegen_http.cli.context import print_json
from imagegen_http.cli.tables import Column

_GAP = "  "


def show_record(
    record: Mapping[str, Any],
    fields: Sequence[tuple[Column, object]],
    *,
    as_json: bool,
    language: Language,
) -> None:
    """Print the fields that hold something, each below the other, or the record as JSON."""
    if as_json or not sys.stdout.isatty():
        print_json(record)
        return
    filled = [(column, value) for column, value in fields if value not in (None, "")]
    titles = [column.title().text(language) for column, _ in filled]
    indent = max(map(width_of, titles)) + len(_GAP)
    screen = shutil.get_terminal_size().columns
    for title, (column, value) in zip(titles, filled, strict=True):
        cell = column.cell(value, language)
        lines, margin = wrapped(cell.text, screen - indent), indent
        if any(width_of(line) > screen - indent for line in lines):  # an id, which has to be whole
            lines, margin = ["", *wrapped(cell.text, screen - len(_GAP))], len(_GAP)
        heading = click.style(padded(title, indent), bold=True)
        for line in lines:
            click.echo(heading + (click.style(line, fg=cell.colour) if cell.colour else line))
            heading = " " * margin
