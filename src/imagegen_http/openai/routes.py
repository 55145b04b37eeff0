"""``/v1``: images in one request, kept open until its task has ended, as ``openai`` clients expect.

Or answered at once, for callers that would rather poll: proxies give up before a slow image is there.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import unquote

import attrs
from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, SkipValidation
from litestar.types import ASGIApp
from msgspec import UNSET, UnsetType

from imagegen_core.errors import (
    IdempotencyKeyReused,
    ModelNotAvailable,
    Refusal,
    TaskNotFound,
    ValidationFailed,
)
from imagegen_core.messages import ProblemCode
from imagegen_core.models import LifecycleStatus, Model, choose_model
from imagegen_core.ports.tasks import AddedTask
from imagegen_core.requests import OPENAI_EDITS, OPENAI_GENERATIONS, Operation
from imagegen_core.resolving import ResolvedProvider
from imagegen_http.api import requests
from imagegen_http.api.errors import response
from imagegen_http.api.requests import IdempotencyHeader, JsonRequest, ServiceDependency
from imagegen_http.api.retries import DERIVED_KEY_SCOPE, Call, ClientRetries
from imagegen_http.errors import RequestProblem, ServiceCode
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import Receive
from imagegen_http.guard.delivery import wait_for_disconnect
from imagegen_http.openai.asynchronous import (
    AcceptedImageTask,
    AcceptedResponse,
    ImageTask,
    parse_task_id,
    poll_response,
)
from imagegen_http.openai.requests import ImageGeneration, ImageRequest, read_edit, read_generation
from imagegen_http.openai.responses import Images, ImagesResponse, OpenAIError, Problem, Style
from imagegen_http.schemas import Answer, doc
from imagegen_http.service import Service


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


_MAX_LISTED_NAMES = 20


async def find_model(service: Service, name: str | None, *, may_be_off: bool = False) -> tuple[str, Model]:
    """Find ``provider/model``, a bare id (default provider first) or the defaults; ids may have slashes.

    A provider that is switched off is found by its name, or as the default, if it ``may_be_off``.
    """
    default = await service.imagegen.resolve.default_name()
    if not name:
        resolved = await service.imagegen.resolve(provider_name=default, may_be_off=may_be_off)
        return default, choose_model(resolved.profile.models, None)
    provider_name, _, model_id = name.partition("/")
    if model_id:
        with suppress(Refusal):
            resolved = await service.imagegen.resolve(provider_name=provider_name, may_be_off=may_be_off)
            for model in resolved.profile.models:
                if model.id == model_id:
                    return provider_name, model
    usable = await service.imagegen.providers.usable()
    for resolved, model in _models(sorted(usable, key=lambda r: r.config.provider_name != default)):
        if model.id == name:
            return resolved.config.provider_name, model
    names = [_full_name(resolved, model) for resolved, model in _models(usable)]
    raise ModelNotAvailable(name[:200], tuple(names[:_MAX_LISTED_NAMES]))


def render_model(name: str, resolved: ResolvedProvider, model: Model) -> ModelObject:
    created_at, retires = resolved.config.created_at, model.lifecycle.retires
    return ModelObject(
        id=name,
        object="model",
        created=0 if created_at is None else int(created_at.timestamp()),
        owned_by=resolved.config.provider_name,
        shutdown_date=UNSET if retires is None else retires.isoformat(),
    )


def _models(usable: Sequence[ResolvedProvider]) -> list[tuple[ResolvedProvider, Model]]:
    return [(resolved, model) for resolved in usable for model in resolved.profile.models]


def _full_name(resolved: ResolvedProvider, model: Model) -> str:
    return f"{resolved.config.provider_name}/{model.id}"


# ---------------------------------------------------------------- routes


@attrs.frozen(kw_only=True)
class ClientRequest:
    """A request for images, and what its head says of earlier ones."""

    request: JsonRequest
    service: Service
    retries: ClientRetries
    idempotency_key: str | None
    is_numbered_retry: bool


ClientRequestDependency = NamedDependency[SkipValidation[ClientRequest]]
ModelPath = Annotated[
    Path,
    PathParameter(
        description="`provider/model`, or a model id",
        schema_extra={"format": None, "examples": ["demo/demo"]},
    ),
]
RetryCountHeader = Annotated[
    str | None,
    HeaderParameter(
        name="X-Stainless-Retry-Count",
        description="how often this request was sent before; official clients count",
    ),
]

_ASYNC = {"true": True, "1": True, "false": False, "0": False}
AsyncQuery = Annotated[
    str | None, requests.query("`true`: answer 202 with a task to poll", "async", enum=[*_ASYNC])
]
PreferHeader = Annotated[
    str | None, requests.header("`respond-async`: answer 202 with a task to poll", "Prefer")
]
KeyPath = Annotated[
    Path,
    PathParameter(
        description="an `Idempotency-Key`", schema_extra={"format": None, "examples": ["order-4711"]}
    ),
]
ImageTaskPath = Annotated[
    str, requests.path("`id` of the answer, or a task's UUID", "imgtask_0193a5c87e1f7c3a9d526f0f5c1e2b7a")
]

ROOT = "/v1"
_CLIENT_KEY_SCOPE = "v1"
_RETRIED = re.compile(r"(?=0*[1-9])[0-9]{1,6}")
"""A retry count above 0."""

_ERRORS: dict[Any, ResponseSpec] = dict.fromkeys(
    ("4XX", "5XX"), response(OpenAIError, "an error, in OpenAI's shape")
)
_ACCEPTED = {202: response(AcceptedImageTask, "the task, which is on disk"), **_ERRORS}
_IMAGES = {200: response(Images, "the images"), **_ACCEPTED}
_POLLED = {200: response(ImageTask, "the task as it is now"), **_ERRORS}
_GENERATIONS, _EDITS = OPENAI_GENERATIONS.removeprefix(ROOT), OPENAI_EDITS.removeprefix(ROOT)
_PREFERS_ASYNC = re.compile(r"(?:^|,)\s*respond-async\s*(?:$|[,;])", re.IGNORECASE)
"""A preference of RFC 7240, among others."""


async def provide_caller(
    request: JsonRequest,
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    retry_count: RetryCountHeader = None,
) -> ClientRequest:
    return ClientRequest(
        request=request,
        service=service,
        retries=requests.client_retries(request),
        idempotency_key=requests.parse_idempotency_key(idempotency_key),
        is_numbered_retry=_RETRIED.fullmatch((retry_count or "").strip()) is not None,
    )


@post(_GENERATIONS, status_code=200, operation_id="createImage", responses=_IMAGES)
async def create_image(
    data: JSONBody[ImageGeneration],
    caller: ClientRequestDependency,
    asynchronous: AsyncQuery = None,
    prefer: PreferHeader = None,
) -> ASGIApp:
    """Make images from a prompt and wait for them.

    Official `openai` clients work unchanged. `X-Task-Id` names the task. Fields that the model does not
    know are ignored.
    """
    image_request = await _read_generation(caller.request, data)
    return await _respond(
        caller, image_request, is_async=_asks_for_task(caller.request, asynchronous, prefer)
    )


@post(_EDITS, status_code=200, operation_id="createImageEdit", responses=_IMAGES)
async def create_image_edit(
    caller: ClientRequestDependency, asynchronous: AsyncQuery = None, prefer: PreferHeader = None
) -> ASGIApp:
    """Edit an image, or make one from several references, and wait for it.

    As a form with files, or as JSON with data URLs or `image:<id>`. A mask goes with one image only.
    """
    image_request = await _read_edit(caller.request)
    return await _respond(
        caller, image_request, is_async=_asks_for_task(caller.request, asynchronous, prefer)
    )


@post(f"{_GENERATIONS}/async", status_code=202, operation_id="createImageAsync", responses=_ACCEPTED)
async def create_image_async(data: JSONBody[ImageGeneration], caller: ClientRequestDependency) -> ASGIApp:
    """Make images from a prompt without waiting for them.

    The answer is a task, which is on disk by then; `poll_url` says how it goes. A request that is repeated
    with its `Idempotency-Key` gives the same task.
    """
    return await _respond(caller, await _read_generation(caller.request, data), is_async=True)


@post("/images/tasks", status_code=202, operation_id="createImageTask", responses=_ACCEPTED)
async def create_image_task(data: JSONBody[ImageGeneration], caller: ClientRequestDependency) -> ASGIApp:
    """Make images from a prompt without waiting for them, by another path.

    It takes what the synchronous path takes.
    """
    return await _respond(caller, await _read_generation(caller.request, data), is_async=True)


@post(f"{_EDITS}/async", status_code=202, operation_id="createImageEditAsync", responses=_ACCEPTED)
async def create_image_edit_async(caller: ClientRequestDependency) -> ASGIApp:
    """Edit an image, or make one from several references, without waiting for it.

    It takes what the synchronous path takes.
    """
    return await _respond(caller, await _read_edit(caller.request), is_async=True)


@get("/images/tasks/{task_id:str}", operation_id="retrieveImageTask", responses=_POLLED)
async def retrieve_image_task(
    task_id: ImageTaskPath, request: JsonRequest, service: ServiceDependency
) -> ASGIApp:
    """Show how a task goes, and at its end what the synchronous call would have answered.

    This is 200 for as long as the task exists. While it has not ended, `Retry-After` says when to look again.
    """
    task = await service.imagegen.parts.tasks.get(parse_task_id(task_id))
    return poll_response(service, task, str(request.base_url))


@get(f"{_GENERATIONS}/by-request/{{key:path}}", operation_id="findImageTask", responses=_POLLED)
async def find_image_task(key: KeyPath, request: JsonRequest, service: ServiceDependency) -> ASGIApp:
    """Find the task of an `Idempotency-Key` whose answer was lost.

    It is shown as by its own path. Nothing is started, and nothing is paid for.
    """
    del key  # a path: it has lost doubled slashes
    text = unquote(request.scope["raw_path"].partition(b"/by-request/")[2].decode("latin-1"), "latin-1")
    operations = [operation for operation in Operation if operation.rules.openai_path is not None]
    task = await service.imagegen.tasks.of_key(text, scope=_CLIENT_KEY_SCOPE, operations=operations)
    return poll_response(service, task, str(request.base_url))


@post("/images/variations", status_code=200, include_in_schema=False)
async def create_image_variation() -> Response[dict[str, Any]]:
    """Refuse variations and name the route to use instead."""
    message = asgi.text(ServiceCode.NO_VARIATIONS(path=f"{ROOT}/images/variations", replacement=OPENAI_EDITS))
    return Problem(status=404, type="invalid_request_error", code="not_found", message=message).response({})


@get("/models", operation_id="listModels", responses=_ERRORS)
async def list_models(service: ServiceDependency) -> ModelList:
    """List the models of all usable providers.

    Each as `provider/model`, and by its id alone where only one provider has it.
    """
    models = _models(await service.imagegen.providers.usable())
    today = service.imagegen.parts.clock.now().date()
    full_names, holders = {_full_name(*each) for each in models}, Counter(model.id for _, model in models)
    active = [each for each in models if each[1].lifecycle.status_on(today) is not LifecycleStatus.RETIRED]
    unique = [each for each in active if holders[each[1].id] == 1 and each[1].id not in full_names]
    data = [render_model(_full_name(*each), *each) for each in active]
    return ModelList(object="list", data=[*data, *(render_model(each[1].id, *each) for each in unique)])


@get("/models/{model:path}", operation_id="retrieveModel", responses=_ERRORS)
async def retrieve_model(model: ModelPath, service: ServiceDependency) -> ModelObject:
    """Show a model.

    By either of its names.
    """
    name = str(model).strip("/")
    provider_name, described = await find_model(service, name)
    return render_model(name, await service.imagegen.resolve(provider_name=provider_name), described)


def openai_router() -> Router:
    """Return the routes below ``/v1``; each application needs its own."""
    return Router(
        ROOT,
        route_handlers=[
            *(create_image, create_image_edit, create_image_async, create_image_edit_async),
            *(create_image_task, retrieve_image_task, find_image_task),
            *(create_image_variation, list_models, retrieve_model),
        ],
        dependencies={"caller": Provide(provide_caller)},
        tags=["openai"],
    )


def _asks_for_task(request: JsonRequest, asynchronous: str | None, prefer: str | None) -> bool:
    choice = (asynchronous or "false").lower()
    if choice not in _ASYNC:
        raise ValidationFailed.for_field("async", ProblemCode.NOT_ONE_OF(choices=tuple(_ASYNC)))
    preferences = "" if prefer is None else ",".join(request.headers.getall("prefer"))
    return _ASYNC[choice] or _PREFERS_ASYNC.search(preferences) is not None


async def _read_generation(request: JsonRequest, generation: ImageGeneration) -> ImageRequest:
    body = request.buffered_body
    return await body.read(lambda: read_generation(generation, body.text))


async def _read_edit(request: JsonRequest) -> ImageRequest:
    body, content_type = request.buffered_body, request.headers.get("content-type", "")
    image_request = await body.read(lambda: read_edit(body, content_type))
    body.drop()
    return image_request


async def _respond(caller: ClientRequest, image_request: ImageRequest, *, is_async: bool) -> ASGIApp:
    """Return a durable task's response; for a caller without a key who left, nothing is stored or sent."""
    request, service, generation = caller.request, caller.service, image_request.generation
    if is_async and generation.stream:
        raise ValidationFailed.for_field("stream", RequestProblem.STREAM_OF_A_TASK())
    url = partial(service.links.url, base_url=service.base_url(str(request.base_url)))
    events = "image_generation" if image_request.images is None else "image_edit"
    style = Style(
        url=url if generation.response_format == "url" else None, events=events if generation.stream else None
    )
    token = request.headers.get("authorization", "")
    call = Call(
        digest=hashlib.sha256(f"{token}\0{image_request.digest}".encode()).hexdigest(),
        operations=image_request.operations,
        disconnect=asyncio.create_task(wait_for_disconnect(cast("Receive", request.receive))),
    )
    try:
        if caller.idempotency_key is not None:
            added = await _submit(service, image_request, caller.idempotency_key, _CLIENT_KEY_SCOPE)
        else:
            added = await caller.retries.accept(
                service.imagegen,
                call,
                lambda new_key: _submit(service, image_request, new_key, DERIVED_KEY_SCOPE),
                numbered=caller.is_numbered_retry,
            )
    except BaseException:  # also when cancelled: no response will await it
        call.disconnect.cancel()
        raise
    request.buffered_body.release()
    kind = AcceptedResponse if is_async else ImagesResponse
    response = kind(
        service=service,
        retries=caller.retries,
        task=added.task,
        call=call,
        style=style,
        is_replayed=added.replayed,
    )
    return cast("ASGIApp", response)  # plain ASGI, for which Litestar has types of its own


