"""Tasks: show, list, count, cancel, make again."""

from litestar import Response, get, post
from litestar.params import JSONBody

from imagegen_core.errors import Unavailable, ValidationFailed
from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.ports.task_repository import TaskFilter
from imagegen_core.problems.refusals import RefusalCode
from imagegen_core.search.pages import encode_cursor
from imagegen_http.answers.envelope import ListPage, Success, success
from imagegen_http.answers.responses import BODY_REFUSALS, SUBMISSION_REFUSALS, refusals, response
from imagegen_http.answers.tasks import CancelledTasks, Task, TaskCounts
from imagegen_http.api.acceptance import TaskResponse, acceptance, acceptances
from imagegen_http.api.bodies.tasks import CancelBody, RerunBody
from imagegen_http.api.empty_body import without_fields
from imagegen_http.api.json_response import JsonResponse
from imagegen_http.api.routes.dependencies import (
    CursorQuery,
    IdempotencyHeader,
    PageQuery,
    PageSizeQuery,
    PreferHeader,
    ProviderQuery,
    ServiceDependency,
    StatusQuery,
    TaskIdPath,
    parse_idempotency_key,
    parse_paging,
    parse_task_id,
)
from imagegen_http.asgi import request_context
from imagegen_http.runtime.service import Service

_NO_CHANGES = RerunBody()


@get("/api/v1/tasks", tags=["tasks"], responses=refusals("validation_failed"))
async def list_tasks(
    service: ServiceDependency,
    status: StatusQuery = None,
    provider: ProviderQuery = None,
    page: PageQuery = 1,
    page_size: PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: CursorQuery = None,
) -> Success[ListPage[Task]]:
    """List tasks, newest first.

    Each as `GET /api/v1/tasks/{task_id}` shows it. `cursor` is how to read a long list: it costs the same
    at any depth.
    """
    query = ["tasks", status, provider]
    views = await service.imagegen.list_tasks(
        criteria=TaskFilter(status=status, provider_name=provider),
        paging=parse_paging(page, page_size, cursor, query),
    )
    language = request_context.language.get()
    items = [Task.from_view(view, language) for view in views.items]
    following = None if views.last is None else encode_cursor(views.last, query)
    return success(ListPage.from_page(views, items, number=page, size=page_size, cursor=following))


@get("/api/v1/tasks/counts", tags=["tasks"], responses=refusals())
async def count_tasks(service: ServiceDependency) -> Success[TaskCounts]:
    """Tell how many tasks have each status, exactly however many there are.

    It costs the same however many tasks there are, so that a page may show it.
    """
    return success(TaskCounts.from_counts(await service.imagegen.adapters.tasks.counts()))


@post(
    "/api/v1/tasks/cancel",
    status_code=200,
    tags=["tasks"],
    responses=refusals("validation_failed", *BODY_REFUSALS),
)
async def cancel_tasks(data: JSONBody[CancelBody], service: ServiceDependency) -> Success[CancelledTasks]:
    """Cancel all tasks of a status, or of a provider: those that run as far as the provider can.

    The answer is how many. Those that are submitted meanwhile are left alone, and images that still arrive
    are stored.
    """
    criteria = TaskFilter(status=data.status, provider_name=data.provider)
    return success(CancelledTasks(cancelled=await service.imagegen.cancel_tasks(criteria=criteria)))


@get("/api/v1/tasks/{task_id:str}", tags=["tasks"], responses=refusals("task_not_found"))
async def get_task(task_id: TaskIdPath, service: ServiceDependency) -> Response[Success[Task]]:
    """Show a task, with its images and its error.

    This is 200 however the task goes; `status` and `error` tell. While it has not ended, `Retry-After` says
    when to look again.
    """
    view = await service.imagegen.show_task(task_id=parse_task_id(task_id))
    body = success(Task.from_view(view, request_context.language.get()))
    return JsonResponse(body, headers={} if view.task.status.final else {"Retry-After": "1"})


@post(
    "/api/v1/tasks/{task_id:str}/cancel",
    status_code=200,
    tags=["tasks"],
    guards=[without_fields],
    responses={
        202: response(Success[Task], "it runs; the provider was asked to stop"),
        **refusals("task_not_found", *BODY_REFUSALS),
    },
)
async def cancel_task(task_id: TaskIdPath, service: ServiceDependency) -> Response[Success[Task]]:
    """Cancel a task: at once while it waits (200), as far as the provider can while it runs (202).

    A task that has ended stays as it is, so this may be repeated. What was charged already is not given
    back; images that still arrive are stored.
    """
    task = await service.imagegen.cancel_task(task_id=parse_task_id(task_id))
    view = await service.imagegen.show_task.view(task)
    body = success(Task.from_view(view, request_context.language.get()))
    return JsonResponse(body, status_code=200 if task.status.final else 202)


@post(
    "/api/v1/tasks/{task_id:str}/retry",
    status_code=202,
    tags=["tasks"],
    guards=[without_fields],
    responses=acceptances("task_not_found", *BODY_REFUSALS, *SUBMISSION_REFUSALS),
)
async def retry_task(
    task_id: TaskIdPath,
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Make a new task from one that failed or was cancelled; the same key gives the same new task.

    Any other task is refused with `validation_failed`. `params: {"fail": "rejected"}` of the provider
    `demo` makes one that fails, to try it with.
    """
    _check_running(service)
    key = parse_idempotency_key(idempotency_key)
    added = await service.imagegen.retry_task(task_id=parse_task_id(task_id), idempotency_key=key)
    return await acceptance(service, added, prefer)


@post(
    "/api/v1/tasks/{task_id:str}/rerun",
    status_code=202,
    tags=["tasks"],
    responses=acceptances("task_not_found", *BODY_REFUSALS, *SUBMISSION_REFUSALS),
)
async def rerun_task(
    task_id: TaskIdPath,
    service: ServiceDependency,
    data: JSONBody[RerunBody] = _NO_CHANGES,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Make a new task from any other one, with changes; the same key and changes give the same new task.

    What the body leaves out stays as it was, and so does all without a body. It is charged like any other
    task.
    """
    _check_running(service)
    try:
        added = await service.imagegen.rerun_task(
            task_id=parse_task_id(task_id),
            changes=data.changes,
            idempotency_key=parse_idempotency_key(idempotency_key),
        )
    except ValidationFailed as error:
        raise error.with_fields({"prompt": "params.prompt"}) from error
    return await acceptance(service, added, prefer)


def _check_running(service: Service) -> None:
    if service.stopping.is_set():
        raise Unavailable(RefusalCode.SHUTTING_DOWN())


HANDLERS = [
    list_tasks,
    count_tasks,
    cancel_tasks,
    get_task,
    cancel_task,
    retry_task,
    rerun_task,
]
