"""What Ctrl-C and SIGTERM do to a command that does the service's work itself."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rich_click as click

from imagegen_http.runtime.service import Service

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def interruptible(service: Service) -> AsyncIterator[None]:
    """Cancel the body at the first signal; then let calls finish within the grace, or until the next signal.

    So a paid call is neither lost nor left without a word, and what still runs is written down.
    """
    loop, force = asyncio.get_running_loop(), asyncio.Event()
    command = asyncio.current_task()
    body = [] if command is None else [command]

    def signalled() -> None:
        if body:
            body.pop().cancel()
        else:
            force.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, signalled)
    try:
        yield
    finally:
        if not body and service.imagegen.worker.busy:
            seconds = service.settings.shutdown_grace_seconds
            click.echo(f"imagegen: waiting up to {seconds:g} s for the call; Ctrl-C gives it up", err=True)
        body.clear()
        await service.imagegen.stop(force=force)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
