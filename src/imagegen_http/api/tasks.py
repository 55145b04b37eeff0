"""Tasks: show, list, count, cancel, retry and rerun, and the answer to a submission."""

import asyncio
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, TypeVar, cast

import attrs
import structlog
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from imagegen_core.config import ConfigSource
from imagegen_core.errors import FailureCode, ImagegenError
from imagegen_core.images import MediaType
from imagegen_core.limits import DEFAULT_PAGE_SIZE, MAX_FALLBACKS, MAX_WAIT_SECONDS
from imagegen_core.messages import Language
from imagegen_core.ports.tasks import AddedTask, TaskFilter
from imagegen_core.requests import InputRole, Operation
from imagegen_core.services.tasks import InputView, TaskChanges, TaskView
from imagegen_core.task import Submission, Target, TaskStatus
from imagegen_core.task import Task as CoreTask
from imagegen_http.api import requests
from imagegen_http.api.errors import fields_named, get, post, response
from imagegen_http.api.images import Cost, Image
from imagegen_http.api.requests import (
    JsonRequest,
    ServiceDependency,
    TaskIdPath,
    parse_task_id,
    without_fields,
)
from imagegen_http.api.responses import JsonResponse, ListPage, Success, listed, success
from imagegen_http.api.retries import DERIVED_KEY_SCOPE, Call, ClientRetries
from imagegen_http.errors import failure_sentence
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import Receive, Scope, Send
from imagegen_http.guard.delivery import CALLER, Caller, wait_for_delivery, wait_for_disconnect
from imagegen_http.schemas import (
    EXAMPLE_PROMPT,
    EXAMPLE_TASK_ID,
    Answer,
    Body,
    ImageId,
    JsonObject,
    ModelId,
    Name,
    Prompt,
    ProviderName,
    RequestedModel,
    TaskId,
    Time,
    doc,
    timestamp,
    with_exact_seed,
)
from imagegen_http.service import Service

T = TypeVar("T")
_log = structlog.get_logger("imagegen.tasks")
_URL = f"/api/v1/tasks/{EXAMPLE_TASK_ID}"
_MESSAGE = "a sentence in the caller's language, then the provider's own words"
_INPUT_URL = "where its bytes are; null once that image is deleted, or where they were not kept"
_NEW_PARAMS = "parameters, and `prompt`, in place of the task's own; null takes one back"
RETRY = "when it is sent again, where its provider has not started it; else null"
_CANCELLED = {"enum": ["pending", "processing", None]}


class TaskUrls(Answer, frozen=True, kw_only=True):
    """Where a task can be seen, followed and cancelled."""

    self: Annotated[str, doc("`GET`: the task", _URL)]
    events: Annotated[str, doc("`GET`: what happens to it, as server-sent events", f"{_URL}/events")]
    cancel: Annotated[str, doc("`POST`: cancel it", f"{_URL}/cancel")]

    @classmethod
    def from_id(cls, task_id: str) -> "TaskUrls":
        url = f"/api/v1/tasks/{task_id}"
        return cls(self=url, events=f"{url}/events", cancel=f"{url}/cancel")


class AcceptedTask(Answer, frozen=True, kw_only=True):
    """A task that is on disk and will be worked on."""

    task_id: TaskId
    status: Annotated[
        TaskStatus, doc("`pending`, or the status of now where the task was there already", "pending")
    ]
    urls: Annotated[TaskUrls, doc("where it can be seen, followed and cancelled")]


class TaskError(Answer, frozen=True, kw_only=True):
    """Why a task failed or was cancelled."""

    code: Annotated[FailureCode, doc("what went wrong", "rejected")]
    message: Annotated[str, doc(_MESSAGE, "the provider refused the request")]
    retryable: Annotated[bool, doc("whether the same request may succeed later", example=False)]
    possible_charge: Annotated[bool, doc("whether the provider may have charged for the call", example=False)]
    upstream_status: Annotated[int | None, doc("HTTP status of the provider's answer", 400)]
    upstream_code: Annotated[str | None, doc("the provider's own code", None)]

    @classmethod
    def from_task(cls, task: CoreTask, language: Language) -> "TaskError | None":
        if task.failure is None:
            return None
        message = failure_sentence(task.failure.code, task.failure.reason, language)
        return cls.from_attributes(task.failure, message=message)


