"""Carries what happens to tasks to those who watch."""

from collections.abc import AsyncIterator
from typing import Protocol

from imagegen_core.tasks.events import TaskEvent


class EventBus(Protocol):
    """Events of a task have growing ids and can be read again from any of them.

    The last event of a task is stored by `TaskRepository.save`, with the task's end.
    """

    async def publish(self, event: TaskEvent) -> TaskEvent:
        """Keep the event, wake its subscribers and return it with its id."""
        ...

    async def notify(self, task_id: str) -> None:
        """Wake the subscribers of a task whose last event was stored."""
        ...

    def subscribe(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        """Yield the kept events of a task with ids above ``after``, then new ones as they happen.

        Ends after a final event.
        """
        ...

    async def last_id(self, task_id: str) -> int:
        """Return the id of the task's latest event, 0 when it has none."""
        ...
