"""``/v1``: images in one request, as the official ``openai`` clients send it."""

import asyncio
import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, cast

import attrs
from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, SkipValidation
from litestar.types import ASGIApp
from msgspec import UNSET

from imagegen_core.errors import ModelNotAvailable, Refusal, Unavailable
from imagegen_core.models import LifecycleStatus, Model, choose_model
from imagegen_core.operations import OPENAI_EDITS, OPENAI_GENERATIONS
from imagegen_core.ports.cluster import Cluster
from imagegen_core.ports.tasks import AddedTask
from imagegen_core.ports.tools import Clock
from imagegen_core.problems import RefusalCode
from imagegen_core.resolving import ResolvedProvider
from imagegen_core.task import Task
from imagegen_http.api.bodies import JsonRequest
from imagegen_http.api.errors import response
from imagegen_http.api.parameters import IdempotencyHeader, ServiceDependency, parse_idempotency_key
from imagegen_http.api.responses import JsonResponse
from imagegen_http.errors import ServiceCode
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import Receive
from imagegen_http.guard.delivery import wait_for_disconnect
from imagegen_http.guard.hosts import parse_origin
from imagegen_http.openai.errors import Problem
from imagegen_http.openai.requests import (
    ImageGeneration,
    ImageRequest,
    build_submission,
    possible_operations,
    read_edit,
    read_generation,
)
from imagegen_http.openai.responses import Images, ImagesResponse, ModelList, ModelObject, OpenAIError, Style
from imagegen_http.openai.retries import DERIVED_KEY_SCOPE, Call, ClientRetries, Peers
from imagegen_http.service import Service

_MAX_LISTED_NAMES = 20


async def find_model(service: Service, name: str | None) -> tuple[str, Model]:
    """Return the provider and the model of ``provider/model``, of a model id, or the defaults.

    A bare id is looked up with the default provider first, then with the others by name. Ids may contain
    slashes themselves.
    """
    default = await service.imagegen.resolve.default_name()
    if not name:
        resolved = await service.imagegen.resolve(provider_name=default)
        return default, choose_model(resolved.profile.models, None)
    provider_name, _, model_id = name.partition("/")
    if model_id and (named := await _usable(service, provider_name)) is not None:
        model = _find_in_provider(named, model_id)
        if model is not None:
            return provider_name, model
    usable = await service.imagegen.providers.usable()
    for resolved in sorted(usable, key=lambda r: r.config.provider_name != default):
        model = _find_in_provider(resolved, name)
        if model is not None:
            return resolved.config.provider_name, model
    raise ModelNotAvailable(name[:200], tuple(_names(usable)[:_MAX_LISTED_NAMES]))


def render_model(name: str, resolved: ResolvedProvider, model: Model) -> ModelObject:
    created_at, retires = resolved.config.created_at, model.lifecycle.retires
    return ModelObject(
        id=name,
        object="model",
        created=0 if created_at is None else int(created_at.timestamp()),
        owned_by=resolved.config.provider_name,
        shutdown_date=UNSET if retires is None else retires.isoformat(),
    )


async def _usable(service: Service, provider_name: str) -> ResolvedProvider | None:
    try:
        return await service.imagegen.resolve(provider_name=provider_name)
    except Refusal:
        return None


def _find_in_provider(resolved: ResolvedProvider, model_id: str) -> Model | None:
    return next((model for model in resolved.profile.models if model.id == model_id), None)


def _names(usable: tuple[ResolvedProvider, ...]) -> list[str]:
    return [_full_name(resolved, model) for resolved in usable for model in resolved.profile.models]


def _full_name(resolved: ResolvedProvider, model: Model) -> str:
    return f"{resolved.config.provider_name}/{model.id}"


_CLIENT_KEY_SCOPE = "v1"
_RETRIED = re.compile(r"(?=0*[1-9])[0-9]{1,6}")
"""How often a client says that it has sent a request before, but not at all."""


ClientRetriesDependency = NamedDependency[SkipValidation[ClientRetries]]
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

ROOT = "/v1"
_ERRORS: dict[Any, ResponseSpec] = dict.fromkeys(
    ("4XX", "5XX"), response(OpenAIError, "an error, in OpenAI's shape")
)
_IMAGES = {200: response(Images, "the images"), **_ERRORS}


@post(OPENAI_GENERATIONS.removeprefix(ROOT), status_code=200, operation_id="createImage", responses=_IMAGES)
async def create_image(
    data: JSONBody[ImageGeneration],
    request: JsonRequest,
    service: ServiceDependency,
    retries: ClientRetriesDependency,
    idempotency_key: IdempotencyHeader = None,
    retry_count: RetryCountHeader = None,
) -> ASGIApp:
    """Make images from a prompt and wait for them.

    Official `openai` clients work unchanged. `X-Task-Id` names the task. Fields that the model does not
    know are ignored.
    """
    body = request.buffered_body
    image_request = await body.read(lambda: read_generation(data, body.text))
    return await _respond(request, service, retries, image_request, events="image_generation")


@post(OPENAI_EDITS.removeprefix(ROOT), status_code=200, operation_id="createImageEdit", responses=_IMAGES)
async def create_image_edit(
    request: JsonRequest,
    service: ServiceDependency,
    retries: ClientRetriesDependency,
    idempotency_key: IdempotencyHeader = None,
    retry_count: RetryCountHeader = None,
) -> ASGIApp:
    """Edit an image, or make one from several references, and wait for it.

    As a form with files, or as JSON with data URLs or `image:<id>`. A mask goes with one image only.
    """
    body, content_type = request.buffered_body, request.headers.get("content-type", "")
    image_request = await body.read(lambda: read_edit(body, content_type))
    body.drop()
    return await _respond(request, service, retries, image_request, events="image_edit")