class FallbackTarget(Body, frozen=True, kw_only=True):
    """A provider to ask next."""

    provider: Annotated[str, doc("its name", "demo", min_length=1)]
    model_id: RequestedModel | None = None


class TaskFallback(Answer, frozen=True, kw_only=True):
    """A provider to ask next."""

    provider: ProviderName
    model_id: ModelId


class TaskRetry(Answer, frozen=True, kw_only=True):
    """When a task is sent again that its provider has not started."""

    at: Annotated[Time, doc("earliest time at which it is sent")]
    code: Annotated[FailureCode, doc("why it was not started", "rate_limited")]
    number: Annotated[int, doc("which try that is, the first one being 1", 2)]
    most: Annotated[int, doc("how many there are at most", 4)]

    @classmethod
    def from_task(cls, task: CoreTask) -> "TaskRetry | None":
        if task.retry_code is None or task.not_before is None:
            return None
        at, number = timestamp(task.not_before), task.retries + 1
        return cls(at=at, code=task.retry_code, number=number, most=task.max_retries + 1)


_FALLBACK = "providers to ask next, in order, where one has provably charged nothing"
Fallback = Annotated[list[FallbackTarget], doc(_FALLBACK, max_length=MAX_FALLBACKS)]


def targets_of(fallback: Iterable[FallbackTarget]) -> tuple[Target, ...]:
    return tuple(Target(one.provider, one.model_id) for one in fallback)


class TaskAttempt(TaskFallback, frozen=True, kw_only=True):
    """A provider whose turn it was, and why the task went on from it."""

    code: Annotated[FailureCode | None, doc("why it made nothing; else null", None)]
    possible_charge: Annotated[bool, doc("whether it may have charged for nothing", example=False)]
    started_at: Time


class ConfigSnapshot(Answer, frozen=True, kw_only=True):
    """The provider's configuration that a task was accepted under, without secrets."""

    api_base: Annotated[str | UnsetType | None, doc("address of the provider's API", None)] = UNSET
    api_key: Annotated[str | UnsetType | None, doc("its key, masked", "sk-****cdef")] = UNSET
    model_id: ModelId | UnsetType = UNSET
    timeout_seconds: Annotated[float | UnsetType, doc("how long one call may take", 60.0)] = UNSET
    max_retries: Annotated[int | UnsetType, doc("retries of a call that started nothing", 3)] = UNSET
    source: Annotated[ConfigSource | UnsetType, doc("`request`: its `config` counts", "database")] = UNSET


class TaskInput(Answer, frozen=True, kw_only=True):
    """An input image of a task."""

    role: Annotated[InputRole, doc("what it is there for", "reference")]
    index: Annotated[int, doc("number among all inputs of the task, from 0", 0)]
    image_id: Annotated[ImageId | None, doc("the stored image that was named; null for one that was sent")]
    url: Annotated[str | None, doc(_INPUT_URL, "/api/v1/images/7/content")]
    mime_type: Annotated[MediaType, doc("type of its bytes", "image/png")]
    width: Annotated[int, doc("pixels", 512)]
    height: Annotated[int, doc("pixels", 512)]
    size_bytes: Annotated[int, doc("size of its bytes", 56345)]

    @classmethod
    def from_view(cls, view: InputView, task_id: str, index: int) -> "TaskInput":
        image = view.image
        place = f"tasks/{task_id}/inputs/{index}" if image.image_id is None else f"images/{image.image_id}"
        url = f"/api/v1/{place}/content" if view.available else None
        return cls.from_attributes(image, role=view.role, index=index, url=url)


