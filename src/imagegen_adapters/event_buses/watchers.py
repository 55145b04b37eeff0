"""The subscribers that wait for events of a task."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Watchers:
    """Wakes the subscribers of a task; used by one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """Yield an `asyncio.Event` that is set whenever the task has a new event."""
        changed = asyncio.Event()
        self._waiting.setdefault(task_id, set()).add(changed)
        try:
            yield changed
        finally:
            waiting = self._waiting[task_id]
            waiting.discard(changed)
            if not waiting:
                del self._waiting[task_id]

    @property
    def task_ids(self) -> list[str]:
        """The tasks that have subscribers."""
        return list(self._waiting)

    def wake(self, task_id: str) -> None:
        """Wake all subscribers of the task."""
        for changed in self._waiting.get(task_id, ()):
            changed.set()