@post("/images/variations", status_code=200, include_in_schema=False)
async def create_image_variation() -> Response[dict[str, Any]]:
    """Refuse variations and name the route to use instead."""
    message = asgi.text(ServiceCode.NO_VARIATIONS(path=f"{ROOT}/images/variations", replacement=OPENAI_EDITS))
    problem = Problem(status=404, type="invalid_request_error", code="not_found", message=message)
    return JsonResponse(problem.body, status_code=problem.status)


@get("/models", operation_id="listModels", responses=_ERRORS)
async def list_models(service: ServiceDependency) -> ModelList:
    """List the models of all usable providers.

    Each as `provider/model`, and by its id alone where only one provider has it.
    """
    usable = await service.imagegen.providers.usable()
    today = service.imagegen.parts.clock.now().date()
    full_names = set(_names(usable))
    holders = Counter(model.id for resolved in usable for model in resolved.profile.models)
    active = [
        (resolved, model)
        for resolved in usable
        for model in resolved.profile.models
        if model.lifecycle.status_on(today) is not LifecycleStatus.RETIRED
    ]
    data = [render_model(_full_name(resolved, model), resolved, model) for resolved, model in active]
    data += [
        render_model(model.id, resolved, model)
        for resolved, model in active
        if holders[model.id] == 1 and model.id not in full_names
    ]
    return ModelList(object="list", data=data)


@get("/models/{model:path}", operation_id="retrieveModel", responses=_ERRORS)
async def retrieve_model(model: ModelPath, service: ServiceDependency) -> ModelObject:
    """Show a model.

    By either of its names.
    """
    name = str(model).strip("/")
    provider_name, described = await find_model(service, name)
    return render_model(name, await service.imagegen.resolve(provider_name=provider_name), described)


def openai_router(clock: Clock, cluster: Cluster | None) -> Router:
    """Return the routes below ``/v1``; each application needs its own."""
    retries = ClientRetries(clock.monotonic, Peers(cluster))

    async def provide_retries() -> ClientRetries:
        return retries

    return Router(
        ROOT,
        route_handlers=[create_image, create_image_edit, create_image_variation, list_models, retrieve_model],
        dependencies={"retries": Provide(provide_retries)},
        tags=["openai"],
    )


async def _respond(
    request: JsonRequest,
    service: Service,
    retries: ClientRetries,
    image_request: ImageRequest,
    *,
    events: str,
) -> ASGIApp:
    """Return the response for the request's task, which is durable by then.

    A caller without an idempotency key that has disconnected is refused; then nothing is stored or sent.
    """
    generation, headers = image_request.generation, request.headers
    style = Style(
        base_url=_base_url(request, service) if generation.response_format == "url" else None,
        events=events if generation.stream else None,
    )
    key, count = (
        parse_idempotency_key(headers.get("idempotency-key")),
        headers.get("x-stainless-retry-count", ""),
    )
    call = Call(
        digest=hashlib.sha256(
            f"{headers.get('authorization', '')}\0{image_request.digest}".encode()
        ).hexdigest(),
        operations=possible_operations(image_request),
        disconnect=asyncio.create_task(wait_for_disconnect(cast("Receive", request.receive))),
    )
    try:
        if key is not None:
            added = await _submit(service, image_request, key, _CLIENT_KEY_SCOPE)
            task, is_replayed = added.task, added.replayed
        else:
            task, is_replayed = await _accept(
                service, retries, image_request, call, numbered=_RETRIED.fullmatch(count.strip()) is not None
            )
    except BaseException:  # cancelled too, no response will await the disconnect
        call.disconnect.cancel()
        raise
    request.buffered_body.release()
    response = ImagesResponse(
        service=service,
        retries=retries,
        task=task,
        call=call,
        style=style,
        headers={"idempotent-replayed": "true"} if is_replayed else {},
    )
    return cast("ASGIApp", response)  # plain ASGI, for which Litestar has types of its own


async def _accept(
    service: Service, retries: ClientRetries, image_request: ImageRequest, call: Call, *, numbered: bool
) -> tuple[Task, bool]:
    """Return the task of a request without a key, and whether an earlier request has created it.

    ``call`` counts as waiting for it until ``retries.leave``.
    """
    async with retries.arriving(call):
        task = await retries.claim(service.imagegen, call, numbered=numbered)
        if task is not None:
            return task, True
        if call.disconnect.done():
            raise Unavailable(ServiceCode.CALLER_LEFT())
        key = f"{call.digest}.{service.imagegen.parts.new_id()}"
        async with retries.submitting(call, key):
            return (await _submit(service, image_request, key, DERIVED_KEY_SCOPE)).task, False


async def _submit(service: Service, image_request: ImageRequest, key: str, scope: str) -> AddedTask:
    if service.stopping.is_set():
        raise Unavailable(RefusalCode.SHUTTING_DOWN())
    provider_name, model = await find_model(service, image_request.generation.model)
    submission = attrs.evolve(
        build_submission(image_request, provider_name, model), idempotency_key=key, idempotency_scope=scope
    )
    return await service.imagegen.tasks.submit(submission)


def _base_url(request: JsonRequest, service: Service) -> str:
    """Return the base of our URLs: the public origin if it is configured, else that of the request."""
    public_url = service.settings.server.public_url
    return str(request.base_url).rstrip("/") if public_url is None else parse_origin(public_url)