class Task(Answer, frozen=True, kw_only=True):
    """A task with its images, or with why it failed."""

    task_id: TaskId
    operation: Annotated[Operation, doc("what was asked for", "generate")]
    status: Annotated[TaskStatus, doc("where it is on its way", "completed")]
    provider: ProviderName
    model_id: ModelId
    prompt: Prompt
    params: Annotated[JsonObject, doc("the model's parameters", {"width": 512, "height": 512})]
    progress: Annotated[float, doc("0 to 1; 0 where the provider says nothing", 1.0)]
    queue_position: Annotated[
        int | None, doc("1 for the next one of its provider; null when it does not wait", None)
    ]
    retry: Annotated[TaskRetry | None, doc(RETRY)]
    attempts: Annotated[int, doc("tries that reached the provider or tried to", 1)]
    attempt_history: Annotated[list[TaskAttempt], doc("whose turn it was, the present provider's last")]
    fallback: Annotated[list[TaskFallback], doc("providers to ask after the first, as it was asked for", [])]
    created_at: Time
    started_at: Annotated[
        Time | None, doc("when a provider first had a place for it", "2026-11-24T08:00:00.120Z")
    ]
    completed_at: Annotated[Time | None, doc("when it ended, however it did", "2026-11-24T08:00:09.480Z")]
    image_url: Annotated[str | None, doc("where the first image's bytes are", "/api/v1/images/7/content")]
    images: Annotated[list[Image], doc("its images, in order")]
    inputs: Annotated[list[TaskInput], doc("its input images: references, then image, then mask")]
    cost: Annotated[
        Cost | None, doc("what its calls cost, or may have cost; null if nothing, or in several currencies")
    ]
    costs: Annotated[list[Cost], doc("the same, by currency; empty if nothing")]
    warnings: Annotated[
        list[str], doc("what its caller should know, such as what became of images that are missing", [])
    ]
    error: Annotated[TaskError | None, doc("why it failed or was cancelled", None)]
    config_snapshot: Annotated[ConfigSnapshot, doc("the configuration that it was accepted under")]
    cancel_requested: Annotated[bool, doc("whether a caller wants it stopped while it runs", example=False)]
    retry_of: Annotated[str | None, doc("id of the task that it repeats", None)]
    batch_id: Annotated[str | None, doc("id of the batch that it belongs to", None)]
    urls: Annotated[TaskUrls, doc("where it can be seen, followed and cancelled")]

    @classmethod
    def from_view(cls, view: TaskView, language: Language) -> "Task":
        task, images = view.task, [Image.from_image(image) for image in view.images]
        costs, visible = [Cost.from_cost(cost) for cost in view.costs], ConfigSnapshot.__struct_fields__
        return cls.from_attributes(
            task,
            operation=task.request.operation,
            provider=task.provider_name,
            prompt=task.request.prompt,
            params=with_exact_seed(task.request.params),
            progress=progress_of(task),
            attempt_history=[
                TaskAttempt(**{**each, "started_at": timestamp(datetime.fromisoformat(each["started_at"]))})
                for each in task.attempt_history
            ],
            fallback=[TaskFallback.from_attributes(x, provider=x.provider_name) for x in task.targets[1:]],
            queue_position=view.queue_position,
            retry=TaskRetry.from_task(task),
            image_url=images[0].image_url if images else None,
            images=images,
            inputs=[TaskInput.from_view(one, task.task_id, number) for number, one in enumerate(view.inputs)],
            cost=costs[0] if len(costs) == 1 else None,
            costs=costs,
            error=TaskError.from_task(task, language),
            config_snapshot=ConfigSnapshot(
                **{name: value for name, value in task.config_snapshot.items() if name in visible}
            ),
            warnings=[warning.text(language) for warning in task.warnings],
            urls=TaskUrls.from_id(task.task_id),
        )


def progress_of(task: CoreTask) -> float:
    """Return 0 to 1; 0 where the provider says nothing."""
    return 1.0 if task.status is TaskStatus.COMPLETED else task.progress or 0.0


