"""Tasks of ``/v1`` that nobody waits for: the answer that names one, and what polls of it get.

The shape is that of sub2api, which open clients speak. An id is the task's UUID in another spelling, so
there is nothing to look up between both.
"""

import re
import uuid
from functools import cache, partial
from typing import Annotated, Any, cast

import attrs
import msgspec
import structlog
from litestar.types import ASGIApp
from msgspec import UNSET, UnsetType

from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable, TaskNotFound
from imagegen_core.task import Task, TaskStatus
from imagegen_http.api.responses import JsonResponse, send_pieces
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import Receive, Scope, Send, encoded
from imagegen_http.openai.responses import (
    Images,
    ImagesResponse,
    Moment,
    OpenAIErrorDetail,
    Problem,
    Style,
    encode_pieces,
    json_pieces,
    length_of,
    unreadable_image,
)
from imagegen_http.schemas import Answer, doc
from imagegen_http.service import Service

_EXAMPLE_ID = "imgtask_0193a5c87e1f7c3a9d526f0f5c1e2b7a"
_PREFIX, _PATH = "imgtask_", "/v1/images/tasks/"
_ID = re.compile(r"(?:imgtask_)?([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})")
_RETRY_AFTER = {"retry-after": "3"}
_JSON = {"content-type": "application/json", "cache-control": "no-store"}
_log = structlog.get_logger("imagegen.openai")

TaskIdentifier = Annotated[str, doc("`imgtask_` and the task's UUID without hyphens", _EXAMPLE_ID)]


class PlainTask(Answer, frozen=True, kw_only=True):
    """What all answers about a task have."""

    id: TaskIdentifier
    task_id: Annotated[TaskIdentifier, doc("the same", _EXAMPLE_ID)]
    object: Annotated[str, doc("always the same", const="image.generation.task")] = "image.generation.task"
    status: Annotated[str, doc("whether it has ended", enum=["processing", "completed", "failed"])]
    created_at: Moment
    expires_at: Annotated[None, doc("always null: a task does not expire", None)] = None


class AcceptedImageTask(PlainTask, frozen=True, kw_only=True):
    """A task that is on disk and will be worked on."""

    poll_url: Annotated[str, doc("where it can be seen", f"{_PATH}{_EXAMPLE_ID}")]


class ImageTask(PlainTask, frozen=True, kw_only=True):
    """A task, and at its end what the synchronous call would have answered."""

    http_status: Annotated[int | UnsetType, doc("what its status would have been", 200)] = UNSET
    completed_at: Annotated[Moment | UnsetType, doc("when it ended", 1795507200)] = UNSET
    image_url: Annotated[
        str | UnsetType | None, doc("of the first image", "http://127.0.0.1:8080/api/v1/images/7/content")
    ] = UNSET
    error: Annotated[OpenAIErrorDetail | UnsetType, doc("why there are no images")] = UNSET
    result: Annotated[Images | UnsetType, doc("the images, by URL unless bytes were asked for")] = UNSET


def parse_task_id(text: str) -> str:
    """Return the UUID of a task from either spelling."""
    match = _ID.fullmatch(text)
    if match is None:
        raise TaskNotFound(text[:64])
    return str(uuid.UUID(match[1]))


def _fields(task: Task, status: TaskStatus) -> dict[str, Any]:
    identifier = f"{_PREFIX}{task.task_id.replace('-', '')}"
    fields = {"id": identifier, "task_id": identifier, "status": str(status)}
    moments = {"created_at": task.created_at, "completed_at": task.completed_at if status.final else None}
    return fields | {name: int(moment.timestamp()) for name, moment in moments.items() if moment is not None}


@attrs.define(kw_only=True)
class AcceptedResponse(ImagesResponse):
    """The response that names the task. Until it has arrived, an equal request counts as its repeat."""

    async def _respond(self) -> bool:
        fields = _fields(self.task, TaskStatus.PROCESSING)
        location = f"{_PATH}{fields['id']}"
        body = msgspec.json.encode(AcceptedImageTask(**fields, poll_url=location))
        headers = {**_JSON, **_RETRY_AFTER, "location": location, "content-length": str(len(body))}
        await self._start(headers, status=202)
        await self._write(body)
        return True


def poll_response(service: Service, task: Task, own_url: str) -> ASGIApp:
    """Return the response to a poll; ``own_url`` is how the caller reached us."""
    return cast("ASGIApp", partial(_respond_to_poll, service, task, service.base_url(own_url)))


async def _respond_to_poll(
    service: Service, task: Task, base_url: str, scope: Scope, receive: Receive, send: Send
) -> None:
    name, parts = {"x-task-id": task.task_id}, service.imagegen.parts
    if not task.status.final:
        running = ImageTask(**_fields(task, TaskStatus.PROCESSING))
        await JsonResponse(running, headers={**name, **_RETRY_AFTER}).send_to(send)
        return
    problem = None if task.failure is None else Problem.from_failure(task.failure, asgi.language.get())
    if problem is None:
        images = await parts.images.of_task(task.task_id)
        url = cache(partial(service.links.url, base_url=base_url))  # one moment for all of the answer
        completed = ImageTask(
            **_fields(task, TaskStatus.COMPLETED),
            http_status=200,
            image_url=url(images[0].id) if images else None,
        )
        head = msgspec.json.encode(completed).removesuffix(b"}") + b',"result":'
        style = Style(url=None if task.response_format == "b64_json" else url)
        pieces = [head, *json_pieces(task, images, style), b"}"]
        chunks = encode_pieces(pieces, parts.blobs.open)
        try:
            first = await anext(chunks) + await anext(chunks, b"")
        except StorageUnreachable:
            raise  # it may answer the next poll
        except (StorageError, BlobMissing) as error:
            _log.error("an image cannot be read", reason=str(error))
            problem = unreadable_image(error)
        else:
            headers = {**name, **_JSON, "content-length": str(length_of(pieces))}
            await send_pieces(scope, 200, encoded(headers), first, chunks, receive, send)
            return
    reason = OpenAIErrorDetail(**problem.body["error"])
    failed = ImageTask(**_fields(task, TaskStatus.FAILED), http_status=problem.status, error=reason)
    await JsonResponse(failed, headers=name).send_to(send)
