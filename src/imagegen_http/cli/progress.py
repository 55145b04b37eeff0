"""Progress bars on a terminal, nothing elsewhere. A bar is there at any width, whatever its title is."""

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from imagegen_core.messages import Language, Message
from imagegen_http.cli.cells import shortened
from imagegen_http.cli.messages import ProgressCode

if TYPE_CHECKING:
    from rich.progress import Progress

POLL_SECONDS = 0.5
_MAX_BAR_CELLS = 40
_NUMBERS_CELLS = 28
"""For the counts and the time beside a bar."""

_log = logging.getLogger(__name__)

Advance = Callable[[float], None]
"""Sets the bar to a fraction of its length, 0.0 to 1.0."""

Poll = Callable[[], Awaitable[tuple[int, int | None] | None]]
"""Returns how much is done and the total, None if that is unknown; or None if there is nothing to show."""


def is_shown() -> bool:
    """Return whether a person watches: bars are on stderr, which is a terminal then."""
    return sys.stderr.isatty()


@contextmanager
def progress_bar(title: Message, language: Language, *, quiet: bool = False) -> Iterator[Advance]:
    """Show a bar on stderr if that is a terminal; yield the function that advances it."""
    if quiet or not is_shown():
        yield lambda _: None
        return
    with _progress() as progress:
        bar = progress.add_task(title.text(language), total=1.0, note="")
        yield lambda fraction: progress.update(bar, completed=fraction)


@contextmanager
def task_progress(title: str | None, language: Language) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Show how far a task is under a title, if there is one; yield the function that shows it.

    The bar pulses until the provider tells something.
    """
    if title is None or not is_shown():
        yield lambda _: None
        return
    with _progress() as progress:
        bar = progress.add_task(title, total=None, note="")

        def show(task: Mapping[str, Any]) -> None:
            place = task["queue_position"]
            note = "" if place is None else ProgressCode.QUEUED(place=place).text(language)
            total = 1.0 if task["progress"] else None
            progress.update(bar, completed=task["progress"], total=total, note=note)

        yield show


@asynccontextmanager
async def polled_progress(title: Message, language: Language, poll: Poll) -> AsyncIterator[None]:
    """Show the progress of the work in the context on a terminal, by polling; a server may do that work."""
    if not is_shown():
        yield
        return
    import asyncio

    with _progress() as progress:
        bar = progress.add_task(title.text(language), total=None, note="")

        async def watch() -> None:
            try:
                while True:
                    await asyncio.sleep(POLL_SECONDS)
                    if (counts := await poll()) is not None:
                        done, total = counts
                        note = f"{done}/{'?' if total is None else total}"
                        progress.update(bar, completed=done, total=total, note=note)
            except Exception:  # noqa: BLE001 - logged; a bar is no reason to fail
                _log.debug("the progress cannot be shown", exc_info=True)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


def _progress() -> "Progress":
    """Return a line of title, bar, note and time that fits into the terminal; it vanishes in the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    console = Console(stderr=True)
    room = max(console.width - _NUMBERS_CELLS, 16)
    bar_cells = min(room // 2, _MAX_BAR_CELLS)

    class Title(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(shortened(task.description, room - bar_cells))

    columns = (
        Title(),
        BarColumn(bar_width=bar_cells),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)
