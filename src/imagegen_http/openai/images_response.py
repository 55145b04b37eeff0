"""Holds a request until its task has ended, then sends the images."""

import json
from collections.abc import Mapping
from itertools import takewhile

import attrs
import structlog

from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.tasks.task import Task
from imagegen_http.asgi import request_context
from imagegen_http.asgi.delivery import wait_for_delivery
from imagegen_http.asgi.types import Receive, Scope, Send
from imagegen_http.openai.client_retries import Call, ClientRetries
from imagegen_http.openai.errors import problem_from_slug, send_problem
from imagegen_http.openai.problems import NO_RETRY, NO_RETRY_STATUS, RETRY_LATER, SERVER_ERROR, Problem
from imagegen_http.openai.response_bodies import (
    Piece,
    Style,
    encode_pieces,
    event_pieces,
    json_pieces,
    length_of,
)
from imagegen_http.openai.task_completion import ClientDisconnected, wait_for_end
from imagegen_http.runtime.service import Service

MAX_HOLD_SECONDS = 600.0
"""The default time-out of the official clients."""

_log = structlog.get_logger("imagegen.openai")


@attrs.frozen(kw_only=True)
class ImagesResponse:
    """The answer to one request, as an ASGI application.

    A client that leaves changes nothing for the task, and asks for its answer by sending the request again.
    """

    service: Service
    repeats: ClientRetries
    task: Task
    call: Call
    style: Style
    headers: Mapping[str, str] = attrs.field(factory=dict)
    max_hold_seconds: float = MAX_HOLD_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        writer = _ResponseWriter(scope, send, {"x-task-id": self.task.task_id, **self.headers})
        try:
            is_final = await self._send(writer)
            arrived = is_final and await wait_for_delivery(scope, self.call.disconnect)
            if arrived:
                self.repeats.answered(self.call)
            await writer.end()
            if arrived:
                await self._record_delivery()
        except ClientDisconnected:
            return
        finally:
            self.repeats.leave(self.call)
            self.call.disconnect.cancel()

    async def _send(self, writer: "_ResponseWriter") -> bool:
        """Return whether what was sent is how the task ended; else the client is to ask again."""
        streams = self.style.events is not None
        if streams:
            await writer.start_events()
        task = await wait_for_end(
            self.service,
            self.task.task_id,
            disconnect=self.call.disconnect,
            seconds=self.max_hold_seconds,
            meanwhile=writer.keep_alive if streams else None,
        )
        problem, is_final = self._problem(task), task.status.final
        try:
            if problem is None:
                images = await self.service.imagegen.images(task.task_id)
                pieces = (event_pieces if streams else json_pieces)(task, images, self.style)
                await writer.pieces(pieces, self.service)
        except (StorageError, BlobMissing) as error:
            _log.error("an image cannot be read", reason=str(error))
            if writer.has_pieces:
                raise
            problem, is_final = _unreadable_image(error), not isinstance(error, StorageUnreachable)
        if problem is not None:
            await writer.problem(problem)
        return is_final

    async def _record_delivery(self) -> None:
        """Store that the caller has the answer; if that fails, an equal request may get it once more."""
        if self.call.key is None:
            return
        adapters = self.service.imagegen.adapters
        try:
            await adapters.idempotency_keys.answered(self.task.task_id, at=adapters.clock.now())
        except ImagegenError as error:
            _log.warning("an answer cannot be kept in mind", reason=str(error))

    def _problem(self, task: Task) -> Problem | None:
        """Return why there are no images, None when there are."""
        english = request_context.english.get()
        if task.failure is not None:
            return Problem.from_failure(task.failure, english=english)
        if task.status.final:
            return None
        stopping = self.service.stopping.is_set()
        return Problem(
            status=503 if stopping else 504,
            type=SERVER_ERROR,
            code="unavailable" if stopping else "still_running",
            message=_still_running(task.task_id, english=english),
            headers=RETRY_LATER,
        )


class _ResponseWriter:
    """One answer on its way, whole or as events."""

    def __init__(self, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self._streams = False
        self._has_started = False
        self.has_pieces = False

    async def start_events(self) -> None:
        """Begin a stream of events."""
        self._streams = True
        await self._start(
            {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
        )

    async def keep_alive(self) -> None:
        """Send a comment."""
        await self._body(b": keep-alive\n\n")

    async def pieces(self, pieces: list[Piece], service: Service) -> None:
        """Send the images; a store that is down is told before the first byte."""
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

    async def problem(self, problem: Problem) -> None:
        """Send an error: as the answer, or as the last event of a stream."""
        if self._streams:
            told = {"type": "error", **problem.body}
            await self._body(f"event: error\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode())
        else:
            await send_problem(problem, self._scope, self._send, self._headers)

    async def end(self) -> None:
        """Send the end of what was begun in pieces."""
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
    """Return the error of an image that was made and cannot be read.

    While only its store is down, asking again costs nothing: that caller counts as one without an answer.
    """
    if isinstance(error, StorageUnreachable):
        return attrs.evolve(problem_from_slug("unavailable"), headers=RETRY_LATER)
    return attrs.evolve(
        problem_from_slug("internal"), status=NO_RETRY_STATUS, code="storage_failed", headers=NO_RETRY
    )


def _still_running(task_id: str, *, english: bool) -> str:
    where = f"GET /api/v1/tasks/{task_id}"
    return f"the task goes on; see {where}" if english else f"任务仍在进行，可用 {where} 查看"
