"""OpenAI answers: images, as JSON or as events, and errors."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import attrs
import msgspec
import structlog
from litestar import Request
from msgspec import UNSET, UnsetType

from imagegen_core.errors import (
    BlobMissing,
    Failure,
    FailureCode,
    ImagegenError,
    StorageError,
    StorageUnreachable,
)
from imagegen_core.images import Image
from imagegen_core.messages import Language
from imagegen_core.running.exchange import PartialImage, PartialImageFollower
from imagegen_core.task import Task, TaskStatus
from imagegen_http.api import errors
from imagegen_http.api.responses import JsonResponse
from imagegen_http.api.retries import Call, ClientRetries
from imagegen_http.api.streams import PIECE_BYTES, image_event, next_event
from imagegen_http.errors import ServiceCode, failure_sentence
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import InboundRequest, Receive, Scope, Send, encoded
from imagegen_http.guard.delivery import wait_for_delivery
from imagegen_http.schemas import Answer, JsonObject, doc
from imagegen_http.service import Service

Moment = Annotated[int, doc("seconds since 1970", 1795507200)]
Requested = Annotated[str, doc("as it was asked for", "auto")]
Size = Annotated[str | UnsetType, doc("of the first image, in pixels", "512x512")]
_FORMATS = ["png", "jpeg", "webp", "gif", "avif", "svg"]
OutputFormat = Annotated[str | UnsetType, doc("of the first image", "png", enum=_FORMATS)]
_TOKENS = {"total_tokens": 1070, "input_tokens": 14, "output_tokens": 1056}
Usage = Annotated[
    JsonObject | UnsetType, doc("tokens of all calls, where the provider counts as OpenAI does", _TOKENS)
]
RevisedPrompt = Annotated[str | UnsetType, doc("the prompt that the provider made of it", "a cute cat")]
Url = Annotated[str | UnsetType, doc("where it is", "http://127.0.0.1:8080/api/v1/images/7/content")]

Base64 = Annotated[str | UnsetType, doc("its bytes in base64", "iVBORw0KGgo=")]
"""The last field, because bytes are encoded while they are sent."""


class ImageData(Answer, frozen=True, kw_only=True):
    """One image: its bytes or its address."""

    revised_prompt: RevisedPrompt = UNSET
    url: Url = UNSET
    b64_json: Base64 = UNSET


class Images(Answer, frozen=True, kw_only=True):
    """The images that a request asked for."""

    created: Moment
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
    created_at: Moment
    size: Requested
    quality: Requested
    background: Requested
    output_format: Annotated[str, doc("as its first bytes show", "png", enum=_FORMATS)]
    b64_json: Annotated[str, doc("its bytes in base64", "iVBORw0KGgo=")]


class ImageCompleted(Answer, frozen=True, kw_only=True):
    """The data of an event: one of the images."""

    type: Annotated[str, doc("the event's name", enum=["image_generation.completed", "image_edit.completed"])]
    created_at: Moment
    quality: Requested
    background: Requested
    size: Size = UNSET
    output_format: OutputFormat = UNSET
    usage: Usage = UNSET
    revised_prompt: RevisedPrompt = UNSET
    url: Url = UNSET
    b64_json: Base64 = UNSET


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


# ---------------------------------------------------------------- errors

SERVER_ERROR = "server_error"
RETRY_LATER = {"retry-after": "5"}

NO_RETRY = {"x-should-retry": "false"}
"""Official clients retry 429 and 5xx unless told not to."""

NO_RETRY_STATUS = 400
"""The only error status that no known client or gateway retries; most ignore ``x-should-retry``.

