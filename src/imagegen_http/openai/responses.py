"""The responses: what they look like, and a request that is kept open until its task has ended."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Annotated, Any

import attrs
import msgspec
import structlog
from msgspec import UNSET, UnsetType

from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.images import Image, MediaType
from imagegen_core.running.exchange import PartialImage
from imagegen_core.task import Task, TaskStatus
from imagegen_http.api.streams import image_event
from imagegen_http.errors import ServiceCode
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import Receive, Scope, Send, encoded
from imagegen_http.guard.delivery import wait_for_delivery
from imagegen_http.openai.errors import (
    NO_RETRY,
    NO_RETRY_STATUS,
    RETRY_LATER,
    SERVER_ERROR,
    UPSTREAM_ERROR,
    Problem,
    problem_from_slug,
)
from imagegen_http.openai.retries import Call, ClientRetries
from imagegen_http.schemas import Answer, JsonObject, doc
from imagegen_http.service import Service

Quality = Annotated[str, doc("as it was asked for", "auto")]
Background = Annotated[str, doc("as it was asked for", "auto")]
Size = Annotated[str | UnsetType, doc("of the first image, in pixels", "512x512")]
OutputFormat = Annotated[str | UnsetType, doc("of the first image", "png", enum=["png", "jpeg", "webp"])]
Usage = Annotated[
    JsonObject | UnsetType,
    doc(
        "tokens of all calls, where the provider counts as OpenAI does",
        {"total_tokens": 1070, "input_tokens": 14, "output_tokens": 1056},
    ),
]
RevisedPrompt = Annotated[str | UnsetType, doc("the prompt that the provider made of it", "a cute cat")]
Url = Annotated[str | UnsetType, doc("where it is", "http://127.0.0.1:8080/api/v1/images/7/content")]

Base64 = Annotated[str | UnsetType, doc("its bytes in base64", "iVBORw0KGgo=")]
"""The last field, because the bytes are encoded while they are sent."""


class ImageData(Answer, frozen=True, kw_only=True):
    """One image: its bytes or its address."""

    revised_prompt: RevisedPrompt = UNSET
    url: Url = UNSET
    b64_json: Base64 = UNSET


class Images(Answer, frozen=True, kw_only=True):
    """The images that a request asked for."""

    created: Annotated[int, doc("seconds since 1970", 1795507200)]
    data: Annotated[list[ImageData], doc("the images, in order", [{"b64_json": "iVBORw0KGgo="}])]
    size: Size = UNSET
    output_format: OutputFormat = UNSET
    usage: Usage = UNSET


class ImagePartial(Answer, frozen=True, kw_only=True):
    """The data of an event: what one of the images looks like so far."""

    type: Annotated[
        str, doc("the event's name", enum=["image_generation.partial_image", "image_edit.partial_image"])
    ]
    partial_image_index: Annotated[int, doc("number among the partial images of this image, from 0", 0)]
    image_index: Annotated[int, doc("number of the image, from 0; OpenAI has one a stream", 0)]
    created_at: Annotated[int, doc("seconds since 1970", 1795507200)]
    size: Annotated[str, doc("as it was asked for", "auto")]
    quality: Quality
    background: Background
    output_format: Annotated[str, doc("as its first bytes show", "png", enum=["png", "jpeg", "webp"])]
    b64_json: Annotated[str, doc("its bytes in base64", "iVBORw0KGgo=")]


class ImageCompleted(Answer, frozen=True, kw_only=True):
    """The data of an event: one of the images."""

    type: Annotated[str, doc("the event's name", enum=["image_generation.completed", "image_edit.completed"])]
    created_at: Annotated[int, doc("seconds since 1970", 1795507200)]
    quality: Quality
    background: Background
    size: Size = UNSET
    output_format: OutputFormat = UNSET
    usage: Usage = UNSET
    revised_prompt: RevisedPrompt = UNSET
    url: Url = UNSET
    b64_json: Base64 = UNSET


class ModelObject(Answer, frozen=True, kw_only=True):
    """A model as OpenAI shows one."""

    id: Annotated[str, doc("provider/model, or the model's id where only one model has it", "demo/demo")]
    object: Annotated[str, doc("always the same", "model", const="model")]
    created: Annotated[int, doc("when its provider was saved, in seconds since 1970; 0 of a file's", 0)]
    owned_by: Annotated[str, doc("name of its provider", "demo")]
    shutdown_date: Annotated[str | UnsetType, doc("the day of its end", "2026-12-31", format="date")] = UNSET


class ModelList(Answer, frozen=True, kw_only=True):
    """All models that can be used now."""

    object: Annotated[str, doc("always the same", "list", const="list")]
    data: Annotated[list[ModelObject], doc("the models")]


class OpenAIErrorDetail(Answer, frozen=True, kw_only=True):
    """What went wrong, in OpenAI's words."""

    message: Annotated[str, doc("a sentence in the caller's language", "the model is not available")]
    type: Annotated[str, doc("its kind", "invalid_request_error")]
    param: Annotated[str | None, doc("the field that it is about", "model")]
    code: Annotated[str | None, doc("a stable slug to decide by", "model_not_found")]


