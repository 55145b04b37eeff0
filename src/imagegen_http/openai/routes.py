"""``/v1``: images in one request, kept open until its task has ended, as ``openai`` clients expect."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import attrs
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.types import ASGIApp
from msgspec import UNSET, UnsetType

from imagegen_core.errors import ModelNotAvailable, Refusal
from imagegen_core.models import LifecycleStatus, Model, choose_model
from imagegen_core.ports.tasks import AddedTask
from imagegen_core.requests import OPENAI_EDITS, OPENAI_GENERATIONS
from imagegen_core.resolving import ResolvedProvider
from imagegen_http.api import requests
from imagegen_http.api.errors import response
from imagegen_http.api.requests import IdempotencyHeader, JsonRequest, RetriesDependency, ServiceDependency
from imagegen_http.api.retries import DERIVED_KEY_SCOPE, Call, ClientRetries
from imagegen_http.errors import ServiceCode
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import Receive
from imagegen_http.guard.delivery import wait_for_disconnect
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


async def find_model(service: Service, name: str | None) -> tuple[str, Model]:
    """Find ``provider/model``, a bare id (default provider first) or the defaults; ids may have slashes."""
    default = await service.imagegen.resolve.default_name()
    if not name:
        resolved = await service.imagegen.resolve(provider_name=default)
        return default, choose_model(resolved.profile.models, None)
    provider_name, _, model_id = name.partition("/")
    if model_id:
        with suppress(Refusal):
            resolved = await service.imagegen.resolve(provider_name=provider_name)
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
_CLIENT_KEY_SCOPE = "v1"
_RETRIED = re.compile(r"(?=0*[1-9])[0-9]{1,6}")
"""A retry count above 0."""

_ERRORS: dict[Any, ResponseSpec] = dict.fromkeys(
    ("4XX", "5XX"), response(OpenAIError, "an error, in OpenAI's shape")
)
_IMAGES = {200: response(Images, "the images"), **_ERRORS}


@post(OPENAI_GENERATIONS.removeprefix(ROOT), status_code=200, operation_id="createImage", responses=_IMAGES)
async def create_image(
    data: JSONBody[ImageGeneration],
    request: JsonRequest,
    service: ServiceDependency,
    retries: RetriesDependency,
    idempotency_key: IdempotencyHeader = None,
    retry_count: RetryCountHeader = None,
) -> ASGIApp:
    """Make images from a prompt and wait for them.

    Official `openai` clients work unchanged. `X-Task-Id` names the task. Fields that the model does not
    know are ignored.
    """
    body = request.buffered_body
    image_request = await body.read(lambda: read_generation(data, body.text))
    return await _respond(
        request, service, retries, image_request, idempotency_key, retry_count, events="image_generation"
    )


@post(OPENAI_EDITS.removeprefix(ROOT), status_code=200, operation_id="createImageEdit", responses=_IMAGES)
async def create_image_edit(
    request: JsonRequest,
    service: ServiceDependency,
    retries: RetriesDependency,
    idempotency_key: IdempotencyHeader = None,
    retry_count: RetryCountHeader = None,
) -> ASGIApp:
    """Edit an image, or make one from several references, and wait for it.

    As a form with files, or as JSON with data URLs or `image:<id>`. A mask goes with one image only.
    """
    body, content_type = request.buffered_body, request.headers.get("content-type", "")
    image_request = await body.read(lambda: read_edit(body, content_type))
    body.drop()
    return await _respond(
        request, service, retries, image_request, idempotency_key, retry_count, events="image_edit"
    )


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
        route_handlers=[create_image, create_image_edit, create_image_variation, list_models, retrieve_model],
        tags=["openai"],
    )


async def _respond(
    request: JsonRequest,
    service: Service,
    retries: ClientRetries,
    image_request: ImageRequest,
    idempotency_key: str | None,
    retry_count: str | None,
    *,
    events: str,
) -> ASGIApp:
    """Return a durable task's response; for a caller without a key who left, nothing is stored or sent."""
    generation = image_request.generation
    base_url = service.base_url(str(request.base_url))
    style = Style(
        url=partial(service.links.url, base_url=base_url) if generation.response_format == "url" else None,
        events=events if generation.stream else None,
    )
    key, token = requests.parse_idempotency_key(idempotency_key), request.headers.get("authorization", "")
    call = Call(
        digest=hashlib.sha256(f"{token}\0{image_request.digest}".encode()).hexdigest(),
        operations=image_request.operations,
        disconnect=asyncio.create_task(wait_for_disconnect(cast("Receive", request.receive))),
    )
    try:
        if key is not None:
            added = await _submit(service, image_request, key, _CLIENT_KEY_SCOPE)
        else:
            numbered = _RETRIED.fullmatch((retry_count or "").strip()) is not None
            added = await retries.accept(
                service.imagegen,
                call,
                lambda new_key: _submit(service, image_request, new_key, DERIVED_KEY_SCOPE),
                numbered=numbered,
            )
    except BaseException:  # also when cancelled: no response will await it
        call.disconnect.cancel()
        raise
    request.buffered_body.release()
    response = ImagesResponse(
        service=service,
        retries=retries,
        task=added.task,
        call=call,
        style=style,
        is_replayed=added.replayed,
    )
    return cast("ASGIApp", response)  # plain ASGI, for which Litestar has types of its own


async def _submit(service: Service, image_request: ImageRequest, key: str, scope: str) -> AddedTask:
    service.check_running()
    provider_name, model = await find_model(service, image_request.generation.model)
    submission = attrs.evolve(
        image_request.submission(provider_name, model), idempotency_key=key, idempotency_scope=scope
    )
    return await service.imagegen.tasks.submit(submission)