class TaskCounts(Answer, frozen=True, kw_only=True):
    """How many tasks have each status."""

    pending: Annotated[int, doc("waiting", 12)]
    processing: Annotated[int, doc("at a provider", 4)]
    completed: Annotated[int, doc("ended with images", 830)]
    failed: Annotated[int, doc("ended without", 3)]
    cancelled: Annotated[int, doc("ended because a caller wanted it", 1)]


class CancelledTasks(Answer, frozen=True, kw_only=True):
    """What became of a request to cancel many."""

    cancelled: Annotated[int, doc("how many were cancelled, or while they run were asked to stop", 12)]


class RerunBody(Body, frozen=True, kw_only=True):
    """What is to be other than in the task that is made again; what is left out stays as it was."""

    params: Annotated[JsonObject | None, doc(_NEW_PARAMS, {"prompt": f"{EXAMPLE_PROMPT}，水彩"})] = None
    provider: Name | None = None
    model_id: RequestedModel | None = None
    fallback: Fallback | None = None


class CancelBody(Body, frozen=True, kw_only=True):
    """Which tasks are to be cancelled; those that are submitted meanwhile are not."""

    status: Annotated[
        TaskStatus | None, doc("`pending`, `processing`, or null: both", TaskStatus.PENDING, **_CANCELLED)
    ] = TaskStatus.PENDING
    provider: Name | None = None


# ---------------------------------------------------------------- the answer to whoever submits one

TaskResponse = Response[Success[AcceptedTask] | Success[Task]]
_WAIT_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)
_REPEAT_PREFERENCE = re.compile(r"(?:^|[,;\s])repeat-lost(?:$|[,;\s])", re.IGNORECASE)
_ACCEPTED = {
    202: response(Success[AcceptedTask], "the task is on disk"),
    200: response(Success[Task], "the finished task, where the caller waited for it"),
}
CONFIG_REFUSALS = (
    *("provider_not_configured", "provider_disabled", "model_not_available"),
    *("unsupported_operation", "api_key_required"),
)
_SUBMISSION_REFUSALS = (
    *(*CONFIG_REFUSALS, "upstream_not_allowed", "idempotency_key_reused"),
    *("queue_full", "unavailable", "insufficient_storage"),
)


def post_task(path: str, tag: str, *refusals: str, **more: Any) -> HTTPRouteHandler:
    """Return a route that submits a task; ``refusals`` are in addition to those of all submissions."""
    return post(path, tag, *_SUBMISSION_REFUSALS, *refusals, status_code=202, responses=_ACCEPTED, **more)


async def acceptance(service: Service, added: AddedTask, prefer: str | None) -> TaskResponse:
    """Return 202 with the durable task, or 200 with the finished one if the caller waits for it."""
    task_id = added.task.task_id
    headers = {"Location": f"/api/v1/tasks/{task_id}", "Cache-Control": "no-store"}
    if added.replayed:
        headers["Idempotent-Replayed"] = "true"
    match = _WAIT_PREFERENCE.search(prefer or "")
    if match is not None and (seconds := min(int(match[1]), MAX_WAIT_SECONDS)):
        headers["Preference-Applied"] = f"wait={seconds}"
        task = await service.unless_stopping(service.imagegen.wait(task_id, timeout=seconds))
        if task is not None and task.status.final:
            return JsonResponse(await _rendered(service, task), status_code=200, headers=headers)
    headers["Retry-After"] = "1"
    accepted = AcceptedTask(task_id=task_id, status=added.task.status, urls=TaskUrls.from_id(task_id))
    return JsonResponse(success(accepted), status_code=202, headers=headers)


def repeats_lost(prefer: str | None) -> bool:
    """Whether a caller without a key may get the task of an equal call whose answer was lost."""
    return _REPEAT_PREFERENCE.search(prefer or "") is not None