class OpenAIError(Answer, frozen=True, kw_only=True):
    """An error in OpenAI's own shape."""

    error: Annotated[OpenAIErrorDetail, doc("what went wrong")]


class OpenAIErrorEvent(OpenAIError, frozen=True, kw_only=True):
    """The data of an event: why there are no images."""

    type: Annotated[str, doc("always the same", "error", const="error")]


Piece = bytes | Image

OpenBlob = Callable[[str], AsyncIterator[bytes]]
"""Opens the blob with a key."""

_PIECE_BYTES = 48 * 1024
"""Bytes that are encoded at a time; a multiple of three, so that base64 needs no padding in between."""

_USAGE = ("total_tokens", "input_tokens", "output_tokens")


@attrs.frozen(kw_only=True)
class Style:
    """``base_url``: send URLs below it instead of bytes; ``events``: stream events with this name prefix."""

    base_url: str | None = None
    events: str | None = None


def json_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    body = Images(created=_created(task), data=[], **_format_fields(images[:1]), usage=_usage(images))
    head, _, tail = msgspec.json.encode(body).partition(b"[]")
    pieces: list[Piece] = [head + b"["]
    for position, image in enumerate(images):
        pieces.append(b"," if position else b"")
        pieces += _object(ImageData(**_image_fields(image, style)), image)
    return [*pieces, b"]" + tail]


def event_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    """Return one event for each image; the last one has the ``usage``."""
    pieces: list[Piece] = []
    name = f"{style.events}.completed"
    for position, image in enumerate(images):
        data = ImageCompleted(
            type=name,
            created_at=_created(task),
            quality=_requested(task, "quality"),
            background=_requested(task, "background"),
            **_format_fields([image]),
            usage=_usage(images) if position == len(images) - 1 else UNSET,
            **_image_fields(image, style),
        )
        pieces += [f"event: {name}\ndata: ".encode(), *_object(data, image), b"\n\n"]
    return pieces


def partial_pieces(task: Task, partial: PartialImage, events: str, now: datetime) -> Iterator[bytes]:
    """Yield the event of a partial image; ``events`` is the prefix of its name."""
    name = f"{events}.partial_image"
    data = ImagePartial(
        type=name,
        partial_image_index=partial.index,
        image_index=partial.image_index,
        created_at=int(now.timestamp()),
        size=_requested(task, "size"),
        quality=_requested(task, "quality"),
        background=_requested(task, "background"),
        output_format=_format_name(partial.media_type),
        b64_json="",
    )
    return image_event(name, data, partial.content)


