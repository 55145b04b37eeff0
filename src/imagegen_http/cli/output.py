"""Prints lists, records and progress: for people on a terminal, for scripts in a pipe.

A pipe gets whole values as the API has them, in tab-separated lines or JSON. A terminal gets words in the
reader's language, local times, colours and whole ids; prompts are shortened.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click

from imagegen_core.messages import Message
from imagegen_http.cli.context import note
from imagegen_http.cli.words import in_words, label, padded, shortened, width_of, wrapped

if TYPE_CHECKING:
    from imagegen_http.cli.api import Api  # would delay `--help`

_GAP = 2  # cells between columns
_MIN_TEXT_CELLS = 16  # with less room a text gets a line of its own

_STATUS_COLOURS = {
    "processing": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "on": "green",
    "deprecated": "yellow",
    "retired": "red",
}


@attrs.frozen
class Cell:
    """A styled text of one line; with ``is_wrapped`` it takes more lines instead of being shortened."""

    text: str
    colour: str | None = attrs.field(default=None, kw_only=True)
    is_bold: bool = attrs.field(default=False, kw_only=True)
    is_wrapped: bool = attrs.field(default=False, kw_only=True)

    def drawn(self, room: int) -> list[str]:
        """Return the lines, padded to the room."""
        if self.is_wrapped:
            return [padded(line, room) for line in wrapped(self.text, room)]
        text = shortened(self.text, room)
        spaces = padded(text, room)[len(text) :]
        is_plain = not text or not (self.colour or self.is_bold)
        return [(text if is_plain else click.style(text, fg=self.colour, bold=self.is_bold or None)) + spaces]


@attrs.frozen
class Column:
    """A column of a table, or a line of a record; only a terminal shows titles.

    A name, an id and a number are never shortened, a prompt is a ``text`` and shortened to the room that is
    left, ``names`` with commas are wrapped, and a ``word`` is one of a few that each language has.
    """

    title: str
    source: str | Callable[[Any], object] | None = None  # by default the title
    kind: Literal["value", "text", "names", "word", "status", "time"] = "value"
    may_be_absent: bool = attrs.field(default=False, kw_only=True)

    def value(self, item: Any) -> object:
        if callable(self.source):
            return self.source(item)
        for key in (self.source or self.title).split("."):
            item = item[key] if item else None
        return item

    def cell(self, value: object) -> Cell:
        text = _one_line(value)
        match self.kind:
            case "status":
                return Cell(label("status", text), colour=_STATUS_COLOURS.get(text))
            case "time":
                return Cell(local_time(text))
            case "word":
                return Cell(label("value", text))
        return Cell(text, is_wrapped=self.kind == "names")


def local_time(text: str) -> str:
    """Return a time in the zone of ``TZ``, else the machine's, such as ``2026-11-27 11:52 +08:00``."""
    if not text:
        return ""
    local = datetime.fromisoformat(text).astimezone().isoformat(sep=" ", timespec="minutes")
    return f"{local[:16]} {local[16:]}"


def cost_note(cost: Mapping[str, Any] | None) -> str | None:
    """Return amount and currency; None if there is nothing to pay or the amount is unknown."""
    return None if cost is None or cost["amount"] is None else f"{cost['amount']} {cost['currency']}"


def size_of(image: Mapping[str, Any]) -> str:
    return f"{image['width']}x{image['height']}" if image["width"] else "–"


def show_status(status: str) -> None:
    text = label("status", status) if sys.stdout.isatty() else status
    click.echo(click.style(text, fg=_STATUS_COLOURS.get(status)))


def _one_line(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text)


# ---------------------------------------------------------------- records and tables


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_record(record: Mapping[str, Any], fields: Sequence[Column], *, as_json: bool) -> None:
    """Print the filled fields, one below the other; in a pipe the whole record as JSON."""
    if as_json or not sys.stdout.isatty():
        print_json(record)
        return
    values = [(column, column.value(record)) for column in fields]
    filled = [(label("title", column.title), column.cell(v)) for column, v in values if v not in (None, "")]
    indent = max(width_of(title) for title, _ in filled) + _GAP
    screen = shutil.get_terminal_size().columns
    for title, cell in filled:
        lines, margin = wrapped(cell.text, screen - indent), indent
        if any(width_of(line) > screen - indent for line in lines):  # an id is never cut
            lines, margin = ["", *wrapped(cell.text, screen - _GAP)], _GAP
        heading = click.style(padded(title, indent), bold=True)
        for line in lines:
            click.echo(heading + (click.style(line, fg=cell.colour) if cell.colour else line))
            heading = " " * margin


def show_table(
    columns: Sequence[Column], items: Sequence[Any], *, empty: Message, as_json: bool = False
) -> None:
    """Print items as a table or as JSON; ``empty`` goes to stderr if there are none."""
    if as_json:
        print_json(items)
    elif not items:
        note(empty)
    elif sys.stdout.isatty():
        for line in table(columns, items, screen=shutil.get_terminal_size().columns):
            click.echo(line)
    else:
        for item in items:
            click.echo(_tabbed(columns, item))