async def accept_or_repeat(
    request: JsonRequest, service: Service, retries: ClientRetries, submission: Submission, prefer: str | None
) -> TaskResponse:
    """Return what `acceptance` does, of an equal call's task if its caller was lost; see `ClientRetries`."""
    submission.check_shape()
    token, scope = request.headers.get("authorization", ""), cast("Scope", request.scope)
    caller = scope.get(CALLER) or Caller(
        asyncio.create_task(wait_for_disconnect(cast("Receive", request.receive)))
    )
    digest = hashlib.sha256(f"{token}\0{await submission.digest()}".encode()).hexdigest()
    call = Call(digest=digest, operations=(submission.operation,), disconnect=caller.disconnect)

    async def submit(key: str) -> AddedTask:
        derived = attrs.evolve(
            submission, idempotency_key=key, idempotency_scope=DERIVED_KEY_SCOPE, is_new_key=True
        )
        return await service.imagegen.tasks.submit(derived)

    async def settle(has_arrived: object) -> None:
        try:
            if has_arrived:
                retries.answered(call)
                await service.imagegen.parts.tasks.mark_answered(
                    task_id, at=service.imagegen.parts.clock.now()
                )
        except ImagegenError as error:  # an equal call may get the task once more
            _log.warning("a delivered response could not be recorded", reason=str(error))
        finally:
            retries.leave(call)

    try:
        added = await retries.accept(service.imagegen, call, submit, numbered=False)
        task_id = added.task.task_id
        response = await acceptance(service, added, prefer)
    except BaseException:  # also when cancelled: nobody waits any more
        retries.leave(call)
        if CALLER not in scope:
            caller.disconnect.cancel()
        raise
    await caller.on_leave(settle)
    return response if CALLER in scope else SettlingResponse(response, caller)


class SettlingResponse(JsonResponse[T]):
    """A response whose tasks are to know whether it has arrived."""

    def __init__(self, response: Response[T], caller: Caller) -> None:
        super().__init__(response.content, status_code=response.status_code, headers=response.headers)
        self._caller = caller

    def to_asgi_response(self, app: Any, request: Any, *, status_code: int | None = None, **_: Any) -> Any:
        status, headers, body = self._encoded(status_code)

        async def response(scope: Scope, receive: Receive, send: Send) -> None:
            arrived = False
            try:
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body, "more_body": True})
                arrived = await wait_for_delivery(scope, self._caller.disconnect)
            finally:
                await self._caller.leave(arrived=arrived)
                self._caller.disconnect.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        return response


async def _rendered(service: Service, task: CoreTask) -> Success[Task]:
    return success(Task.from_view(await service.imagegen.tasks.view(task), asgi.language.get()))


# ---------------------------------------------------------------- routes


@get("/api/v1/tasks", "tasks", "validation_failed")
async def list_tasks(
    service: ServiceDependency,
    status: requests.StatusQuery = None,
    provider: requests.ProviderQuery = None,
    batch_id: requests.BatchQuery = None,
    created_from: requests.FromQuery = None,
    created_to: requests.ToQuery = None,
    tz: requests.ZoneQuery = "UTC",
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: requests.CursorQuery = None,
) -> Success[ListPage[Task]]:
    """List tasks, newest first.

    Each as `GET /api/v1/tasks/{task_id}` shows it. `cursor` is how to read a long list: it costs the same
    at any depth.
    """
    since, until, _ = requests.parse_span(created_from, created_to, tz)
    criteria = TaskFilter(
        status=status, provider_name=provider, batch_id=batch_id, created_from=since, created_to=until
    )
    query = ["tasks", *attrs.astuple(criteria)]
    paging = requests.parse_paging(page, page_size, cursor, query)
    views = await service.imagegen.tasks.list(criteria, paging)
    language = asgi.language.get()
    return listed(
        views, lambda view: Task.from_view(view, language), number=page, size=page_size, query=query
    )