def length_of(pieces: Sequence[Piece]) -> int:
    """Return the size of the encoded pieces in bytes."""
    return sum(len(p) if isinstance(p, bytes) else 4 * -(-p.size_bytes // 3) for p in pieces)


async def encode_pieces(pieces: Sequence[Piece], open_blob: OpenBlob) -> AsyncIterator[bytes]:
    """Yield the encoded bytes; of an image, at most one chunk is in memory."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        async for chunk in _base64(open_blob(piece.blob_key)):
            yield chunk


async def _base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Encode in small pieces of whole groups of three bytes; the remainder of a chunk goes before the next.

    A client that stops reading costs one piece here and another in its connection.
    """
    remainder = b""
    async for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            size = _PIECE_BYTES - len(remainder)
            piece, rest = remainder + rest[:size], rest[size:]
            whole = len(piece) - len(piece) % 3
            yield base64.b64encode(piece[:whole])
            remainder = piece[whole:]
    if remainder:
        yield base64.b64encode(remainder)


def _object(data: ImageData | ImageCompleted, image: Image) -> Iterator[Piece]:
    """Yield what describes an image; where its bytes belong, it ends with an empty text for them."""
    text = msgspec.json.encode(data)
    if data.b64_json is UNSET:
        yield text
    else:
        yield text.removesuffix(b'"}')
        yield image
        yield b'"}'


def _image_fields(image: Image, style: Style) -> dict[str, Any]:
    revised = image.metadata.get("revised_prompt")
    fields = {"revised_prompt": str(revised)} if revised else {}
    if style.base_url is None:
        return {**fields, "b64_json": ""}
    return {**fields, "url": f"{style.base_url}/api/v1/images/{image.id}/content"}


def _created(task: Task) -> int:
    return int((task.completed_at or task.created_at).timestamp())


def _format_fields(images: Sequence[Image]) -> dict[str, Any]:
    for image in images:
        kind = _format_name(MediaType(image.mime_type))
        return {"size": f"{image.width}x{image.height}", "output_format": kind}
    return {}


def _format_name(media_type: MediaType) -> str:
    return media_type.removeprefix("image/")


def _requested(task: Task, name: str) -> str:
    return str(task.request.params.get(name, "auto"))


def _usage(images: Sequence[Image]) -> dict[str, Any] | UnsetType:
    """Return the tokens of all calls together, if each reported them in OpenAI's fields."""
    # Where it is long, only the first image of a call has it.
    calls = {i.attempt_id: i.metadata.get("usage") for i in reversed(images)}
    usages = [usage for usage in calls.values() if isinstance(usage, Mapping)]
    if not usages or len(usages) < len(calls):
        return UNSET
    if not all(_is_count(usage.get(name)) for usage in usages for name in _USAGE):
        return UNSET
    if len(usages) == 1:
        return dict(usages[0])
    return {name: sum(usage[name] for usage in usages) for name in _USAGE}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


KEEP_ALIVE_SECONDS = 15.0

_POLL_SECONDS = 0.2


class ClientDisconnected(Exception):
    """The client disconnected, so nobody waits for the response; the task goes on."""


MAX_HOLD_SECONDS = 600.0
"""How long a request is kept open: the default time-out of the official clients."""

_log = structlog.get_logger("imagegen.openai")


@attrs.frozen(kw_only=True)
class ImagesResponse:
    """The response to one request, as an ASGI application.

    A client's disconnect does not affect the task; the client gets its response by retrying the request.
    """

    service: Service
    retries: ClientRetries
    task: Task
    call: Call
    style: Style
    headers: Mapping[str, str] = attrs.field(factory=dict)
    max_hold_seconds: float = MAX_HOLD_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the task and send its outcome.

        The response counts as delivered once the peer's system has acknowledged it; only then is its key
        marked, so that a retry of a response that was lost on the way gets it again.
        """
        writer = _ResponseWriter(send, {"x-task-id": self.task.task_id, **self.headers})
        try:
            is_final = await self._send(writer)
            arrived = is_final and await wait_for_delivery(scope, self.call.disconnect)
            if arrived:
                self.retries.answered(self.call)
            await writer.end()
            if arrived:
                await self._record_delivery()
        except ClientDisconnected:
            return
        finally:
            self.retries.leave(self.call)
            self.call.disconnect.cancel()

    async def _send(self, writer: "_ResponseWriter") -> bool:
        """Send the task's outcome, or that it is still running; return whether it was the outcome."""
        events = self.style.events
        task = await (self._end() if events is None else self._stream(writer, events))
        problem, is_final = self._problem(task), task.status.final
        try:
            if problem is None:
                images = await self.service.imagegen.parts.images.of_task(task.task_id)
                pieces = (json_pieces if events is None else event_pieces)(task, images, self.style)
                await writer.write_pieces(pieces, self.service)
        except (StorageError, BlobMissing) as error:
            _log.error("an image cannot be read", reason=str(error))
            if writer.has_pieces:
                raise
            problem, is_final = _unreadable_image(error), not isinstance(error, StorageUnreachable)
        if problem is not None:
            await writer.write_problem(problem)
        return is_final

    async def _stream(self, writer: "_ResponseWriter", events: str) -> Task:
        """Send partial images, and comments while there are none, until the task has ended."""
        arrived = asyncio.Event()
        partial_images = self.service.imagegen.partial_images
        with partial_images.follow(self.task.task_id, lambda _: arrived.set()) as follower:
            await writer.start_events()

            async def act() -> None:
                partial = follower.take()
                now = self.service.imagegen.parts.clock.now()
                event = (
                    [b": keep-alive\n\n"]
                    if partial is None
                    else partial_pieces(self.task, partial, events, now)
                )
                for piece in event:
                    await writer.write(piece)

            return await self._end(act, arrived)

    async def _end(
        self, act: Callable[[], Awaitable[object]] | None = None, wake: asyncio.Event | None = None
    ) -> Task:
        """Return the task once it has ended, or as it is when the time is over or the service stops first.

        Meanwhile ``act`` whenever ``wake`` is set, and when 15 seconds have passed.
        """
        imagegen, task_id = self.service.imagegen, self.task.task_id
        ended = asyncio.create_task(imagegen.wait(task_id, timeout=self.max_hold_seconds))
        halted = asyncio.create_task(self._halted())
        ends: set[asyncio.Task[Any]] = {ended, halted, self.call.disconnect}
        try:
            while act is not None and wake is not None:
                pause = asyncio.create_task(wake.wait())
                waits = asyncio.wait(
                    {*ends, pause}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                await waits
                pause.cancel()
                wake.clear()
                if any(end.done() for end in ends):
                    break
                await act()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self.call.disconnect.done():
                raise ClientDisconnected
            return ended.result() if ended.done() else await imagegen.parts.tasks.get(task_id)
        finally:
            ended.cancel()
            halted.cancel()

    async def _halted(self) -> None:
        """Return once the service stops and the task cannot go on before the next start."""
        await self.service.stopping.wait()
        imagegen = self.service.imagegen
        if (await imagegen.parts.tasks.get(self.task.task_id)).status is TaskStatus.PENDING:
            return
        while imagegen.worker.busy:  # noqa: ASYNC110 - the worker has no event to wait for, and this is rare
            await asyncio.sleep(_POLL_SECONDS)

    async def _record_delivery(self) -> None:
        """Store that the response was delivered; if that fails, an equal request may get it once more."""
        if self.call.key is None:
            return
        adapters = self.service.imagegen.parts
        try:
            await adapters.tasks.mark_answered(self.task.task_id, at=adapters.clock.now())
        except ImagegenError as error:
            _log.warning("a delivered response could not be recorded", reason=str(error))

    def _problem(self, task: Task) -> Problem | None:
        """Return why there are no images; None if there are."""
        if task.failure is not None:
            return Problem.from_failure(task.failure, asgi.language.get())
        if task.status.final:
            return None
        stopping = self.service.stopping.is_set()
        return Problem(
            status=503 if stopping else 504,
            type=SERVER_ERROR,
            code="unavailable" if stopping else "still_running",
            message=asgi.text(ServiceCode.TASK_GOES_ON(call=f"GET /api/v1/tasks/{task.task_id}")),
            headers=RETRY_LATER,
        )


class _ResponseWriter:
    """Writes one response, as JSON or as a stream of events."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self._streams = self._has_started = False
        self.has_pieces = False

    async def start_events(self) -> None:
        self._streams = True
        await self._start(
            {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
        )

    async def write_pieces(self, pieces: list[Piece], service: Service) -> None:
        """Send the images; the first bytes of an image are read before the status is sent.

        So a store that is down still yields an error status instead of a truncated body.
        """
        chunks = encode_pieces(pieces, service.imagegen.parts.blobs.open)
        ahead = length_of(list(takewhile(lambda piece: isinstance(piece, bytes), pieces)))
        first = b""
        async for chunk in chunks:
            first += chunk
            if len(first) > ahead:
                break
        self.has_pieces = True
        if not self._streams:
            await self._start({"content-type": "application/json", "content-length": str(length_of(pieces))})
        await self.write(first)
        async for chunk in chunks:
            await self.write(chunk)

    async def write_problem(self, problem: Problem) -> None:
        """Send an error, as the response or as the last event of a stream."""
        if self._streams:
            data = {"type": "error", **problem.body}
            await self.write(f"event: error\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())
        else:
            await problem.response(self._headers).send_to(self._send)

    async def end(self) -> None:
        if self._has_started:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def write(self, content: bytes) -> None:
        if content:
            await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def _start(self, headers: dict[str, str]) -> None:
        self._has_started = True
        head = encoded({**self._headers, **headers})
        await self._send({"type": "http.response.start", "status": 200, "headers": head})


def _unreadable_image(error: Exception) -> Problem:
    """Return the error of an image that was generated and cannot be read.

    While only its store is down, a retry costs nothing: it claims the same task.
    """
    if isinstance(error, StorageUnreachable):
        return attrs.evolve(problem_from_slug("unavailable"), headers=RETRY_LATER)
    return attrs.evolve(
        problem_from_slug("internal"),
        status=NO_RETRY_STATUS,
        type=UPSTREAM_ERROR,
        code="storage_failed",
        headers=NO_RETRY,
    )
