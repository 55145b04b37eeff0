"""Sample tasks, attempts, images and events for tests of adapters."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from imagegen_adapters.system import new_id
from imagegen_core.attempt import Attempt
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.images import Image, MediaType
from imagegen_core.ports.gallery import ImageFilter, ImageList, SearchMode
from imagegen_core.ports.tasks import IdempotencyClaim, TaskRepository
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.search import Paging, SearchQuery
from imagegen_core.secrets import Secret
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
    (image,) = await repository.save(task.fence, attempts=(attempt,), images=(an_image(attempt, **changes),))
    return image


def an_event(task_id: str, kind: EventKind = EventKind.PROGRESS, **data: Any) -> TaskEvent:
    """Return an event that has not been published yet."""
    return TaskEvent(task_id=task_id, kind=kind, at=NOW, data=data)


async def stream(pieces):
    """Yield the pieces, letting other coroutines run in between."""
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def read(store, key, *, start=0, end=None):
    """Return the bytes of a blob, or a range of them."""
    return b"".join([chunk async for chunk in store.open(key, start=start, end=end)])


async def keys_of(store, prefix=""):
    """Return the keys that a store lists."""
    return [key async for key in store.keys(prefix)]


async def pieces(*parts):
    """Yield the parts."""
    for part in parts:
        yield part


async def content(spool, folder, name, **bounds):
    """Return the bytes of a file, or of a part of it."""
    return b"".join([chunk async for chunk in spool.chunks(folder, name, **bounds)])


async def collect(bus, task_id, *, after=0):
    """Return all events of a task up to the final one."""
    async with asyncio.timeout(60):
        return [event async for event in bus.events(task_id, after=after)]


ORIGIN = "https://api.example.com:443"


def a_config(provider_name="mine", **changes):
    """Return a configuration with every field set."""
    fields: dict[str, Any] = {
        "provider_name": provider_name,
        "source": ConfigSource.DATABASE,
        "kind": "http",
        "display_name": "我的 provider",
        "api_base": "https://api.example.com/v1",
        "api_key": Secret("sk-0123456789abcdef"),
        "models": (
            ModelEntry(id="m1", name="M 1", default=True),
            ModelEntry(id="m2", capabilities=(Operation.GENERATE, Operation.EDIT)),
        ),
        "enabled": False,
        "timeout_seconds": 12.5,
        "max_retries": 0,
        "extra_config": {
            "headers": {"X-Team": "a", "X-Own-Token": "token-0123456789"},
            "proxy": "http://user:password@proxy.example.com:3128",
            "max_concurrency": 4,
        },
        "created_at": NOW,
        "updated_at": NOW,
    }
    return ProviderConfig(**{**fields, **changes})


async def add_ended(repository, *attempts, images=0, seconds=0, **changes):
    """Store a task that ended ``seconds`` after `NOW`; each of ``attempts`` is called with it.

    Its first attempt yielded the images.
    """
    task = a_task(**changes)
    await repository.add(task, queue_size=100)
    claimed = task.claim("a node", NOW)
    await repository.save(task.fence, task=claimed)
    ended = claimed.complete(later(seconds))
    stored = [make(claimed) for make in attempts]
    yielded = [an_image(stored[0], position=n) for n in range(images)] if stored else []
    await repository.save(claimed.fence, task=ended, attempts=stored, images=yielded)
    return ended


async def pass_beating(nodes, pass_time, *names, rounds=4):
    """Let as much time pass as makes a silent node dead, ``names`` beating meanwhile."""
    for _ in range(rounds):
        await pass_time(0.3)
        for name in names:
            await nodes.beat(name)


async def search(records, keyword, **paging):
    """Return the prompts that contain the keyword, in the order of the results."""
    query = SearchQuery.parse(keyword, lambda text: text)
    page = await find_hits(records, query, SearchMode.CONTAINS, ImageFilter(), Paging(**paging))
    return [hit.image.prompt for hit in page.items]


async def add(repository, *tasks):
    """Store new tasks in this order."""
    for task in tasks:
        await repository.add(task, queue_size=100_000)


async def find(gallery, criteria, paging):
    """Return a page of the images that meet the criteria."""
    page = await gallery.list(ImageList(criteria=criteria), paging)
    return page.with_items(hit.image for hit in page.items)


async def find_hits(gallery, query, mode, criteria, paging):
    """Return a page of what a search finds."""
    return await gallery.list(ImageList(query=query, mode=mode, criteria=criteria), paging)