@get("/api/v1/tasks/counts", "tasks")
async def count_tasks(service: ServiceDependency) -> Success[TaskCounts]:
    """Tell how many tasks have each status, exactly however many there are.

    It costs the same however many tasks there are, so that a page may show it.
    """
    counts = await service.imagegen.parts.tasks.counts()
    return success(TaskCounts(**{str(status): number for status, number in counts.items()}))


@post("/api/v1/tasks/cancel", "tasks")
async def cancel_tasks(data: JSONBody[CancelBody], service: ServiceDependency) -> Success[CancelledTasks]:
    """Cancel all tasks of a status, or of a provider: those that run as far as the provider can.

    The answer is how many. Those that are submitted meanwhile are left alone, and images that still arrive
    are stored.
    """
    criteria = TaskFilter(status=data.status, provider_name=data.provider)
    return success(CancelledTasks(cancelled=await service.imagegen.tasks.cancel_all(criteria=criteria)))


@get("/api/v1/tasks/{task_id:str}", "tasks", "task_not_found")
async def get_task(task_id: TaskIdPath, service: ServiceDependency) -> Response[Success[Task]]:
    """Show a task, with its images and its error.

    This is 200 however the task goes; `status` and `error` tell. While it has not ended, `Retry-After` says
    when to look again.
    """
    view = await service.imagegen.tasks.show(parse_task_id(task_id))
    body = success(Task.from_view(view, asgi.language.get()))
    return JsonResponse(body, headers={} if view.task.status.final else {"Retry-After": "1"})


@post(
    "/api/v1/tasks/{task_id:str}/cancel",
    "tasks",
    "task_not_found",
    "task_not_recallable",
    responses={202: response(Success[Task], "it runs; the provider was asked to stop")},
    guards=[without_fields],
)
async def cancel_task(task_id: TaskIdPath, service: ServiceDependency) -> Response[Success[Task]]:
    """Cancel a task: at once while it waits (200), as far as the provider can while it runs (202).

    A task that has ended stays as it is, so this may be repeated. What was charged already is not given
    back; images that still arrive are stored.
    """
    task = await service.imagegen.tasks.cancel(parse_task_id(task_id))
    return JsonResponse(await _rendered(service, task), status_code=200 if task.status.final else 202)


@post_task("/api/v1/tasks/{task_id:str}/retry", "tasks", "task_not_found", guards=[without_fields])
async def retry_task(
    task_id: TaskIdPath,
    service: ServiceDependency,
    idempotency_key: requests.IdempotencyHeader = None,
    prefer: requests.PreferHeader = None,
) -> TaskResponse:
    """Make a new task from one that failed or was cancelled; the same key gives the same new task.

    Any other task is refused with `validation_failed`. `params: {"fail": "rejected"}` of the provider
    `demo` makes one that fails, to try it with.
    """
    service.check_running()
    key = requests.parse_idempotency_key(idempotency_key)
    added = await service.imagegen.tasks.retry(parse_task_id(task_id), idempotency_key=key)
    return await acceptance(service, added, prefer)


_UNCHANGED = RerunBody()


@post_task("/api/v1/tasks/{task_id:str}/rerun", "tasks", "task_not_found")
async def rerun_task(
    task_id: TaskIdPath,
    service: ServiceDependency,
    data: JSONBody[RerunBody] = _UNCHANGED,
    idempotency_key: requests.IdempotencyHeader = None,
    prefer: requests.PreferHeader = None,
) -> TaskResponse:
    """Make a new task from any other one, with changes; the same key and changes give the same new task.

    What the body leaves out stays as it was, and so does all without a body. It is charged like any other
    task.
    """
    service.check_running()
    changes = TaskChanges(
        params=data.params or {},
        provider_name=data.provider,
        model_id=data.model_id,
        fallback=None if data.fallback is None else targets_of(data.fallback),
    )
    with fields_named({"prompt": "params.prompt"}):
        added = await service.imagegen.tasks.rerun(
            parse_task_id(task_id), changes, idempotency_key=requests.parse_idempotency_key(idempotency_key)
        )
    return await acceptance(service, added, prefer)
