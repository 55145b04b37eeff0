"""The six operations."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from litestar import Response, post
from litestar.params import JSONBody

from imagegen_core.errors import Problem, Unavailable, ValidationFailed
from imagegen_core.operations import Operation
from imagegen_core.providers.addresses import check_api_base
from imagegen_core.providers.config import ConfigSource, ProviderConfig
from imagegen_core.providers.secrets import Secret, is_masked
from imagegen_core.tasks.submission import Submission
from imagegen_http.api import render
from imagegen_http.api.input_images import InputImages
from imagegen_http.api.json_request import JsonRequest
from imagegen_http.api.routes.dependencies import (
    IdempotencyHeader,
    PreferHeader,
    ServiceDependency,
    parse_idempotency_key,
)
from imagegen_http.api.wire import (
    EditBody,
    GenerateBody,
    OverrideBody,
    RecontextBody,
    ReferenceBody,
    SegmentBody,
    SubmitBody,
    UpscaleBody,
)
from imagegen_http.asgi import request_context
from imagegen_http.guard import BufferedBody
from imagegen_http.runtime.service import Service

MAX_WAIT_SECONDS = 60

_TOP_LEVEL_PARAMS = ("image_size", "aspect_ratio", "edit_mode", "upscale_factor", "mode")

_WAIT_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)

TaskResponse = Response[dict[str, Any]]


@post("/api/v1/tasks/generate", status_code=202, tags=["tasks"])
async def generate(
    request: JsonRequest,
    data: JSONBody[GenerateBody],
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Make images from a prompt."""
    params = dict(data.params)
    prompt = params.pop("prompt", None)
    if not isinstance(prompt, str):
        message = "is required" if prompt is None else "must be a string"
        raise ValidationFailed.of("params.prompt", message)
    submission = _submission(Operation.GENERATE, data, prompt, params)
    return await _submit(service, request.buffered_body, submission, idempotency_key, prefer)


