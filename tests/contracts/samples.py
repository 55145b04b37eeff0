"""Sample tasks, attempts, images and events for tests of adapters."""

from datetime import UTC, datetime, timedelta
from typing import Any

from imagegen_adapters.identifiers.uuid7 import new_id
from imagegen_core.attempt import Attempt
from imagegen_core.images import Image, MediaType
from imagegen_core.operations import Operation
from imagegen_core.ports.task_repository import IdempotencyClaim, TaskRepository
from imagegen_core.requests import ImageRequest
from imagegen_core.task import EventKind, Task, TaskEvent

NOW = datetime(2026, 11, 24, 8, 0, 0, 123000, tzinfo=UTC)
"""The time at which everything in these samples happens."""


def later(seconds: float) -> datetime:
    """Return the time that many seconds after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def a_task(prompt: str = "一只可爱的猫", **changes: Any) -> Task:
    """Return a new pending task."""
    fields: dict[str, Any] = {
        "task_id": new_id(),
        "request": ImageRequest(operation=Operation.GENERATE, prompt=prompt, params={"num": 2, "seed": 7}),
        "provider_name": "demo",
        "model_id": "demo-1",
        "created_at": NOW,
        "config_snapshot": {"api_base": "https://example.com/v1", "timeout_seconds": 60},
    }
    return Task(**{**fields, **changes})


def a_claim(key: str = "k1", body: str = "aa", scope: str = "token/generate") -> IdempotencyClaim:
    """Return a caller's idempotency key that is valid for a day."""
    return IdempotencyClaim(scope=scope, key=key, body_sha256=body, expires_at=NOW + timedelta(days=1))


def an_attempt(task: Task, *, part: int = 0, number: int = 1) -> Attempt:
    """Return a new attempt of a task."""
    return Attempt(
        attempt_id=new_id(), task_id=task.task_id, number=number, part=part, created_at=NOW, updated_at=NOW
    )


def an_image(attempt: Attempt, *, position: int = 0, **changes: Any) -> Image:
    """Return an image that an attempt yielded, without an id yet."""
    fields: dict[str, Any] = {
        "task_id": attempt.task_id,
        "attempt_id": attempt.attempt_id,
        "position": position,
        "operation": Operation.GENERATE,
        "prompt": "一只可爱的猫",
        "provider_name": "demo",
        "model_id": "demo-1",
        "mime_type": MediaType.PNG,
        "width": 64,
        "height": 48,
        "size_bytes": 1234,
        "sha256": "ab" * 32,
        "blob_key": f"images/{attempt.attempt_id}-{position}.png",
        "thumbnail_key": f"thumbnails/{attempt.attempt_id}-{position}.webp",
        "archive_checksum": str(2**64 - 1),
        "params": {"seed": 7},
        "metadata": {"revised_prompt": "a cat"},
        "created_at": NOW,
    }
    return Image(**{**fields, **changes})


async def add_image(repository: TaskRepository, **changes: Any) -> Image:
    """Store an image of a task of its own, and return its record."""
    task = a_task()
    await repository.add(task, queue_size=100_000)
    attempt = an_attempt(task)
    (image,) = await repository.save_attempt(attempt, task.fence, (an_image(attempt, **changes),))
    return image


def an_event(task_id: str, kind: EventKind = EventKind.PROGRESS, **data: Any) -> TaskEvent:
    """Return an event that has not been published yet."""
    return TaskEvent(task_id=task_id, kind=kind, at=NOW, data=data)
