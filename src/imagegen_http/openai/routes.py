"""``/v1``: pictures in one request, as the official ``openai`` clients ask for them."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any, cast

from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, PathParameter, SkipValidation
from litestar.types import ASGIApp

from imagegen_http.asgi import Receive
from imagegen_http.departures import leaving
from imagegen_http.guard.forwarding import origin_of
from imagegen_http.json_request import JsonRequest
from imagegen_http.openai import models
from imagegen_http.openai.acceptance import Caller, accept
from imagegen_http.openai.answer import Answer
from imagegen_http.openai.picture_bodies import Style
from imagegen_http.openai.problems import Problem
from imagegen_http.openai.repeats import Repeats
from imagegen_http.openai.wanted import Wanted, read_edit, read_generation
from imagegen_http.openai.wire import ImageGeneration
from imagegen_http.routes.dependencies import ServiceDependency, idempotency_key_of
from imagegen_http.service import Service

RepeatsDependency = NamedDependency[SkipValidation[Repeats]]
ModelPath = Annotated[Path, PathParameter(description="provider/model, or a model id")]

_NO_VARIATIONS = "/v1/images/variations ended with DALL·E 2; use /v1/images/edits"


@post("/images/generations", status_code=200)
async def create_image(
    data: JSONBody[ImageGeneration],
    request: JsonRequest,
    service: ServiceDependency,
    repeats: RepeatsDependency,
) -> ASGIApp:
    """Make pictures from a prompt and wait for them."""
    held = request.held
    wanted = await held.read(lambda: read_generation(data, held.text))
    return await _answer(request, service, repeats, wanted, "image_generation")


@post("/images/edits", status_code=200)
async def create_image_edit(
    request: JsonRequest, service: ServiceDependency, repeats: RepeatsDependency
) -> ASGIApp:
    """Change a picture, or make one after several, and wait for it."""
    held, content_type = request.held, request.headers.get("content-type", "")
    wanted = await held.read(lambda: read_edit(held, content_type))
    held.drop()
    return await _answer(request, service, repeats, wanted, "image_edit")


@post("/images/variations", status_code=200)
async def create_image_variation() -> Response[dict[str, Any]]:
    """Say what to use instead."""
    gone = Problem(status=404, type="invalid_request_error", code="not_found", message=_NO_VARIATIONS)
    return Response(gone.body, status_code=gone.status)


@get("/models")
async def list_models(service: ServiceDependency) -> dict[str, Any]:
    """List the models of all providers that can be used now."""
    return await models.list_models(service)


@get("/models/{model:path}")
async def retrieve_model(model: ModelPath, service: ServiceDependency) -> dict[str, Any]:
    """See a model."""
    return await models.show_model(service, str(model).strip("/"))


def openai_router() -> Router:
    """Return the routes below ``/v1``; each application needs its own."""
    repeats = Repeats(time.monotonic)

    async def provide_repeats() -> Repeats:
        return repeats

    return Router(
        "/v1",
        route_handlers=[create_image, create_image_edit, create_image_variation, list_models, retrieve_model],
        dependencies={"repeats": Provide(provide_repeats)},
        include_in_schema=False,
    )


async def _answer(
    request: JsonRequest, service: Service, repeats: Repeats, wanted: Wanted, events: str
) -> ASGIApp:
    asked, headers = wanted.asked, request.headers
    style = Style(
        base_url=_base_url(request, service) if asked.response_format == "url" else None,
        events=events if asked.stream else None,
    )
    left = asyncio.create_task(leaving(cast("Receive", request.receive)))
    try:
        caller = Caller(
            left=left,
            credential=headers.get("authorization", ""),
            idempotency_key=idempotency_key_of(headers.get("idempotency-key")),
            repeat=Caller.count_of(headers.get("x-stainless-retry-count", "")),
        )
        accepted = await accept(service, repeats, wanted, caller)
    except BaseException:
        left.cancel()
        raise
    request.held.release()
    answer = Answer(
        service=service,
        repeats=repeats,
        task=accepted.task,
        call=accepted.call,
        style=style,
        headers={"idempotent-replayed": "true"} if accepted.replayed else {},
    )
    return cast("ASGIApp", answer)  # the same ASGI, typed in Litestar's own way


def _base_url(request: JsonRequest, service: Service) -> str:
    """Return what addresses of ours begin with: the public one, else as the request came."""
    public_url = service.settings.server.public_url
    return str(request.base_url).rstrip("/") if public_url is None else origin_of(public_url)