``docs/explanation/never-pay-twice.md`` lists those that were read; ``tests/clients/`` tries each.
"""

UPSTREAM_ERROR = "upstream_error"
"""The error type sent with `NO_RETRY_STATUS`, unlike that of a bad request."""

_INVALID = "invalid_request_error"
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_MODEL_NOT_FOUND = ("model_not_available", "provider_not_configured", "provider_disabled")
_STATUS = {**dict.fromkeys(_MODEL_NOT_FOUND, 404), "task_not_recallable": 400}  # clients repeat a 409
_CODES = {
    **dict.fromkeys(_MODEL_NOT_FOUND, "model_not_found"),
    "task_not_found": "IMAGE_TASK_NOT_FOUND",
    "unauthorized": "invalid_api_key",
    "body_too_large": "payload_too_large",
}
_NAMES = {"num": "n", "reference_images": "image", "images": "image"}

_FAILURES: Mapping[FailureCode, tuple[int, str, str]] = {
    FailureCode.PROVIDER_NOT_CONFIGURED: (404, _INVALID, "model_not_found"),
    FailureCode.PROVIDER_DISABLED: (404, _INVALID, "model_not_found"),
    FailureCode.REJECTED: (400, _INVALID, "rejected"),
    FailureCode.CONTENT_POLICY: (400, "image_generation_user_error", "content_policy_violation"),
    FailureCode.AUTH_FAILED: (502, SERVER_ERROR, "upstream_auth_failed"),
    FailureCode.QUOTA_EXHAUSTED: (429, "insufficient_quota", "insufficient_quota"),
    FailureCode.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_exceeded"),
    FailureCode.UNAVAILABLE: (503, SERVER_ERROR, "upstream_unavailable"),
    FailureCode.TIMEOUT: (504, SERVER_ERROR, "timeout"),
    FailureCode.OUTCOME_UNKNOWN: (502, SERVER_ERROR, "outcome_unknown"),
    FailureCode.BAD_RESPONSE: (502, SERVER_ERROR, "bad_response"),
    FailureCode.DOWNLOAD_FAILED: (502, SERVER_ERROR, "download_failed"),
    FailureCode.INVALID_IMAGE: (502, SERVER_ERROR, "invalid_image"),
    FailureCode.STORAGE_FAILED: (500, SERVER_ERROR, "storage_failed"),
    FailureCode.CANCELLED: (500, SERVER_ERROR, "cancelled"),
    FailureCode.RESULT_EXPIRED: (502, SERVER_ERROR, "result_expired"),
    FailureCode.INTERNAL: (500, SERVER_ERROR, "internal"),
}


@attrs.frozen(kw_only=True)
class Problem:
    """An error in OpenAI's terms; ``headers`` have lower-case names."""

    status: int
    type: str
    code: str
    message: str
    param: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def from_envelope(cls, status: int, envelope: Mapping[str, Any]) -> "Problem":
        """Translate an envelope of the rest of the API."""
        data, slug = envelope["data"], str(envelope["data"]["error"])
        status = _STATUS.get(slug, status)
        first = (data.get("errors") or [{"field": data.get("field"), "message": data.get("detail")}])[0]
        param, detail = _param(first.get("field")), first.get("message")
        param = param or ("model" if slug in _MODEL_NOT_FOUND else None)
        details = ": ".join(str(part) for part in (param if "errors" in data else None, detail) if part)
        return cls(
            status=status,
            type=_TYPES.get(status, _INVALID if status < 500 else SERVER_ERROR),  # noqa: PLR2004 - HTTP's
            code=_CODES.get(slug, slug),
            message=f"{envelope['message']} ({details})" if details else str(envelope["message"]),
            param=param,
        )

    @classmethod
    def from_failure(cls, failure: Failure, language: Language) -> "Problem":
        """Return why a task failed; no retry if it may have been charged, or a person cancelled it."""
        status, kind, code = _FAILURES[failure.code]
        headers: dict[str, str] = {}
        if failure.code is FailureCode.QUOTA_EXHAUSTED:
            headers |= {"retry-after": "60", **NO_RETRY}
        elif status in (429, 503):
            headers |= RETRY_LATER
        if failure.possible_charge or failure.code is FailureCode.CANCELLED:
            status, kind, headers = NO_RETRY_STATUS, UPSTREAM_ERROR, dict(NO_RETRY)
        elif not failure.retryable and status not in (400, 404):
            headers |= NO_RETRY
        message = failure_sentence(failure.code, failure.reason, language)
        return cls(status=status, type=kind, code=code, message=message, headers=headers)

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def response(self, headers: Mapping[str, str]) -> JsonResponse[dict[str, Any]]:
        return JsonResponse(self.body, status_code=self.status, headers={**self.headers, **headers})