async def _submit(service: Service, image_request: ImageRequest, key: str, scope: str) -> AddedTask:
    """Submit, or return the task of the key, wherever the configuration would lead by now."""
    service.check_running()
    generation, earlier = image_request.generation, None
    if scope == _CLIENT_KEY_SCOPE:
        with suppress(TaskNotFound):
            operations = image_request.operations
            earlier = await service.imagegen.tasks.of_key(key, scope=scope, operations=operations)
    name = generation.model
    if earlier is not None:
        name = f"{earlier.provider_name}/{earlier.model_id}"
        if generation.model and generation.model not in (name, earlier.model_id):
            raise IdempotencyKeyReused
    try:
        provider_name, model = await find_model(service, name, may_be_off=bool(generation.fallback))
    except ModelNotAvailable:
        if earlier is None:
            raise
        if generation.prompt != earlier.request.prompt:  # of a model that is gone, no more can be compared
            raise IdempotencyKeyReused from None
        return AddedTask(task=earlier, replayed=True)
    submission = attrs.evolve(
        image_request.submission(provider_name, model),
        idempotency_key=key,
        idempotency_scope=scope,
        is_new_key=scope == DERIVED_KEY_SCOPE,
        response_format=generation.response_format,
    )
    if earlier is not None and submission.operation is not earlier.request.operation:
        raise IdempotencyKeyReused
    return await service.imagegen.tasks.submit(submission)
