"""Keeps a request open until its task has ended, then sends the images."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from itertools import takewhile

import attrs
import structlog

from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.task import Task
from imagegen_http.asgi import request_context
from imagegen_http.asgi.delivery import wait_for_delivery
from imagegen_http.asgi.types import Receive, Scope, Send
from imagegen_http.openai.client_retries import Call, ClientRetries
from imagegen_http.openai.errors import problem_from_slug, send_problem
from imagegen_http.openai.problems import (
    NO_RETRY,
    NO_RETRY_STATUS,
    RETRY_LATER,
    SERVER_ERROR,
    UPSTREAM_ERROR,
    Problem,
)
from imagegen_http.openai.response_bodies import (
    Piece,
    Style,
    encode_pieces,
    event_pieces,
    json_pieces,
    length_of,
    partial_pieces,
)
from imagegen_http.openai.task_completion import ClientDisconnected, Interlude, wait_for_end
from imagegen_http.problems.messages import ServiceCode
from imagegen_http.runtime.service import Service

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
        writer = _ResponseWriter(scope, send, {"x-task-id": self.task.task_id, **self.headers})
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
        streams = self.style.events is not None
        task = await (self._end() if self.style.events is None else self._stream(writer, self.style.events))
        problem, is_final = self._problem(task), task.status.final
        try:
            if problem is None:
                images = await self.service.imagegen.images(task.task_id)
                pieces = (event_pieces if streams else json_pieces)(task, images, self.style)
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
                if partial is None:
                    await writer.keep_alive()
                else:
                    now = self.service.imagegen.adapters.clock.now()
                    await writer.write_event(partial_pieces(self.task, partial, events, now))

            return await self._end(Interlude(act=act, wake=arrived))

    async def _end(self, interlude: Interlude | None = None) -> Task:
        return await wait_for_end(
            self.service,
            self.task.task_id,
            disconnect=self.call.disconnect,
            seconds=self.max_hold_seconds,
            interlude=interlude,
        )

    async def _record_delivery(self) -> None:
        """Store that the response was delivered; if that fails, an equal request may get it once more."""
        if self.call.key is None:
            return
        adapters = self.service.imagegen.adapters
        try:
            await adapters.idempotency_keys.mark_answered(self.task.task_id, at=adapters.clock.now())
        except ImagegenError as error:
            _log.warning("a delivered response could not be recorded", reason=str(error))

    def _problem(self, task: Task) -> Problem | None:
        """Return why there are no images; None if there are."""
        if task.failure is not None:
            return Problem.from_failure(task.failure, request_context.language.get())
        if task.status.final:
            return None
        stopping = self.service.stopping.is_set()
        return Problem(
            status=503 if stopping else 504,
            type=SERVER_ERROR,
            code="unavailable" if stopping else "still_running",
            message=request_context.text(ServiceCode.TASK_GOES_ON(call=f"GET /api/v1/tasks/{task.task_id}")),
            headers=RETRY_LATER,
        )


class _ResponseWriter:
    """Writes one response, as JSON or as a stream of events."""

    def __init__(self, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self._streams = False
        self._has_started = False
        self.has_pieces = False

    async def start_events(self) -> None:
        """Start a stream of events."""
        self._streams = True
        await self._start(
            {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
        )

    async def keep_alive(self) -> None:
        """Send a comment, which clients ignore."""
        await self._body(b": keep-alive\n\n")

    async def write_event(self, pieces: Iterator[bytes]) -> None:
        """Send an event before the outcome."""
        for piece in pieces:
            await self._body(piece)

    async def write_pieces(self, pieces: list[Piece], service: Service) -> None:
        """Send the images; the first bytes of an image are read before the status is sent.

        So a store that is down still yields an error status instead of a truncated body.
        """
        chunks = encode_pieces(pieces, service.imagegen.adapters.blobs.open)
        ahead = length_of(list(takewhile(lambda piece: isinstance(piece, bytes), pieces)))
        first = b""
        async for chunk in chunks:
            first += chunk
            if len(first) > ahead:
                break
        self.has_pieces = True
        if not self._streams:
            await self._start({"content-type": "application/json", "content-length": str(length_of(pieces))})
        await self._body(first)
        async for chunk in chunks:
            await self._body(chunk)

    async def write_problem(self, problem: Problem) -> None:
        """Send an error, as the response or as the last event of a stream."""
        if self._streams:
            data = {"type": "error", **problem.body}
            await self._body(f"event: error\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())
        else:
            await send_problem(problem, self._scope, self._send, self._headers)

    async def end(self) -> None:
        """End a body that was started."""
        if self._has_started:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, headers: dict[str, str]) -> None:
        self._has_started = True
        head = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in {**self._headers, **headers}.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})

    async def _body(self, content: bytes) -> None:
        if content:
            await self._send({"type": "http.response.body", "body": content, "more_body": True})


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
