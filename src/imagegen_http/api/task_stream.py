"""The changes of all tasks as ``text/event-stream``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from imagegen_core.errors import StorageError, Unavailable
from imagegen_core.messages import Language
from imagegen_core.tasks.task import TaskStatus
from imagegen_http.answers.task_events import TaskChange
from imagegen_http.api.event_stream import KEEP_ALIVE_SECONDS, frame
from imagegen_http.runtime.service import Service

_PAGE_SIZE = 100


async def task_stream(
    service: Service, *, status: TaskStatus | None, after: int | None, language: Language
) -> AsyncIterator[bytes]:
    """Yield the tasks that change, each as it is then, and comments while none does.

    The id of an event is where the feed goes on behind it. The stream ends when the service stops, and where
    the database does not answer; the client connects again and gets what it missed.
    """
    feed = service.imagegen.adapters.feed
    with suppress(StorageError, Unavailable):
        position = await feed.end() if after is None else after
        yield b"retry: 3000\nid: %d\n\n" % position
        while not service.stopping.is_set():
            page = await feed.since(position, limit=_PAGE_SIZE)
            changes = [change for change in page.changes if status in (None, change.task.status)]
            views = await asyncio.gather(*(service.imagegen.show_task.view(c.task) for c in changes))
            for change, view in zip(changes, views, strict=True):
                yield frame("task", TaskChange.from_view(view, language), change.position)
            position = page.position
            if not page.has_more and not await _moved(service, position):
                yield b": keep-alive\nid: %d\n\n" % position


async def _moved(service: Service, position: int) -> bool:
    """Wait for the next change, or for the stop; return False if it is time for a comment."""
    waiting = {
        asyncio.create_task(service.feed_watch.moved(position)),
        asyncio.create_task(service.stopping.wait()),
    }
    try:
        done, _ = await asyncio.wait(waiting, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
