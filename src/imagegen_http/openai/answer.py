"""Holds a request until its task has ended, then sends the pictures."""

import json
from collections.abc import Mapping
from itertools import takewhile

import attrs
import structlog

from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.tasks import Task
from imagegen_http import request_context
from imagegen_http.asgi import Receive, Scope, Send
from imagegen_http.delivery import delivered
from imagegen_http.openai.errors import of_slug, send_problem
from imagegen_http.openai.picture_bodies import Piece, Style, event_pieces, json_pieces, length_of, written
from imagegen_http.openai.problems import NEVER_REPEATED, NO_RETRY, RETRY_LATER, SERVER_ERROR, Problem
from imagegen_http.openai.repeats import Call, Repeats
from imagegen_http.openai.task_end import ClientLeft, end_of
from imagegen_http.service import Service

HOLD_SECONDS = 600.0
"""The default time-out of the official clients."""

_log = structlog.get_logger("imagegen.openai")


@attrs.frozen(kw_only=True)
class Answer:
    """The answer to one request, as an ASGI application.

    A client that leaves changes nothing for the task, and asks for its answer by sending the request again.
    """

    service: Service
    repeats: Repeats
    task: Task
    call: Call
    style: Style
    headers: Mapping[str, str] = attrs.field(factory=dict)
    hold_seconds: float = HOLD_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        sending = _Sending(scope, send, {"x-task-id": self.task.task_id, **self.headers})
        try:
            is_the_outcome = await self._send(sending)
            arrived = is_the_outcome and await delivered(scope, self.call.left)
            if arrived:
                self.repeats.answered(self.call)
            await sending.end()
            if arrived:
                await self._keep_in_mind()
        except ClientLeft:
            return
        finally:
            self.repeats.leave(self.call)
            self.call.left.cancel()

    async def _send(self, sending: "_Sending") -> bool:
        """Return whether what was sent is how the task ended; else the client is to ask again."""
        streams = self.style.events is not None
        if streams:
            await sending.start_events()
        task = await end_of(
            self.service,
            self.task.task_id,
            left=self.call.left,
            seconds=self.hold_seconds,
            meanwhile=sending.keep_alive if streams else None,
        )
        problem, is_the_outcome = self._problem(task), task.status.final
        try:
            if problem is None:
                images = await self.service.imagegen.images(task.task_id)
                pieces = (event_pieces if streams else json_pieces)(task, images, self.style)
                await sending.pieces(pieces, self.service)
        except (StorageError, BlobMissing) as error:
            _log.error("a picture cannot be read", reason=str(error))
            if sending.has_pieces:
                raise
            problem, is_the_outcome = _unreadable(error), not isinstance(error, StorageUnreachable)
        if problem is not None:
            await sending.problem(problem)
        return is_the_outcome

    async def _keep_in_mind(self) -> None:
        """Store that the caller has the answer; if that fails, an equal request may get it once more."""
        if self.call.key is None:
            return
        adapters = self.service.imagegen.adapters
        try:
            await adapters.idempotency_keys.answered(self.task.task_id, at=adapters.clock.now())
        except ImagegenError as error:
            _log.warning("an answer cannot be kept in mind", reason=str(error))

    def _problem(self, task: Task) -> Problem | None:
        """Return why there are no pictures, None when there are."""
        english = request_context.english.get()
        if task.failure is not None:
            return Problem.of_failure(task.failure, english=english)
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


class _Sending:
    """One answer on its way, whole or as events."""

    def __init__(self, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self._streams = False
        self._open = False
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
        """Send the pictures; a store that is down is told before the first byte."""
        chunks = written(pieces, service.imagegen.adapters.pictures.open)
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
        if self._open:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, headers: dict[str, str]) -> None:
        self._open = True
        head = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in {**self._headers, **headers}.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})

    async def _body(self, content: bytes) -> None:
        if content:
            await self._send({"type": "http.response.body", "body": content, "more_body": True})


def _unreadable(error: Exception) -> Problem:
    """Return the error of a picture that was made and cannot be read.

    While only its store is down, asking again costs nothing: that caller counts as one without an answer.
    """
    if isinstance(error, StorageUnreachable):
        return attrs.evolve(of_slug("unavailable"), headers=RETRY_LATER)
    return attrs.evolve(of_slug("internal"), status=NEVER_REPEATED, code="storage_failed", headers=NO_RETRY)


def _still_running(task_id: str, *, english: bool) -> str:
    where = f"GET /api/v1/tasks/{task_id}"
    return f"the task goes on; see {where}" if english else f"任务仍在进行，可用 {where} 查看"
