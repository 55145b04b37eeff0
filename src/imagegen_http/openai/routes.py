"""``/v1``: images in one request, as the official ``openai`` clients send it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, cast

from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, PathParameter, SkipValidation
from litestar.types import ASGIApp

from imagegen_core.operations import OPENAI_EDITS, OPENAI_GENERATIONS
from imagegen_core.ports.clock import Clock
from imagegen_http.api.json_request import JsonRequest
from imagegen_http.api.routes.dependencies import ServiceDependency, parse_idempotency_key
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
from imagegen_http.openai.wire import ImageGeneration
from imagegen_http.runtime.service import Service

ClientRetriesDependency = NamedDependency[SkipValidation[ClientRetries]]
ModelPath = Annotated[Path, PathParameter(description="provider/model, or a model id")]

ROOT = "/v1"
_NO_VARIATIONS = f"{ROOT}/images/variations ended with DALL·E 2; use {OPENAI_EDITS}"


@post(OPENAI_GENERATIONS.removeprefix(ROOT), status_code=200)
async def create_image(
    data: JSONBody[ImageGeneration],
    request: JsonRequest,
    service: ServiceDependency,
    retries: ClientRetriesDependency,
) -> ASGIApp:
    """Make images from a prompt and wait for them."""
    body = request.buffered_body
    image_request = await body.read(lambda: read_generation(data, body.text))
    return await _respond(request, service, retries, image_request, "image_generation")


@post(OPENAI_EDITS.removeprefix(ROOT), status_code=200)
async def create_image_edit(
    request: JsonRequest, service: ServiceDependency, retries: ClientRetriesDependency
) -> ASGIApp:
    """Edit an image, or make one from several references, and wait for it."""
    body, content_type = request.buffered_body, request.headers.get("content-type", "")
    image_request = await body.read(lambda: read_edit(body, content_type))
    body.drop()
    return await _respond(request, service, retries, image_request, "image_edit")


@post("/images/variations", status_code=200)
async def create_image_variation() -> Response[dict[str, Any]]:
    """Refuse variations and name the route to use instead."""
    problem = Problem(status=404, type="invalid_request_error", code="not_found", message=_NO_VARIATIONS)
    return Response(problem.body, status_code=problem.status)


@get("/models")
async def list_models(service: ServiceDependency) -> dict[str, Any]:
    """List the models of all usable providers."""
    return await models.list_models(service)


@get("/models/{model:path}")
async def retrieve_model(model: ModelPath, service: ServiceDependency) -> dict[str, Any]:
    """Show a model."""
    return await models.show_model(service, str(model).strip("/"))


def openai_router(clock: Clock) -> Router:
    """Return the routes below ``/v1``; each application needs its own."""
    retries = ClientRetries(clock.monotonic)

    async def provide_retries() -> ClientRetries:
        return retries

    return Router(
        ROOT,
        route_handlers=[create_image, create_image_edit, create_image_variation, list_models, retrieve_model],
        dependencies={"retries": Provide(provide_retries)},
        include_in_schema=False,
    )


async def _respond(
    request: JsonRequest, service: Service, retries: ClientRetries, image_request: ImageRequest, events: str
) -> ASGIApp:
    generation, headers = image_request.generation, request.headers
    style = Style(
        base_url=_base_url(request, service) if generation.response_format == "url" else None,
        events=events if generation.stream else None,
    )
    disconnect = asyncio.create_task(wait_for_disconnect(cast("Receive", request.receive)))
    try:
        caller = Caller(
            disconnect=disconnect,
            credential=headers.get("authorization", ""),
            idempotency_key=parse_idempotency_key(headers.get("idempotency-key")),
            retry_count=Caller.parse_retry_count(headers.get("x-stainless-retry-count", "")),
        )
        accepted = await accept(service, retries, image_request, caller)
    except BaseException:
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
