"""Delivers events of tasks to subscribers."""

from collections.abc import AsyncIterator
from typing import Protocol

from imagegen_core.task import TaskEvent


class EventBus(Protocol):
    """Events of a task have increasing ids and can be replayed from any of them.

    The events of its images and the final event of a task are stored by `TaskRepository`, in one transaction
    with the images and with the task's end.
    """

    async def publish(self, event: TaskEvent) -> TaskEvent:
        """Store the event, wake the task's subscribers, and return the event with its id."""
        ...

    async def notify(self, task_id: str) -> None:
        """Wake the subscribers of a task of which the repository has stored an event."""
        ...

    def subscribe(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        """Yield the stored events of a task with ids above ``after``, then new ones as they are published.

        Ends after a final event.
        """
        ...

    async def last_id(self, task_id: str) -> int:
        """Return the id of the task's latest event; 0 if it has none."""
        ...
