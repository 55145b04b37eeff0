"""Progress bars on a terminal, nothing elsewhere."""

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

POLL_SECONDS = 0.5

_log = logging.getLogger(__name__)

Advance = Callable[[float], None]
"""Sets the bar to a fraction of its length, 0.0 to 1.0."""

Poll = Callable[[], Awaitable[tuple[int, int | None] | None]]
"""Returns how much is done and the total, None if that is unknown; or None if there is nothing to show."""


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Show a bar on stderr if that is a terminal; yield the function that advances it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(escape(title[:40]), total=1.0)
        yield lambda fraction: progress.update(bar, completed=fraction)


@asynccontextmanager
async def polled_progress(title: str, poll: Poll) -> AsyncIterator[None]:
    """Show the progress of the work in the context on a terminal, by polling; a server may do that work."""
    if not sys.stderr.isatty():
        yield
        return
    import asyncio

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(title, total=None)

        async def watch() -> None:
            try:
                while True:
                    await asyncio.sleep(POLL_SECONDS)
                    if (counts := await poll()) is not None:
                        progress.update(bar, completed=counts[0], total=counts[1])
            except Exception:  # noqa: BLE001 - logged; a bar is no reason to fail
                _log.debug("the progress cannot be shown", exc_info=True)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
