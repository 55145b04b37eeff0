"""Who waits for news of which task."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Watchers:
    """Wakes the subscribers of a task; belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever there is news of the task."""
        news = asyncio.Event()
        self._waiting.setdefault(task_id, set()).add(news)
        try:
            yield news
        finally:
            waiting = self._waiting[task_id]
            waiting.discard(news)
            if not waiting:
                del self._waiting[task_id]

    def wake(self, task_id: str) -> None:
        """Tell all who watch the task."""
        for news in self._waiting.get(task_id, ()):
            news.set()
