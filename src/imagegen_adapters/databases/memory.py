"""What the adapters in memory share: the same tasks, attempts and images seen from several ports."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import attrs

from imagegen_core.images import Image
from imagegen_core.tasks.attempt import Attempt
from imagegen_core.tasks.events import TaskEvent
from imagegen_core.tasks.task import Task, TaskStatus


def _unchanged(text: str) -> str:
    return text


@attrs.define(kw_only=True)
class StoredClaim:
    """An idempotency key that was used."""

    body_sha256: str
    task_id: str
    expires_at: datetime
    answered_at: datetime | None = None


@attrs.define(kw_only=True)
class MemoryState:
    """Everything is in insertion order, which is age; changes happen between two awaits, so all are atomic.

    ``simplify`` turns traditional Chinese into simplified when prompts are folded.
    """

    simplify: Callable[[str], str] = _unchanged
    tasks: dict[str, Task] = attrs.field(factory=dict)
    task_numbers: dict[str, int] = attrs.field(factory=dict)
    idempotency_keys: dict[tuple[str, str], StoredClaim] = attrs.field(factory=dict)
    attempts: dict[str, Attempt] = attrs.field(factory=dict)
    images: dict[int, Image] = attrs.field(factory=dict)
    last_image_id: int = 0
    removals: list[str] = attrs.field(factory=list)
    events: dict[str, list[TaskEvent]] = attrs.field(factory=dict)
    last_event_id: int = 0
    _counts: Counter[TaskStatus] = attrs.field(factory=Counter)

    def put(self, task: Task) -> None:
        """Keep a new task, or a changed one in its old place."""
        before = self.tasks.get(task.task_id)
        if before is None:
            self.task_numbers[task.task_id] = len(self.task_numbers) + 1
        else:
            self._counts[before.status] -= 1
        self._counts[task.status] += 1
        self.tasks[task.task_id] = task

    def count(self, status: TaskStatus) -> int:
        """Return how many tasks are in this status."""
        return self._counts[status]

    def with_status(self, status: TaskStatus) -> Iterator[Task]:
        """Yield the tasks in this status, oldest first."""
        return (task for task in self.tasks.values() if task.status is status)

    def add_event(self, event: TaskEvent) -> TaskEvent:
        """Keep an event under a new id."""
        self.last_event_id += 1
        added = attrs.evolve(event, id=self.last_event_id)
        self.events.setdefault(event.task_id, []).append(added)
        return added

    def add_image(self, image: Image) -> Image:
        """Keep an image under a new id, or return the one that has its place already."""
        for kept in self.images.values():
            if (kept.attempt_id, kept.position) == (image.attempt_id, image.position):
                return kept
        self.last_image_id += 1
        added = attrs.evolve(image, id=self.last_image_id)
        self.images[added.id] = added
        return added
