"""A task's events as ``text/event-stream``."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec

from imagegen_core.errors import ImageNotFound
from imagegen_core.execution.partial_images import PartialImageFollower
from imagegen_core.messages import Language
from imagegen_core.tasks.events import EventKind, TaskEvent
from imagegen_http.answers.fields import Answer
from imagegen_http.answers.image_events import image_event
from imagegen_http.answers.images import DeletedImage, Image
from imagegen_http.answers.task_events import PartialImage, TaskProgress
from imagegen_http.answers.tasks import Task
from imagegen_http.runtime.service import Service

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE_SECONDS = 15.0
_END = None
_Queue = asyncio.Queue[TaskEvent | PartialImageFollower | None]


async def event_stream(
    service: Service, task_id: str, *, after: int | None, language: Language
) -> AsyncIterator[bytes]:
    """Yield a snapshot, the task's later events, and comments while nothing happens, until the task ends.

    Without ``after`` (the last event that the client received) only new events follow, or of a finished
    task its last event. The stream ends at once when the service stops. Partial images are those of now: they
    have no number, and a client that reads too slowly gets the latest one only.
    """
    last = await service.imagegen.adapters.events.last_id(task_id)
    view = await service.imagegen.show_task(task_id=task_id)
    yield b"retry: 3000\n" + frame("snapshot", Task.from_view(view, language))
    if after is None or after > last:  # no event has such a number, unless a backup was restored since
        after = max(0, last - 1) if view.task.status.final else last
    queue: _Queue = asyncio.Queue()
    pump = asyncio.create_task(_pump(service, task_id, after, queue))
    stopping = asyncio.create_task(_stop(service, queue))
    try:
        with service.imagegen.partial_images.follow(task_id, queue.put_nowait) as follower:
            while (event := await _next(queue)) is not _END:
                if isinstance(event, TaskEvent):
                    yield frame(str(event.kind), await _data(service, event, language=language), event.id)
                elif event is follower:
                    for piece in _partial_image(follower):
                        yield piece
                else:
                    yield b": keep-alive\n\n"
    finally:
        pump.cancel()
        stopping.cancel()
        await asyncio.gather(pump, stopping, return_exceptions=True)


async def _next(queue: _Queue) -> TaskEvent | PartialImageFollower | bool | None:
    """Return the next event, a follower with a partial image, None at the end, or True for a comment."""
    try:
        return await asyncio.wait_for(queue.get(), KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return True


def _partial_image(follower: PartialImageFollower) -> Iterator[bytes]:
    """Yield the event of the latest partial image in small pieces, if there still is one."""
    partial = follower.take()
    if partial is not None:
        yield from image_event("partial_image", PartialImage.from_partial(partial), partial.content)


async def _pump(service: Service, task_id: str, after: int, queue: _Queue) -> None:
    try:
        async for event in service.imagegen.adapters.events.subscribe(task_id, after=after):
            queue.put_nowait(event)
    finally:
        queue.put_nowait(_END)


async def _stop(service: Service, queue: _Queue) -> None:
    await service.stopping.wait()
    queue.put_nowait(_END)


async def _data(
    service: Service, event: TaskEvent, *, language: Language
) -> Task | Image | DeletedImage | TaskProgress:
    if event.kind is EventKind.IMAGE:
        try:
            return Image.from_image(await service.imagegen.adapters.images.get(int(event.data["image_id"])))
        except ImageNotFound:
            return DeletedImage(id=event.data["image_id"], deleted=True)
    if event.kind.final:
        return Task.from_view(await service.imagegen.show_task(task_id=event.task_id), language)
    return TaskProgress(progress=event.data["progress"])


def frame(name: str, data: Answer, number: int | None = None) -> bytes:
    """Return one event as it is sent."""
    head = f"id: {number}\n" if number is not None else ""
    return b"%sevent: %s\ndata: %s\n\n" % (head.encode(), name.encode(), _json(data))


def _json(data: Answer) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data), indent=0)