@post("/api/v1/images/generate-with-references", status_code=202, tags=["operations"])
async def generate_with_references(
    request: JsonRequest,
    data: JSONBody[ReferenceBody],
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Make images from a prompt and 1 to 14 reference images."""
    given = {"image_size": data.image_size, "aspect_ratio": data.aspect_ratio}
    with InputImages.of(request.buffered_body) as input_images:
        references = tuple(
            [
                await input_images.read(text, f"reference_images.{index}")
                for index, text in enumerate(data.reference_images)
            ]
        )
    submission = _submission(
        Operation.REFERENCE, data, data.prompt, _merge_params(data.params, given), references=references
    )
    return await _submit(service, request.buffered_body, submission, idempotency_key, prefer)


@post("/api/v1/images/edit", status_code=202, tags=["operations"])
async def edit(
    request: JsonRequest,
    data: JSONBody[EditBody],
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Repaint an image, or the part of it that a mask shows."""
    with InputImages.of(request.buffered_body) as input_images:
        image = await input_images.read(data.image, "image")
        mask = None if data.mask is None else await input_images.read(data.mask, "mask")
    submission = _submission(
        Operation.EDIT,
        data,
        data.prompt,
        _merge_params(data.params, {"edit_mode": data.edit_mode}),
        image=image,
        mask=mask,
    )
    return await _submit(service, request.buffered_body, submission, idempotency_key, prefer)


@post("/api/v1/images/upscale", status_code=202, tags=["operations"])
async def upscale(
    request: JsonRequest,
    data: JSONBody[UpscaleBody],
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Make an image two or four times as large."""
    params = _merge_params(data.params, {"upscale_factor": data.upscale_factor})
    if params.get("upscale_factor") is None:
        params["upscale_factor"] = "x2"
    with InputImages.of(request.buffered_body) as input_images:
        image = await input_images.read(data.image, "image")
    submission = _submission(Operation.UPSCALE, data, data.prompt or "", params, image=image)
    return await _submit(service, request.buffered_body, submission, idempotency_key, prefer)


@post("/api/v1/images/recontext", status_code=202, tags=["operations"])
async def recontext(
    request: JsonRequest,
    data: JSONBody[RecontextBody],
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Put what an image shows into another scene."""
    with InputImages.of(request.buffered_body) as input_images:
        image = await input_images.read(data.image, "image")
    submission = _submission(Operation.RECONTEXT, data, data.prompt, data.params, image=image)
    return await _submit(service, request.buffered_body, submission, idempotency_key, prefer)


@post("/api/v1/images/segment", status_code=202, tags=["operations"])
async def segment(
    request: JsonRequest,
    data: JSONBody[SegmentBody],
    service: ServiceDependency,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskResponse:
    """Mark what an image shows."""
    with InputImages.of(request.buffered_body) as input_images:
        image = await input_images.read(data.image, "image")
    submission = _submission(
        Operation.SEGMENT,
        data,
        data.prompt or "",
        _merge_params(data.params, {"mode": data.mode}),
        image=image,
    )
    return await _submit(service, request.buffered_body, submission, idempotency_key, prefer)


def _merge_params(params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with those that stand beside ``params`` in the body.

    Raises:
        ValidationFailed: one stands in both places and says different things.
    """
    beside = {name: value for name, value in given.items() if value is not None}
    problems = [
        Problem(field=name, message=f"differs from params.{name}, which means the same")
        for name, value in beside.items()
        if params.get(name) not in (None, value)
    ]
    if problems:
        raise ValidationFailed(*problems)
    return {**params, **beside}


def _submission(
    operation: Operation, data: SubmitBody, prompt: str, params: Mapping[str, Any], **input_images: Any
) -> Submission:
    return Submission(
        operation=operation,
        prompt=prompt,
        params=params,
        provider_name=data.provider,
        model_id=data.model_id,
        override=None if data.config is None else _override(data.provider or "", data.config),
        require_saved=data.use_saved_config,
        **input_images,
    )


def _override(provider_name: str, config: OverrideBody) -> ProviderConfig:
    """Return the request's own layer of configuration; a masked key means "none of my own"."""
    key = None
    if config.api_key is not None and not is_masked(config.api_key.strip()):
        key = Secret.parse(config.api_key, "config.api_key")
    return ProviderConfig(
        provider_name=provider_name,
        source=ConfigSource.REQUEST,
        api_base=None if config.api_base is None else check_api_base(config.api_base, "config.api_base"),
        api_key=key,
        timeout_seconds=config.timeout,
        max_retries=config.max_retries,
    )


async def _submit(
    service: Service,
    buffered_body: BufferedBody,
    submission: Submission,
    idempotency_key: str | None,
    prefer: str | None,
) -> TaskResponse:
    """Answer 202 once the task is durable, or 200 with the finished task when the caller waits for it."""
    if service.stopping.is_set():
        raise Unavailable("the service is shutting down")
    key = parse_idempotency_key(idempotency_key)
    submission = submission.named(service.settings.default_provider, key)
    try:
        added = await service.imagegen.submit_task(submission)
    except ValidationFailed as error:
        raise _with_body_field_names(error, submission.operation) from error
    buffered_body.drop()
    headers = {"Location": f"/api/v1/tasks/{added.task.task_id}", "Cache-Control": "no-store"}
    if added.replayed:
        headers["Idempotent-Replayed"] = "true"
    seconds = _wait_seconds(prefer)
    if seconds:
        headers["Preference-Applied"] = f"wait={seconds}"
        done = await _wait(service, added.task.task_id, seconds)
        if done is not None:
            return Response(done, status_code=200, headers=headers)
    headers["Retry-After"] = "1"
    return Response(render.success(render.accepted(added.task)), status_code=202, headers=headers)


async def _wait(service: Service, task_id: str, seconds: int) -> dict[str, Any] | None:
    """Return the finished task, or None when the time is up or the service stops."""
    waiting = asyncio.create_task(service.imagegen.wait(task_id, timeout=seconds))
    stopping = asyncio.create_task(service.stopping.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done() or not waiting.result().status.final:
            return None
        view = await service.imagegen.show_task.of(waiting.result())
        return render.success(render.task(view, english=request_context.english.get()))
    finally:
        waiting.cancel()
        stopping.cancel()


def _wait_seconds(prefer: str | None) -> int:
    found = _WAIT_PREFERENCE.search(prefer or "")
    return min(int(found[1]), MAX_WAIT_SECONDS) if found else 0


def _with_body_field_names(error: ValidationFailed, operation: Operation) -> ValidationFailed:
    """Return the refusal with its fields where this operation's body has them."""
    places = {"prompt": "params.prompt"}
    if operation is not Operation.GENERATE:
        places = {f"params.{name}": name for name in _TOP_LEVEL_PARAMS}
    return ValidationFailed(
        *(Problem(field=places.get(p.field, p.field), message=p.message) for p in error.problems)
    )


HANDLERS = [generate, generate_with_references, edit, upscale, recontext, segment]