def _param(field: str | None) -> str | None:
    if not field or field == "body":
        return None
    name = re.split(r"[.\[]", field.removeprefix("params."))[0]
    return _NAMES.get(name, name)


# ---------------------------------------------------------------- errors of the rest of the API


def answer(request: Request[Any, Any, Any], error: Exception) -> JsonResponse[dict[str, Any]]:
    """Answer an exception, below ``/v1`` in OpenAI's format."""
    return _in_shape_of_path(request.scope, errors.answer(request, error))


async def refuse(
    scope: Scope, receive: Receive, send: Send, slug: str, data: dict[str, Any], headers: dict[str, str]
) -> None:
    """Send an error from outside the router (the guard does), in the format of the path."""
    response = _in_shape_of_path(scope, errors.error_response(slug, data))
    response.headers.update(headers)
    await response.send_to(send)


def _in_shape_of_path(scope: Any, response: JsonResponse[dict[str, Any]]) -> JsonResponse[dict[str, Any]]:
    if not InboundRequest.from_scope(scope).is_under("/v1"):
        return response
    return _problem_of(response).response(response.headers)


def _problem_of(response: JsonResponse[dict[str, Any]]) -> Problem:
    return Problem.from_envelope(response.status_code or 500, response.content)


def unreadable_image(error: Exception) -> Problem:
    """Return the error; while only the store is down a retry is free, because it claims the same task."""
    if isinstance(error, StorageUnreachable):
        return attrs.evolve(_problem_of(errors.error_response("unavailable", {})), headers=RETRY_LATER)
    return attrs.evolve(
        _problem_of(errors.error_response("internal", {})),
        status=NO_RETRY_STATUS,
        type=UPSTREAM_ERROR,
        code="storage_failed",
        headers=NO_RETRY,
    )


# ---------------------------------------------------------------- images, encoded while they are read

Piece = bytes | Image


@attrs.frozen(kw_only=True)
class Style:
    """``url``: send URLs of image ids, not bytes; ``events``: stream events with this name prefix."""

    url: Callable[[int], str] | None = None
    events: str | None = None


def json_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    first: dict[str, Any] = _format_fields(images[0]) if images else {}
    body = Images(created=_created(task), data=[], **first, usage=_usage(images))
    head, _, tail = msgspec.json.encode(body).partition(b"[]")
    pieces: list[Piece] = [head + b"["]
    for position, image in enumerate(images):
        pieces.append(b"," if position else b"")
        pieces += _object(ImageData(**_image_fields(image, style)), image)
    return [*pieces, b"]" + tail]


def event_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    """Return an event for each image; the last one has the ``usage``."""
    pieces: list[Piece] = []
    name = f"{style.events}.completed"
    for position, image in enumerate(images):
        data = ImageCompleted(
            type=name,
            created_at=_created(task),
            **_requested(task, "quality", "background"),
            **_format_fields(image),
            usage=_usage(images) if position == len(images) - 1 else UNSET,
            **_image_fields(image, style),
        )
        pieces += [f"event: {name}\ndata: ".encode(), *_object(data, image), b"\n\n"]
    return pieces


def partial_pieces(task: Task, partial: PartialImage, events: str, now: datetime) -> Iterator[bytes]:
    """Yield the event of a partial image; ``events`` is its name's prefix."""
    name = f"{events}.partial_image"
    data = ImagePartial(
        type=name,
        partial_image_index=partial.index,
        image_index=partial.image_index,
        created_at=int(now.timestamp()),
        **_requested(task, "size", "quality", "background"),
        output_format=partial.media_type.removeprefix("image/"),
        b64_json="",
    )
    return image_event(name, data, partial.content)


