"""Events of a task, for clients that follow it live."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.images import Image
from imagegen_core.tasks.task import Task
from imagegen_core.values.frozen_mappings import frozen_mapping


class EventKind(StrEnum):
    """Names of the server-sent events; the last three end the stream."""

    PROGRESS = "progress"
    IMAGE = "image"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether it is the last event of its task."""
        return self in (EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELLED)


@attrs.frozen(kw_only=True)
class TaskEvent:
    """One event; ``id`` is 0 until the bus assigns a number, which only grows."""

    task_id: str
    kind: EventKind
    at: datetime
    data: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    id: int = 0


def last_event(task: Task) -> TaskEvent:
    """Return the final event of a task that has ended; a failure's code is in its ``data``."""
    data = {} if task.failure is None else {"error": str(task.failure.code)}
    at = task.completed_at or task.created_at
    return TaskEvent(task_id=task.task_id, kind=EventKind(str(task.status)), at=at, data=data)


def image_event(image: Image) -> TaskEvent:
    """Return the event of an image that was stored; its record is read when the event is shown."""
    return TaskEvent(
        task_id=image.task_id, kind=EventKind.IMAGE, at=image.created_at, data={"image_id": image.id}
    )