async def show_list(
    api: "Api",
    path: str,
    params: Mapping[str, Any],
    columns: Sequence[Column],
    *,
    empty: Message,
    limit: int | None,
    as_json: bool,
) -> None:
    """Print a list page by page, and note if there is more; only a terminal's table is held in memory."""
    is_table = sys.stdout.isatty() and not as_json
    shown, rows, page = 0, [], {}
    async for page in api.pages(path, limit=limit, **params):
        for item in page["items"]:
            if as_json:  # as `json.dumps` would print the list
                text = json.dumps(item, ensure_ascii=False, indent=2).replace("\n", "\n  ")
                click.echo(f"{',' if shown else '['}\n  {text}", nl=False)
            elif is_table:
                rows.append(item)
            else:
                click.echo(_tabbed(columns, item))
            shown += 1
    if as_json:
        click.echo("\n]" if shown else "[]")
    elif is_table or not shown:
        show_table(columns, rows, empty=empty)
    if page["has_more"]:
        total = f"{page['total']:,}"
        if not page.get("total_is_exact", True):
            total = in_words("{total} or more", total=total)
        note("the first {shown} of {total}; --limit or --all lists more", shown=shown, total=total)


def _tabbed(columns: Sequence[Column], item: Any) -> str:
    """Return the raw values; click strips the colours unless they are asked for."""
    texts = ((column, _one_line(column.value(item))) for column in columns)
    return "\t".join(
        click.style(text, fg=_STATUS_COLOURS.get(text)) if column.kind == "status" else text
        for column, text in texts
    )


@attrs.frozen(eq=False)
class _Strip:
    """A column's cells, the first of them its title, the cells that it would take, and the least it needs."""

    cells: Sequence[Cell]
    widest: int
    needed: int
    may_be_absent: bool

    @classmethod
    def from_values(cls, column: Column, values: Sequence[object]) -> "_Strip":
        """A flexible column can be shortened, or wrapped at words."""
        cells = [Cell(label("title", column.title), is_bold=True), *map(column.cell, values)]
        needed = widest = max(width_of(cell.text) for cell in cells)
        if column.kind in ("text", "names"):
            words = (word for cell in cells if cell.is_wrapped for word in cell.text.split())
            needed = max(min(widest, _MIN_TEXT_CELLS), *map(width_of, words), 0)
        return cls(cells, widest, needed, column.may_be_absent)


def table(columns: Sequence[Column], items: Sequence[Any], *, screen: int) -> Iterator[str]:
    """Yield the lines of a table without its empty columns.

    Optional columns are dropped from the last until a row fits in a line. If it still does not fit, it is
    split: each line takes the columns that fit, at least one.
    """
    values = ((column, [column.value(item) for item in items]) for column in columns)
    strips = [
        _Strip.from_values(column, cells) for column, cells in values if {*map(_one_line, cells)} != {""}
    ]
    for optional in [strip for strip in reversed(strips) if strip.may_be_absent]:
        if sum(strip.needed + _GAP for strip in strips) - _GAP > screen:
            strips.remove(optional)
    lines: list[list[tuple[_Strip, int]]] = []
    remaining = screen
    for strip in strips:
        if not lines or strip.needed > remaining:
            remaining = screen - (_GAP if lines else 0)
            lines.append([])
        room = min(strip.widest, max(remaining, strip.needed))
        lines[-1].append((strip, room))
        remaining -= room + _GAP
    for row in range(len(items) + 1):
        for line in lines:
            indent = "" if line is lines[0] else " " * _GAP
            if any(strip.cells[row].text for strip, _ in line):
                drawn = zip_longest(*(strip.cells[row].drawn(room) for strip, room in line))
                for texts in drawn:
                    parts = (text or " " * room for text, (_, room) in zip(texts, line, strict=True))
                    yield indent + (" " * _GAP).join(parts).rstrip()


# ---------------------------------------------------------------- progress

_MAX_BAR_CELLS = 40
_NUMBERS_CELLS = 28  # for the counts and the time beside a bar


def is_watched() -> bool:
    """Return whether stderr, where progress is shown, is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def progress_bar(title: str | None, total: float | None = 1.0) -> Iterator[Callable[..., None]]:
    """Show a bar that vanishes in the end; yield its update, which does nothing without title or terminal.

    The update takes what is done, perhaps the total, as far as it is known, and what to write beside the bar.
    """
    if title is None or not is_watched():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    console = Console(stderr=True)
    room = max(console.width - _NUMBERS_CELLS, 16)
    bar_cells = min(room // 2, _MAX_BAR_CELLS)

    class Title(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(shortened(task.description, room - bar_cells))

    notes = TextColumn("{task.fields[note]}", markup=False)
    columns = (Title(), BarColumn(bar_width=bar_cells), notes, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(title, total=total, note="")
        yield lambda done, total=None, note="": progress.update(bar, completed=done, total=total, note=note)
