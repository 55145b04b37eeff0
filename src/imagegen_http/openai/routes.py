"""``/v1``: images in one request, as the official ``openai`` clients send it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, cast

from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, SkipValidation
from litestar.types import ASGIApp

from imagegen_core.operations import OPENAI_EDITS, OPENAI_GENERATIONS
from imagegen_core.ports.clock import Clock
from imagegen_http.api.bodies import JsonRequest
from imagegen_http.api.errors import response
from imagegen_http.api.parameters import IdempotencyHeader, ServiceDependency, parse_idempotency_key
from imagegen_http.api.responses import JsonResponse
from imagegen_http.asgi import request_context
from imagegen_http.asgi.disconnects import wait_for_disconnect
from imagegen_http.asgi.types import Receive
from imagegen_http.guard.forwarding import parse_origin
from imagegen_http.openai import models
from imagegen_http.openai.acceptance import Caller, accept
from imagegen_http.openai.client_retries import ClientRetries
from imagegen_http.openai.image_request import ImageRequest, read_edit, read_generation
from imagegen_http.openai.images_response import ImagesResponse
from imagegen_http.openai.problems import Problem
from imagegen_http.openai.response_bodies import Style
from imagegen_http.openai.wire import ImageGeneration, Images, ModelList, ModelObject, OpenAIError
from imagegen_http.problems.messages import ServiceCode
from imagegen_http.runtime.peers import Peers
from imagegen_http.runtime.service import Service

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
    return await _respond(
        request,
        service,
        retries,
        image_request,
        events="image_generation",
        idempotency_key=idempotency_key,
        retry_count=retry_count,
    )


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
    return await _respond(
        request,
        service,
        retries,
        image_request,
        events="image_edit",
        idempotency_key=idempotency_key,
        retry_count=retry_count,
    )


@post("/images/variations", status_code=200, include_in_schema=False)
async def create_image_variation() -> Response[dict[str, Any]]:
    """Refuse variations and name the route to use instead."""
    message = request_context.text(
        ServiceCode.NO_VARIATIONS(path=f"{ROOT}/images/variations", replacement=OPENAI_EDITS)
    )
    problem = Problem(status=404, type="invalid_request_error", code="not_found", message=message)
    return JsonResponse(problem.body, status_code=problem.status)


@get("/models", operation_id="listModels", responses=_ERRORS)
async def list_models(service: ServiceDependency) -> ModelList:
    """List the models of all usable providers.

    Each as `provider/model`, and by its id alone where only one provider has it.
    """
    return await models.list_models(service)


@get("/models/{model:path}", operation_id="retrieveModel", responses=_ERRORS)
async def retrieve_model(model: ModelPath, service: ServiceDependency) -> ModelObject:
    """Show a model.

    By either of its names.
    """
    return await models.show_model(service, str(model).strip("/"))


def openai_router(clock: Clock, peers: Peers) -> Router:
    """Return the routes below ``/v1``; each application needs its own."""
    retries = ClientRetries(clock.monotonic, peers)

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
    idempotency_key: str | None,
    retry_count: str | None,
) -> ASGIApp:
    generation = image_request.generation
    style = Style(
        base_url=_base_url(request, service) if generation.response_format == "url" else None,
        events=events if generation.stream else None,
    )
    disconnect = asyncio.create_task(wait_for_disconnect(cast("Receive", request.receive)))
    try:
        caller = Caller(
            disconnect=disconnect,
            credential=request.headers.get("authorization", ""),
            idempotency_key=parse_idempotency_key(idempotency_key),
            retry_count=Caller.parse_retry_count(retry_count or ""),
        )
        accepted = await accept(service, retries, image_request, caller)
    except BaseException:  # cancelled too, no response will await the disconnect
        disconnect.cancel()
        raise
    request.buffered_body.release()
    response = ImagesResponse(
        service=service,
        retries=retries,
        task=accepted.task,
        call=accepted.call,
        style=style,
        headers={"idempotent-replayed": "true"} if accepted.replayed else {},
    )
    return cast("ASGIApp", response)  # plain ASGI, for which Litestar has types of its own


def _base_url(request: JsonRequest, service: Service) -> str:
    """Return the base of our URLs: the public origin if it is configured, else that of the request."""
    public_url = service.settings.server.public_url
    return str(request.base_url).rstrip("/") if public_url is None else parse_origin(public_url)
