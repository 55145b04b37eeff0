"""The state that the in-memory adapters of several ports share: tasks, attempts, images and events."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import attrs

from imagegen_core.attempt import Attempt
from imagegen_core.images import Image
from imagegen_core.marks import Collection
from imagegen_core.task import Task, TaskEvent, TaskStatus


def _unchanged(text: str) -> str:
    return text


@attrs.define(kw_only=True)
class StoredClaim:
    """An idempotency key that has been used."""

    body_sha256: str
    task_id: str
    expires_at: datetime
    answered_at: datetime | None = None


@attrs.define(kw_only=True)
class MemoryState:
    """All collections are in insertion order, which is by age.

    Adapters change the state without awaiting in between, so every change is atomic. ``simplify`` converts
    traditional to simplified Chinese when prompts are folded. ``image_counts`` are the images that each task
    has yielded, including those that were deleted since.
    """

    simplify: Callable[[str], str] = _unchanged
    tasks: dict[str, Task] = attrs.field(factory=dict)
    task_numbers: dict[str, int] = attrs.field(factory=dict)
    idempotency_keys: dict[tuple[str, str], StoredClaim] = attrs.field(factory=dict)
    attempts: dict[str, Attempt] = attrs.field(factory=dict)
    images: dict[int, Image] = attrs.field(factory=dict)
    collections: dict[int, Collection] = attrs.field(factory=dict)
    last_collection_id: int = 0
    image_counts: Counter[str] = attrs.field(factory=Counter)
    last_image_id: int = 0
    removals: list[str] = attrs.field(factory=list)
    events: dict[str, list[TaskEvent]] = attrs.field(factory=dict)
    last_event_id: int = 0
    changes: dict[str, int] = attrs.field(factory=dict)
    last_change: int = 0
    _counts: Counter[TaskStatus] = attrs.field(factory=Counter)

    def put(self, task: Task) -> None:
        """Insert a task, or replace it in its place."""
        before = self.tasks.get(task.task_id)
        if before is None:
            self.task_numbers[task.task_id] = len(self.task_numbers) + 1
        else:
            self._counts[before.status] -= 1
        self._counts[task.status] += 1
        self.tasks[task.task_id] = task
        self._note_change(task.task_id)

    def count(self, status: TaskStatus) -> int:
        """Return the number of tasks in this status."""
        return self._counts[status]

    def with_status(self, status: TaskStatus) -> Iterator[Task]:
        """Iterate over the tasks in this status, oldest first."""
        return (task for task in self.tasks.values() if task.status is status)

    def add_event(self, event: TaskEvent) -> TaskEvent:
        """Store an event under a new id."""
        self.last_event_id += 1
        added = attrs.evolve(event, id=self.last_event_id)
        self.events.setdefault(event.task_id, []).append(added)
        return added

    def add_image(self, image: Image) -> Image:
        """Store an image under a new id, or return the stored one with the same attempt and position."""
        for stored in self.images.values():
            if (stored.attempt_id, stored.position) == (image.attempt_id, image.position):
                return stored
        self.last_image_id += 1
        added = attrs.evolve(image, id=self.last_image_id)
        self.images[added.id] = added
        self._note_change(image.task_id)
        self.image_counts[added.task_id] += 1
        return added

    def _note_change(self, task_id: str) -> None:
        """Put the task at the end of the changes."""
        self.changes.pop(task_id, None)
        self.last_change += 1
        self.changes[task_id] = self.last_change
