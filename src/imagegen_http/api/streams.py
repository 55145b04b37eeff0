"""Server-sent events of one task or of all, and the files of a task: inputs and kept answers."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Literal, TypeVar

import msgspec
from litestar import Response
from litestar.response import Stream
from litestar.types import ASGIApp

from imagegen_core.errors import ImageNotFound, StorageError, Unavailable
from imagegen_core.images import MediaType
from imagegen_core.messages import Language
from imagegen_core.running.exchange import PartialImageFollower
from imagegen_core.services.tasks import TaskView
from imagegen_core.task import EventKind, TaskEvent, TaskStatus
from imagegen_http.api import requests
from imagegen_http.api.errors import download, get, response
from imagegen_http.api.images import DeletedImage, Image
from imagegen_http.api.requests import ServiceDependency, TaskIdPath, parse_task_id, query
from imagegen_http.api.responses import blob_response
from imagegen_http.api.tasks import RETRY, Task, TaskError, TaskRetry, progress_of
from imagegen_http.guard import asgi
from imagegen_http.schemas import Answer, ImageId, TaskId, doc
from imagegen_http.service import Service

PIECE_BYTES = 48 * 1024  # a multiple of 3: base64 needs no padding in between; a slow client costs one here


def image_event(name: str, data: Answer, content: bytes) -> Iterator[bytes]:
    """Yield an event in pieces; ``content`` fills the empty base64 field that ends ``data``."""
    text = msgspec.json.encode(data)
    yield b"event: %s\ndata: %s" % (name.encode(), text.removesuffix(b'"}'))
    rest = memoryview(content)
    while rest:
        yield base64.b64encode(rest[:PIECE_BYTES])
        rest = rest[PIECE_BYTES:]
    yield b'"}\n\n'


class TaskChange(Answer, frozen=True, kw_only=True):
    """What the stream of all tasks says of one that has changed: how it is now."""

    task_id: TaskId
    status: Annotated[TaskStatus, doc("where it is on its way", "processing")]
    progress: Annotated[float, doc("0 to 1; 0 where the provider says nothing", 0.4)]
    queue_position: Annotated[
        int | None, doc("1 for the next one of its provider; null when it does not wait", None)
    ]
    retry: Annotated[TaskRetry | None, doc(RETRY)]
    image_ids: Annotated[list[ImageId], doc("its images so far, in order")]
    error: Annotated[TaskError | None, doc("why it failed or was cancelled", None)]

    @classmethod
    def from_view(cls, view: TaskView, language: Language) -> "TaskChange":
        return cls.from_attributes(
            view.task,
            progress=progress_of(view.task),
            queue_position=view.queue_position,
            retry=TaskRetry.from_task(view.task),
            image_ids=[image.id for image in view.images],
            error=TaskError.from_task(view.task, language),
        )


class TaskProgress(Answer, frozen=True, kw_only=True):
    """How far a provider is with a task."""

    progress: Annotated[float, doc("0 to 1", 0.4)]


class PartialImage(Answer, frozen=True, kw_only=True):
    """What an image looks like so far."""

    index: Annotated[int, doc("number among the partial images of this image, from 0", 0)]
    image_index: Annotated[int, doc("number of the image among those of the task, from 0", 0)]
    mime_type: Annotated[str, doc("as its first bytes show", "image/png")]
    b64_json: Annotated[str, doc("its bytes in base64, as the provider sent them", "iVBORw0KGgo=")]


HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE_SECONDS = 15.0
T = TypeVar("T")


async def event_stream(
    service: Service, task_id: str, *, after: int | None, language: Language
) -> AsyncIterator[bytes]:
    """Yield a snapshot, then the task's events and keep-alives, until the task ends or the service stops.

    Without ``after``, the client's last event, only new events follow; a finished task repeats its last one.
    Partial images have no number and are not repeated; a slow client gets only the latest.
    """
    bus, last = service.imagegen.parts.queue, await service.imagegen.parts.queue.last_event_id(task_id)
    view = await service.imagegen.tasks.show(task_id)
    yield b"retry: 3000\n" + frame("snapshot", Task.from_view(view, language))
    if after is None or after > last:  # no event has such a number, unless a backup was restored since
        after = max(0, last - 1) if view.task.status.final else last
    queue: asyncio.Queue[TaskEvent | PartialImageFollower | None] = asyncio.Queue()

    async def read(first: int) -> None:
        async for event in bus.events(task_id, after=first):
            queue.put_nowait(event)

    pumping = asyncio.create_task(service.unless_stopping(read(after)))
    pumping.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        with service.imagegen.partial_images.follow(task_id, queue.put_nowait) as follower:
            while (event := await next_event(queue)) is not None:
                if isinstance(event, TaskEvent):
                    yield frame(str(event.kind), await _data(service, event, language=language), event.id)
                elif event == "silence":
                    yield b": keep-alive\n\n"
                elif (partial := follower.take()) is not None:
                    number, kind = partial.image_index, partial.media_type
                    data = PartialImage(index=partial.index, image_index=number, mime_type=kind, b64_json="")
                    for piece in image_event("partial_image", data, partial.content):
                        yield piece
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)


async def next_event(queue: asyncio.Queue[T]) -> T | Literal["silence"]:
    """Return the next item, or "silence" when a keep-alive is due."""
    try:
        return await asyncio.wait_for(queue.get(), KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return "silence"


async def _data(
    service: Service, event: TaskEvent, *, language: Language
) -> Task | Image | DeletedImage | TaskProgress:
    if event.kind is EventKind.IMAGE:
        try:
            return Image.from_image(await service.imagegen.parts.images.get(int(event.data["image_id"])))
        except ImageNotFound:
            return DeletedImage(id=event.data["image_id"], deleted=True)
    if event.kind.final:
        return Task.from_view(await service.imagegen.tasks.show(event.task_id), language)
    return TaskProgress(progress=event.data["progress"])


def frame(name: str, data: Answer, number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    text = msgspec.json.format(msgspec.json.encode(data), indent=0)
    return b"%sevent: %s\ndata: %s\n\n" % (head.encode(), name.encode(), text)


async def task_stream(
    service: Service, *, status: TaskStatus | None, after: int | None, language: Language
) -> AsyncIterator[bytes]:
    """Yield changed tasks in their current state, and keep-alives. An event's id is where to resume.

    The stream ends when the service stops or the database fails; a client that reconnects misses nothing.
    """
    tasks = service.imagegen.parts.tasks
    with suppress(StorageError, Unavailable):
        position = (await tasks.changes()).position if after is None else after
        yield b"retry: 3000\nid: %d\n\n" % position
        while not service.stopping.is_set():
            page = await tasks.changes(position, limit=100)
            changes = [change for change in page.changes if status in (None, change.task.status)]
            views = await service.imagegen.tasks.views([change.task for change in changes])
            for change, view in zip(changes, views, strict=True):
                yield frame("task", TaskChange.from_view(view, language), change.position)
            position = page.position
            if not page.has_more:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await service.unless_stopping(service.feed_watch.moved(position))
                except TimeoutError:
                    yield b": keep-alive\nid: %d\n\n" % position


SpokenQuery = Annotated[
    Language | None,
    query("language of the messages, for browsers, whose event source sends no header of its own", "lang"),
]

_TYPE = "text/event-stream"
_STREAM = {200: response(str, "the events", _TYPE)}


@get(
    "/api/v1/tasks/{task_id:str}/events",
    "tasks",
    "validation_failed",
    "task_not_found",
    responses={**_STREAM, 204: response(None, "the last event was received already")},
    media_type=_TYPE,
)
async def follow_task(
    task_id: TaskIdPath,
    service: ServiceDependency,
    last_event_id: requests.LastEventHeader = None,
    spoken: SpokenQuery = None,
) -> Stream | Response[None]:
    """Follow a task as server-sent events: a snapshot, then its events to the last.

    A client that has received the last event gets 204, which stops a browser's automatic reconnects.
    """
    after = requests.parse_event_id(last_event_id)
    view = await service.imagegen.tasks.show(parse_task_id(task_id))
    if view.task.status.final and after == await service.imagegen.parts.queue.last_event_id(task_id):
        return Response(None, status_code=204)
    stream = event_stream(service, task_id, after=after, language=spoken or asgi.language.get())
    return Stream(stream, media_type=_TYPE, headers=HEADERS)


@get("/api/v1/events", "tasks", "validation_failed", responses=_STREAM, media_type=_TYPE)
async def follow_tasks(
    service: ServiceDependency,
    status: requests.StatusQuery = None,
    last_event_id: requests.LastEventHeader = None,
    spoken: SpokenQuery = None,
) -> Stream:
    """Follow all tasks as server-sent events: each that changes, as it is then.

    After `Last-Event-ID` those come first that have changed since; without it only later changes are told.
    """
    after = requests.parse_event_id(last_event_id)
    stream = task_stream(service, status=status, after=after, language=spoken or asgi.language.get())
    return Stream(stream, media_type=_TYPE, headers=HEADERS)


# ---------------------------------------------------------------- files


@download(
    "/api/v1/tasks/{task_id:str}/inputs/{index:int}/content",
    "tasks",
    "task_not_found",
    "image_not_found",
    "unavailable",
)
async def get_input(
    task_id: TaskIdPath,
    index: Annotated[int, requests.path("number of an input image among those of its task, from 0", 0)],
    service: ServiceDependency,
) -> ASGIApp:
    """Fetch the bytes of a task's input image, exactly as its caller sent them.

    The task lists them as `inputs`. One that names an image of this service is fetched as that image.
    `POST /api/v1/images/upscale` makes a task that has one.
    """
    opened = await service.imagegen.tasks.open_input(parse_task_id(task_id), index)
    return blob_response(
        size=opened.size_bytes,
        etag=opened.etag,
        mime_type=opened.mime_type,
        file_name=f"input-{index}.{MediaType(opened.mime_type).extension}",
        read=opened.read,
    )


@download(
    "/api/v1/tasks/{task_id:str}/response", "tasks", "task_not_found", "response_not_kept", "unavailable"
)
async def get_response(
    task_id: TaskIdPath,
    service: ServiceDependency,
    index: Annotated[int, query("number of a file among all that were kept of the task, from 0", ge=0)] = 0,
) -> ASGIApp:
    """Fetch what a provider sent and was paid for, and this service could not use.

    It is kept for a week, as the error of the task says: images in another format, damaged or too large, and
    answers that cannot be read. Secrets in text are masked. It comes as an attachment of unknown type.
    """
    opened = await service.imagegen.tasks.open_response(parse_task_id(task_id), index)
    return blob_response(
        size=opened.size_bytes,
        etag=opened.etag,
        mime_type=opened.mime_type,
        file_name=f"{task_id}-{index}.bin",
        read=opened.read,
        is_foreign=True,
    )
