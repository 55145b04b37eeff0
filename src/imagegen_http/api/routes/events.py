"""Follow tasks as server-sent events: one to its end, or all of them."""

from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from imagegen_core.messages import Language
from imagegen_http.answers.responses import refusals, response
from imagegen_http.api.event_stream import HEADERS, event_stream
from imagegen_http.api.routes.dependencies import (
    LastEventHeader,
    ServiceDependency,
    StatusQuery,
    TaskIdPath,
    parse_event_id,
    parse_task_id,
)
from imagegen_http.api.task_stream import task_stream
from imagegen_http.asgi import request_context

SpokenQuery = Annotated[
    Language | None,
    QueryParameter(
        name="lang",
        description="language of the messages, for browsers, whose event source sends no header of its own",
    ),
]


@get(
    "/api/v1/tasks/{task_id:str}/events",
    tags=["tasks"],
    media_type="text/event-stream",
    responses={
        200: response(str, "the events", "text/event-stream"),
        204: response(None, "the last event was received already"),
        **refusals("validation_failed", "task_not_found"),
    },
)
async def follow_task(
    task_id: TaskIdPath,
    service: ServiceDependency,
    last_event_id: LastEventHeader = None,
    spoken: SpokenQuery = None,
) -> Stream | Response[None]:
    """Follow a task as server-sent events: a snapshot, then its events to the last.

    A client that has received the last event gets 204, which stops a browser's automatic reconnects.
    """
    after = parse_event_id(last_event_id)
    view = await service.imagegen.show_task(task_id=parse_task_id(task_id))
    if view.task.status.final and after == await service.imagegen.adapters.events.last_id(view.task.task_id):
        return Response(None, status_code=204)
    language = spoken or request_context.language.get()
    stream = event_stream(service, view.task.task_id, after=after, language=language)
    return Stream(stream, media_type="text/event-stream", headers=HEADERS)


@get(
    "/api/v1/events",
    tags=["tasks"],
    media_type="text/event-stream",
    responses={
        200: response(str, "the events", "text/event-stream"),
        **refusals("validation_failed"),
    },
)
async def follow_tasks(
    service: ServiceDependency,
    status: StatusQuery = None,
    last_event_id: LastEventHeader = None,
    spoken: SpokenQuery = None,
) -> Stream:
    """Follow all tasks as server-sent events: each that changes, as it is then.

    After `Last-Event-ID` those come first that have changed since; without it only later changes are told.
    """
    after = parse_event_id(last_event_id)
    language = spoken or request_context.language.get()
    stream = task_stream(service, status=status, after=after, language=language)
    return Stream(stream, media_type="text/event-stream", headers=HEADERS)


HANDLERS = [follow_task, follow_tasks]