def length_of(pieces: Sequence[Piece]) -> int:
    """Return the size after encoding, in bytes."""
    return sum(len(p) if isinstance(p, bytes) else 4 * -(-p.size_bytes // 3) for p in pieces)


async def encode_pieces(
    pieces: Sequence[Piece], open_blob: Callable[[str], AsyncIterator[bytes]]
) -> AsyncIterator[bytes]:
    """Encode while reading: of an image, at most one chunk is in memory. What is before one is one chunk."""
    text = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            text += piece
            continue
        yield text
        text = b""
        async for chunk in _base64(open_blob(piece.blob_key)):
            yield chunk
    yield text


async def _base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Encode whole groups of three bytes; the remainder of a chunk goes before the next."""
    remainder = b""
    async for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            size = PIECE_BYTES - len(remainder)
            piece, rest = remainder + rest[:size], rest[size:]
            whole = len(piece) - len(piece) % 3
            yield base64.b64encode(piece[:whole])
            remainder = piece[whole:]
    if remainder:
        yield base64.b64encode(remainder)


def _object(data: ImageData | ImageCompleted, image: Image) -> Iterator[Piece]:
    """Yield an image's JSON, with the image itself where its bytes belong."""
    text = msgspec.json.encode(data)
    if data.b64_json is UNSET:
        yield text
    else:
        yield text.removesuffix(b'"}')
        yield image
        yield b'"}'


def _image_fields(image: Image, style: Style) -> dict[str, Any]:
    revised = image.metadata.get("revised_prompt")
    fields = {"b64_json": ""} if style.url is None else {"url": style.url(image.id)}
    return {**fields, "revised_prompt": str(revised)} if revised else fields


def _created(task: Task) -> int:
    return int((task.completed_at or task.created_at).timestamp())


def _format_fields(image: Image) -> dict[str, str]:
    size = {"size": f"{image.width}x{image.height}"} if image.width else {}
    return {**size, "output_format": image.mime_type.removeprefix("image/").removesuffix("+xml")}


def _requested(task: Task, *names: str) -> dict[str, str]:
    return {name: str(task.request.params.get(name, "auto")) for name in names}


def _usage(images: Sequence[Image]) -> dict[str, Any] | UnsetType:
    """Add up the tokens of all calls, if each reported them in OpenAI's fields."""
    # only the first image of a call has a long one
    calls = {i.attempt_id: i.metadata.get("usage") for i in reversed(images)}
    usages = [usage for usage in calls.values() if isinstance(usage, Mapping)]
    counts = [usage.get(name) for usage in usages for name in _TOKENS]
    if not usages or len(usages) < len(calls) or not all(type(count) is int for count in counts):
        return UNSET
    if len(usages) == 1:
        return dict(usages[0])
    return {name: sum(usage[name] for usage in usages) for name in _TOKENS}


# ---------------------------------------------------------------- the response to one request

_POLL_SECONDS = 0.2

MAX_HOLD_SECONDS = 600.0
"""How long a request is kept open: the time-out of official clients."""

_EVENTS = {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
_log = structlog.get_logger("imagegen.openai")


class ClientDisconnected(Exception):
    """The client disconnected; its task goes on."""


@attrs.define(kw_only=True)
class ImagesResponse:
    """The ASGI response to one request. A disconnect does not affect the task; a retry gets the response."""

    service: Service
    retries: ClientRetries
    task: Task
    call: Call
    style: Style
    is_replayed: bool = False
    max_hold_seconds: float = MAX_HOLD_SECONDS
    _send: Send = attrs.field(init=False)
    _has_started: bool = attrs.field(default=False, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the outcome; its key is marked only once the peer's system has acknowledged all of it."""
        self._send = send
        try:
            is_final = await self._respond()
            arrived = is_final and await wait_for_delivery(scope, self.call.disconnect)
            if arrived:
                self.retries.answered(self.call)
            if self._has_started:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            if arrived and self.call.key is not None:
                await self._record_delivery()
        except ClientDisconnected:
            return
        finally:
            self.retries.leave(self.call)
            self.call.disconnect.cancel()

    async def _respond(self) -> bool:
        """Send the outcome, or that the task is still running; return whether it was the outcome."""
        parts, events = self.service.imagegen.parts, self.style.events
        task, images = await self._end()
        problem, is_final = self._problem(task), task.status.final
        if problem is None:
            has_pieces = False
            try:
                images = await parts.images.of_task(task.task_id) if images is None else images
                pieces = (json_pieces if events is None else event_pieces)(task, images, self.style)
                chunks = encode_pieces(pieces, parts.blobs.open)
                first = await anext(chunks) + await anext(chunks, b"")  # a store that is down yields an error
                has_pieces, length = True, str(length_of(pieces))
                await self._start({"content-type": "application/json", "content-length": length})
                await self._write(first)
                async for chunk in chunks:
                    await self._write(chunk)
            except (StorageError, BlobMissing) as error:
                _log.error("an image cannot be read", reason=str(error))
                if has_pieces:
                    raise
                problem, is_final = unreadable_image(error), not isinstance(error, StorageUnreachable)
        if problem is not None and self._has_started:
            data = json.dumps({"type": "error", **problem.body}, ensure_ascii=False)
            await self._write(f"event: error\ndata: {data}\n\n".encode())
        elif problem is not None:
            await problem.response(self._all_headers()).send_to(self._send)
        return is_final

    async def _end(self) -> tuple[Task, tuple[Image, ...] | None]:
        """Return the ended task, or its state when the time is over or the service stops, and its images."""
        imagegen, task_id = self.service.imagegen, self.task.task_id
        outcome = imagegen.tasks.outcome(task_id, timeout=self.max_hold_seconds, is_new=not self.is_replayed)
        ended = asyncio.create_task(outcome)
        halted = asyncio.create_task(self._halted())
        ends = (ended, halted, self.call.disconnect)
        try:
            if self.style.events is not None:
                await self._stream(self.style.events, ends)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self.call.disconnect.done():
                raise ClientDisconnected
            return ended.result() if ended.done() else (await imagegen.parts.tasks.get(task_id), None)
        finally:
            ended.cancel()
            halted.cancel()

    async def _stream(self, events: str, ends: Iterable[asyncio.Task[Any]]) -> None:
        """Send partial images and keep-alives until one of the tasks has ended."""
        queue: asyncio.Queue[PartialImageFollower | None] = asyncio.Queue()
        for end in ends:
            end.add_done_callback(lambda _: queue.put_nowait(None))
        imagegen = self.service.imagegen
        with imagegen.partial_images.follow(self.task.task_id, queue.put_nowait) as follower:
            await self._start(_EVENTS)
            while (event := await next_event(queue)) is not None:
                if event == "silence":
                    await self._write(b": keep-alive\n\n")
                elif (partial := follower.take()) is not None:
                    for piece in partial_pieces(self.task, partial, events, imagegen.parts.clock.now()):
                        await self._write(piece)

    async def _halted(self) -> None:
        """Return when the service stops and the task cannot go on before the next start."""
        await self.service.stopping.wait()
        imagegen = self.service.imagegen
        if (await imagegen.parts.tasks.get(self.task.task_id)).status is TaskStatus.PENDING:
            return
        while imagegen.worker.busy:  # noqa: ASYNC110 - the worker has no event to wait for, and this is rare
            await asyncio.sleep(_POLL_SECONDS)

    async def _record_delivery(self) -> None:
        """If this fails, an equal request may get the response once more."""
        parts = self.service.imagegen.parts
        try:
            await parts.tasks.mark_answered(self.task.task_id, at=parts.clock.now())
        except ImagegenError as error:
            _log.warning("a delivered response could not be recorded", reason=str(error))

    def _problem(self, task: Task) -> Problem | None:
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

    def _all_headers(self) -> dict[str, str]:
        names = ("idempotent-replayed", "x-idempotency-replayed") if self.is_replayed else ()
        return {"x-task-id": self.task.task_id, **dict.fromkeys(names, "true")}

    async def _start(self, headers: Mapping[str, str], *, status: int = 200) -> None:
        """Send the status, unless a stream has done so."""
        if not self._has_started:
            self._has_started = True
            head = encoded({**self._all_headers(), **headers})
            await self._send({"type": "http.response.start", "status": status, "headers": head})

    async def _write(self, content: bytes) -> None:
        if content:
            await self._send({"type": "http.response.body", "body": content, "more_body": True})
