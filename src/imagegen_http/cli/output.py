"""Prints lists, records and progress: for people on a terminal, for scripts in a pipe.

A pipe gets every value whole, as the API has it, in tab-separated lines or JSON, and a status in its colour
only where colours are asked for. A terminal gets words in the reader's language, local times and colours; ids
are whole there, too, at any width, while prompts are shortened.
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
    from imagegen_http.cli.api import Api  # takes a moment to load, which would delay `--help`

_GAP = 2  # the cells between columns
_MIN_TEXT_CELLS = 16  # with less room a text stands in a line of its own

_COLOURS = {
    "processing": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "on": "green",
    "deprecated": "yellow",
    "retired": "red",
}
"""Of statuses."""


class Kind(Enum):
    """What a column holds."""

    VALUE = auto()  # a name, an id, a number: never shortened
    TEXT = auto()  # a prompt: shortened to the room that is left
    NAMES = auto()  # with commas between them: whole, in as many lines as they need
    WORD = auto()  # one of a few values that have words in each language
    STATUS = auto()
    TIME = auto()


@attrs.frozen
class Cell:
    """One line of text, and how it looks; where it ``is_wrapped``, all of it is shown, in more lines."""

    text: str
    colour: str | None = attrs.field(default=None, kw_only=True)
    is_bold: bool = attrs.field(default=False, kw_only=True)
    is_wrapped: bool = attrs.field(default=False, kw_only=True)

    def drawn(self, room: int) -> list[str]:
        """Return its lines with spaces up to the room, one shortened line unless it is wrapped."""
        if self.is_wrapped:
            return [padded(line, room) for line in wrapped(self.text, room)]
        text = shortened(self.text, room)
        spaces = padded(text, room)[len(text) :]
        is_plain = not text or not (self.colour or self.is_bold)
        return [(text if is_plain else click.style(text, fg=self.colour, bold=self.is_bold or None)) + spaces]


@attrs.frozen
class Column:
    """A column of a table, or a line of a record; its title is shown on a terminal only.

    ``source`` is a key of an item, or of an object in it (``error.code``), or a function of the item; left
    out, it is the title. One that ``may_be_absent`` is in a table only where the row fits in one line.
    """

    title: str
    source: str | Callable[[Any], object] = attrs.field(
        default=attrs.Factory(lambda self: self.title, takes_self=True)
    )
    kind: Kind = Kind.VALUE
    may_be_absent: bool = attrs.field(default=False, kw_only=True)

    def value(self, item: Any) -> object:
        """Return what an item has in this column."""
        if callable(self.source):
            return self.source(item)
        for key in self.source.split("."):
            item = item[key] if item else None
        return item

    def cell(self, value: object) -> Cell:
        text = _one_line(value)
        match self.kind:
            case Kind.STATUS:
                return Cell(label("status", text), colour=_COLOURS.get(text))
            case Kind.TIME:
                return Cell(local_time(text))
            case Kind.WORD:
                return Cell(label("value", text))
        return Cell(text, is_wrapped=self.kind is Kind.NAMES)


def local_time(text: str) -> str:
    """Return an ISO 8601 time to the minute, with its zone: ``2026-11-27 11:52 +08:00``; nothing for nothing.

    The zone is that of ``TZ``, else the machine's.
    """
    if not text:
        return ""
    local = datetime.fromisoformat(text).astimezone().isoformat(sep=" ", timespec="minutes")
    return f"{local[:16]} {local[16:]}"


def cost_note(cost: Mapping[str, Any] | None) -> str | None:
    """Return an amount with its currency; None where there is nothing to pay, or nobody knows how much."""
    return None if cost is None or cost["amount"] is None else f"{cost['amount']} {cost['currency']}"


def size_of(image: Mapping[str, Any]) -> str:
    return f"{image['width']}x{image['height']}"


def show_status(status: str) -> None:
    """Print a status in a line of its own."""
    text = label("status", status) if sys.stdout.isatty() else status
    click.echo(click.style(text, fg=_COLOURS.get(status)))


def _one_line(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text)


# ---------------------------------------------------------------- records and tables


def show_record(record: Mapping[str, Any], fields: Sequence[Column], *, as_json: bool) -> None:
    """Print the fields that hold something, each below the other; in a pipe all of the record, as JSON."""
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
        if any(width_of(line) > screen - indent for line in lines):  # an id, which has to be whole
            lines, margin = ["", *wrapped(cell.text, screen - _GAP)], _GAP
        heading = click.style(padded(title, indent), bold=True)
        for line in lines:
            click.echo(heading + (click.style(line, fg=cell.colour) if cell.colour else line))
            heading = " " * margin


def show_table(
    columns: Sequence[Column], items: Sequence[Any], *, empty: Message, as_json: bool = False
) -> None:
    """Print items under their columns, or as JSON; ``empty`` goes to stderr when there are none."""
    if as_json:
        print_json(items)
    elif not items:
        note(empty)
    else:
        for line in _drawn(columns, items) if sys.stdout.isatty() else (_tabbed(columns, i) for i in items):
            click.echo(line)


def _tabbed(columns: Sequence[Column], item: Any) -> str:
    """Return a line with the values as they are; click takes the colours away unless they are asked for."""
    texts = ((column, _one_line(column.value(item))) for column in columns)
    return "\t".join(
        click.style(text, fg=_COLOURS.get(text)) if column.kind is Kind.STATUS else text
        for column, text in texts
    )


def _drawn(columns: Sequence[Column], items: Sequence[Any]) -> Iterator[str]:
    """Yield the lines of a table, without the columns in which nothing stands."""
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


Width = tuple[int, int]  # how many cells a column would take, and the least that it can do with


def width(cells: Sequence[Cell], *, is_flexible: bool) -> Width:
    """Return that of a column; a flexible one is shortened, or wrapped at words, where the screen ends."""
    widest = max(width_of(cell.text) for cell in cells)
    if not is_flexible:
        return widest, widest
    words = (word for cell in cells if cell.is_wrapped for word in cell.text.split())
    return widest, max(min(widest, _MIN_TEXT_CELLS), *map(width_of, words), 0)


@attrs.frozen
class Line:
    """A part of a row: the room of each column from ``first`` on."""

    first: int
    indent: int
    rooms: list[int] = attrs.field(factory=list)

    def drawn(self, row: Sequence[Cell]) -> Iterator[str]:
        """Yield the line, or as many as its cells need, if anything stands in it."""
        cells = row[self.first : self.first + len(self.rooms)]
        if any(cell.text for cell in cells):
            drawn = [cell.drawn(room) for cell, room in zip(cells, self.rooms, strict=True)]
            for texts in zip_longest(*drawn):
                parts = (text or " " * room for text, room in zip(texts, self.rooms, strict=True))
                yield " " * self.indent + (" " * _GAP).join(parts).rstrip()


def layout(widths: Sequence[Width], *, screen: int) -> list[Line]:
    """Return the lines of a row: each takes the columns that fit beside each other, at least one."""
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
    """Return which columns to show, so that a row fits in one line; the last that may be absent go first."""
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
    """Print the list at ``path``, page by page as they arrive, and a note on stderr if there is more.

    ``limit`` None: all. Only a terminal's table is collected in memory.
    """
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
    """Print the items one by one, in the format of `json.dumps` for the whole list."""
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
    """Return whether a person sees progress bars: they are on stderr, which is a terminal then."""
    return sys.stderr.isatty()


@contextmanager
def _bar(title: str | None, total: float | None = None) -> Iterator[Callable[..., None]]:
    """Show title, bar, note and time in a line that fits into the terminal and vanishes in the end.

    Yield what changes them, which does nothing without a title or without a terminal. The bar pulses until a
    total is known.
    """
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
    """Show a bar on stderr if that is a terminal; yield what sets it to a fraction of its length."""
    with _bar(None if quiet else in_words(title), total=1.0) as update:
        yield lambda fraction: update(completed=fraction)


@contextmanager
def task_progress(title: str | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Show how far a task is under a title, if there is one; yield the function that shows it."""
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
    """Show the progress of the work in the context on a terminal, by polling; a server may do that work.

    ``poll`` returns how much is done and the total, None if that is unknown; or None if there is nothing to
    show.
    """
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
