"""The effect of Ctrl-C and SIGTERM on a command that runs a service in its process."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imagegen_http.cli.context import complain
from imagegen_http.cli.messages import NoteCode
from imagegen_http.guard import asgi
from imagegen_http.runtime.service import Service

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def interruptible(service: Service) -> AsyncIterator[None]:
    """Cancel the context at the first signal; then let calls finish, within the grace, until the next one.

    So no paid call is lost silently, and the state of calls that are still running is stored.
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
            complain(NoteCode.WAITING_FOR_CALL(seconds=f"{seconds:g}"), asgi.language.get())
        body.clear()
        await service.imagegen.stop(force=force)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
