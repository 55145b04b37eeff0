"""Prints lists, records and progress: for people on a terminal, for scripts in a pipe.

A pipe gets whole values as the API has them, in tab-separated lines or JSON. A terminal gets words in the
reader's language, local times, colours and whole ids; prompts are shortened.
"""

import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from enum import Enum, auto
from functools import partial
from itertools import compress, zip_longest
from typing import TYPE_CHECKING, Any

import attrs
import click

from imagegen_core.messages import Message
from imagegen_http.cli.context import note, print_json
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


class Kind(Enum):
    """What a column holds."""

    VALUE = auto()  # a name, an id, a number: never shortened
    TEXT = auto()  # a prompt: shortened to the room that is left
    NAMES = auto()  # comma-separated: wrapped, never shortened
    WORD = auto()  # one of a few values that have words in each language
    STATUS = auto()
    TIME = auto()


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
    """A column of a table, or a line of a record; only a terminal shows titles."""

    title: str
    source: str | Callable[[Any], object] = attrs.field(
        default=attrs.Factory(lambda self: self.title, takes_self=True)
    )
    kind: Kind = Kind.VALUE
    may_be_absent: bool = attrs.field(default=False, kw_only=True)

    def value(self, item: Any) -> object:
        if callable(self.source):
            return self.source(item)
        for key in self.source.split("."):
            item = item[key] if item else None
        return item

    def cell(self, value: object) -> Cell:
        text = _one_line(value)
        match self.kind:
            case Kind.STATUS:
                return Cell(label("status", text), colour=_STATUS_COLOURS.get(text))
            case Kind.TIME:
                return Cell(local_time(text))
            case Kind.WORD:
                return Cell(label("value", text))
        return Cell(text, is_wrapped=self.kind is Kind.NAMES)


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
    return f"{image['width']}x{image['height']}"


def show_status(status: str) -> None:
    text = label("status", status) if sys.stdout.isatty() else status
    click.echo(click.style(text, fg=_STATUS_COLOURS.get(status)))


def _one_line(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text)


# ---------------------------------------------------------------- records and tables


def show_record(record: Mapping[str, Any], fields: Sequence[Column], *, as_json: bool) -> None:
    """Print the filled fields, one below the other; in a pipe the whole record as JSON."""
    if as_json or not sys.stdout.isatty():
        print_json(record)
        return
    values = [(column, column.value(record)) for column in fields]
    filled = [(label("title", column.title), column, v) for column, v in values if v not in (None, "")]
    indent = max(width_of(title) for title, _, _ in filled) + _GAP
    screen = shutil.get_terminal_size().columns
    for title, column, value in filled:
        cell = column.cell(value)
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
    else:
        for line in _table(columns, items) if sys.stdout.isatty() else (_tabbed(columns, i) for i in items):
            click.echo(line)


def _tabbed(columns: Sequence[Column], item: Any) -> str:
    """Return the raw values; click strips the colours unless they are asked for."""
    texts = ((column, _one_line(column.value(item))) for column in columns)
    return "\t".join(
        click.style(text, fg=_STATUS_COLOURS.get(text)) if column.kind is Kind.STATUS else text
        for column, text in texts
    )


def _table(columns: Sequence[Column], items: Sequence[Any]) -> Iterator[str]:
    """Yield the lines of a table without its empty columns."""
    shown = [column for column in columns if any(column.value(item) not in (None, "") for item in items)]
    table = [[Cell(label("title", column.title), is_bold=True) for column in shown]]
    table += [[column.cell(column.value(item)) for column in shown] for item in items]
    columns_of_cells = zip(shown, zip(*table, strict=True), strict=True)
    widths = [
        width(cells, is_flexible=column.kind in (Kind.TEXT, Kind.NAMES)) for column, cells in columns_of_cells
    ]
    screen = shutil.get_terminal_size().columns
    is_shown = fitting(widths, [column.may_be_absent for column in shown], screen=screen)
    lines = layout([*compress(widths, is_shown)], screen=screen)
    for row in table:
        for line in lines:
            yield from line.drawn([*compress(row, is_shown)])


# ---------------------------------------------------------------- the layout of a table

Width = tuple[int, int]  # the cells that a column would take, and the least it needs


def width(cells: Sequence[Cell], *, is_flexible: bool) -> Width:
    """Return a column's widths; a flexible one can be shortened, or wrapped at words."""
    widest = max(width_of(cell.text) for cell in cells)
    if not is_flexible:
        return widest, widest
    words = (word for cell in cells if cell.is_wrapped for word in cell.text.split())
    return widest, max(min(widest, _MIN_TEXT_CELLS), *map(width_of, words), 0)


