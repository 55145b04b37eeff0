"""Tasks: show, list, follow, cancel, retry."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Stream

from imagegen_core.errors import Unavailable, ValidationFailed
from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.ports.task_repository import TaskFilter
from imagegen_core.problems import RefusalCode
from imagegen_core.search.pages import encode_cursor
from imagegen_core.tasks.task import TaskStatus
from imagegen_http.answers.envelope import ListPage, Success, success
from imagegen_http.answers.responses import SUBMISSION_REFUSALS, refusals, response
from imagegen_http.answers.tasks import AcceptedTask, Task
from imagegen_http.api.event_stream import HEADERS, event_stream
from imagegen_http.api.json_response import JsonResponse
from imagegen_http.api.routes.dependencies import (
    CursorQuery,
    IdempotencyHeader,
    LastEventHeader,
    PageQuery,
    PageSizeQuery,
    ProviderQuery,
    ServiceDependency,
    TaskIdPath,
    parse_idempotency_key,
    parse_paging,
    parse_task_id,
)
from imagegen_http.asgi import request_context
from imagegen_http.problems.messages import RequestProblem

StatusQuery = Annotated[TaskStatus | None, QueryParameter(description="only tasks in this status")]


@get("/api/v1/tasks", tags=["tasks"], responses=refusals("validation_failed"))
async def list_tasks(
    service: ServiceDependency,
    status: StatusQuery = None,
    provider: ProviderQuery = None,
    page: PageQuery = 1,
    page_size: PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: CursorQuery = None,
) -> Success[ListPage[Task]]:
    """List tasks, newest first."""
    query = ["tasks", status, provider]
    views = await service.imagegen.list_tasks(
        criteria=TaskFilter(status=status, provider_name=provider),
        paging=parse_paging(page, page_size, cursor, query),
    )
    language = request_context.language.get()
    items = [Task.from_view(view, language) for view in views.items]
    following = None if views.last is None else encode_cursor(views.last, query)
    return success(ListPage.from_page(views, items, number=page, size=page_size, cursor=following))


@get("/api/v1/tasks/{task_id:str}", tags=["tasks"], responses=refusals("task_not_found"))
async def get_task(task_id: TaskIdPath, service: ServiceDependency) -> Response[Success[Task]]:
    """Show a task, with its images and its error."""
    view = await service.imagegen.show_task(task_id=parse_task_id(task_id))
    body = success(Task.from_view(view, request_context.language.get()))
    return JsonResponse(body, headers={} if view.task.status.final else {"Retry-After": "1"})


@post(
    "/api/v1/tasks/{task_id:str}/cancel",
    status_code=200,
    tags=["tasks"],
    responses={
        202: response(Success[Task], "it runs; the provider was asked to stop"),
        **refusals("task_not_found"),
    },
)
async def cancel_task(task_id: TaskIdPath, service: ServiceDependency) -> Response[Success[Task]]:
    """Cancel a task: at once while it waits (200), as far as the provider can while it runs (202)."""
    task = await service.imagegen.cancel_task(task_id=parse_task_id(task_id))
    view = await service.imagegen.show_task.view(task)
    body = success(Task.from_view(view, request_context.language.get()))
    return JsonResponse(body, status_code=200 if task.status.final else 202)


@post(
    "/api/v1/tasks/{task_id:str}/retry",
    status_code=202,
    tags=["tasks"],
    responses=refusals("task_not_found", "validation_failed", *SUBMISSION_REFUSALS),
)
async def retry_task(
    task_id: TaskIdPath, service: ServiceDependency, idempotency_key: IdempotencyHeader = None
) -> Response[Success[AcceptedTask]]:
    """Make a new task from one that failed or was cancelled; the same key gives the same new task."""
    if service.stopping.is_set():
        raise Unavailable(RefusalCode.SHUTTING_DOWN())
    key = parse_idempotency_key(idempotency_key)
    added = await service.imagegen.retry_task(task_id=parse_task_id(task_id), idempotency_key=key)
    task = added.task
    headers = {"Location": f"/api/v1/tasks/{task.task_id}", "Retry-After": "1", "Cache-Control": "no-store"}
    if added.replayed:
        headers["Idempotent-Replayed"] = "true"
    return JsonResponse(success(AcceptedTask.from_task(task)), status_code=202, headers=headers)


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
    task_id: TaskIdPath, service: ServiceDependency, last_event_id: LastEventHeader = None
) -> Stream | Response[None]:
    """Follow a task as server-sent events: a snapshot, then its events to the last.

    A client that has received the last event gets 204, which stops a browser's automatic reconnects.
    """
    if last_event_id is not None and not (last_event_id.isascii() and last_event_id.isdigit()):
        raise ValidationFailed.for_field("Last-Event-ID", RequestProblem.NOT_AN_EVENT_ID())
    after = None if last_event_id is None else min(int(last_event_id[:19]), 2**63 - 1)
    view = await service.imagegen.show_task(task_id=parse_task_id(task_id))
    if view.task.status.final and after == await service.imagegen.adapters.events.last_id(view.task.task_id):
        return Response(None, status_code=204)
    stream = event_stream(service, view.task.task_id, after=after, language=request_context.language.get())
    return Stream(stream, media_type="text/event-stream", headers=HEADERS)


HANDLERS = [list_tasks, get_task, cancel_task, retry_task, follow_task]