@attrs.frozen
class Line:
    """A line of a row: the room of each column from ``first`` on."""

    first: int
    indent: int
    rooms: list[int] = attrs.field(factory=list)

    def drawn(self, row: Sequence[Cell]) -> Iterator[str]:
        """Yield as many lines as the cells need, none if all are empty."""
        cells = row[self.first : self.first + len(self.rooms)]
        if any(cell.text for cell in cells):
            drawn = [cell.drawn(room) for cell, room in zip(cells, self.rooms, strict=True)]
            for texts in zip_longest(*drawn):
                parts = (text or " " * room for text, room in zip(texts, self.rooms, strict=True))
                yield " " * self.indent + (" " * _GAP).join(parts).rstrip()


def layout(widths: Sequence[Width], *, screen: int) -> list[Line]:
    """Split a row into lines: each takes the columns that fit, at least one."""
    lines: list[Line] = []
    remaining = screen
    for number, (widest, needed) in enumerate(widths):
        if not lines or needed > remaining:
            lines.append(Line(number, _GAP if lines else 0))
            remaining = screen - lines[-1].indent
        lines[-1].rooms.append(min(widest, max(remaining, needed)))
        remaining -= lines[-1].rooms[-1] + _GAP
    return lines


def fitting(widths: Sequence[Width], may_be_absent: Sequence[bool], *, screen: int) -> list[bool]:
    """Return which columns to show; optional ones are dropped from the last until the row fits in a line."""
    is_shown = [True] * len(widths)
    for number in reversed(range(len(widths))):
        needed = [least for _, least in compress(widths, is_shown)]
        if sum(needed) + _GAP * (len(needed) - 1) <= screen:
            break
        is_shown[number] = not may_be_absent[number]
    return is_shown


# ---------------------------------------------------------------- lists of the API

Listing = Callable[..., Awaitable[None]]  # `show_list` with a limit and a format


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
    printed, page = 0, {}

    async def items() -> AsyncIterator[dict[str, Any]]:
        nonlocal printed, page
        async for page in api.pages(path, limit=limit, **params):
            for item in page["items"]:
                printed += 1
                yield item

    if as_json:
        await _print_array(items())
    elif sys.stdout.isatty():
        show_table(columns, [item async for item in items()], empty=empty)
    else:
        async for item in items():
            click.echo(_tabbed(columns, item))
        if not printed:
            note(empty)
    if page["has_more"]:
        total = f"{page['total']:,}"
        if not page.get("total_is_exact", True):
            total = in_words("{total} or more", total=total)
        note("the first {shown} of {total}; --limit or --all lists more", shown=printed, total=total)


async def _print_array(items: AsyncIterator[dict[str, Any]]) -> None:
    """Print the items one by one, as `json.dumps` would print the list."""
    opening = "[\n"
    async for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        click.echo(f"{opening}  {text}", nl=False)
        opening = ",\n"
    click.echo("[]" if opening == "[\n" else "\n]")


# ---------------------------------------------------------------- progress

POLL_SECONDS = 0.5
_MAX_BAR_CELLS = 40
_NUMBERS_CELLS = 28  # for the counts and the time beside a bar


def is_watched() -> bool:
    """Return whether stderr, where progress is shown, is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def _bar(title: str | None, total: float | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar that vanishes in the end; yield its update, which does nothing without title or terminal."""
    if title is None or not is_watched():
        yield lambda **_: None
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
        yield partial(progress.update, progress.add_task(title, total=total, note=""))


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal; yield the function that sets its fraction."""
    with _bar(None if quiet else in_words(title), total=1.0) as update:
        yield lambda fraction: update(completed=fraction)


@contextmanager
def task_progress(title: str | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Show a task's progress under a title, if there is one; yield the function that updates it."""
    with _bar(title) as update:

        def show(task: Mapping[str, Any]) -> None:
            place = task["queue_position"]
            text = "" if place is None else in_words("place {place}", place=place)
            update(completed=task["progress"], total=1.0 if task["progress"] else None, note=text)

        yield show


@asynccontextmanager
async def polled_progress(
    title: str, poll: Callable[[], Awaitable[tuple[int, int | None] | None]]
) -> AsyncIterator[None]:
    """Show progress while the block runs; ``poll`` returns what is done and the total, None if unknown."""
    if not is_watched():
        yield
        return
    import asyncio
    import logging

    with _bar(in_words(title)) as update:

        async def watch() -> None:
            try:
                while True:
                    await asyncio.sleep(POLL_SECONDS)
                    if (counts := await poll()) is not None:
                        done, total = counts
                        update(completed=done, total=total, note=f"{done}/{'?' if total is None else total}")
            except Exception:  # a bar is no reason to fail
                logging.getLogger(__name__).debug("the progress cannot be shown", exc_info=True)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
