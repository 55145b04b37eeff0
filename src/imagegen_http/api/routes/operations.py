"""The operations: a route for each row of the core's table."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from imagegen_core.errors import Unavailable, ValidationFailed
from imagegen_core.operations import Operation, OperationRules
from imagegen_core.problems.fields import JsonType, Problem, ProblemCode
from imagegen_core.problems.refusals import RefusalCode
from imagegen_core.providers.config import ConfigSource, ProviderConfig
from imagegen_core.providers.secrets import Secret
from imagegen_core.tasks.submission import Submission
from imagegen_core.use_cases.resolve_provider import ResolveProvider
from imagegen_http.answers.responses import BODY_REFUSALS, SUBMISSION_REFUSALS
from imagegen_http.api.acceptance import TaskResponse, acceptance, acceptances
from imagegen_http.api.bodies.providers import OverrideBody
from imagegen_http.api.input_images import InputImages
from imagegen_http.api.routes.dependencies import IdempotencyHeader, PreferHeader, ServiceDependency
from imagegen_http.api.wire import OPERATION_BODIES, JsonRequest, SubmitBody
from imagegen_http.guard import BufferedBody

_OVERRIDE_FIELDS = {
    "provider_name": "provider",
    "api_base": "config.api_base",
    "timeout_seconds": "config.timeout",
    "max_retries": "config.max_retries",
}
"""Where a body has the fields of its own `ProviderConfig`."""

_DESCRIPTION = """
The answer is 202 as soon as the task is durable; it names where the task can be seen, followed and cancelled.
With `Prefer: wait=60` it is 200 with the finished task, if that ends in time. A request that is repeated with
its `Idempotency-Key` gives the same task, so that nothing is paid for twice.
"""


def _handler(operation: Operation) -> HTTPRouteHandler:
    """Return the route of an operation, as its row of the table says."""

    async def submit(
        request: JsonRequest,
        data: SubmitBody,
        service: ServiceDependency,
        idempotency_key: IdempotencyHeader = None,
        prefer: PreferHeader = None,
    ) -> TaskResponse:
        body, submit_task = request.buffered_body, service.imagegen.submit_task
        submission = await _submission(operation, data, body, submit_task.resolve, idempotency_key)
        if service.stopping.is_set():
            raise Unavailable(RefusalCode.SHUTTING_DOWN())
        try:
            added = await submit_task(submission)
        except ValidationFailed as error:
            raise error.with_fields(request_fields(rules)) from error
        body.drop()
        return await acceptance(service, added, prefer)

    rules = operation.rules
    json_body: Any = JSONBody  # of a type that is made at run time
    submit.__annotations__["data"] = json_body[OPERATION_BODIES[operation]]
    submit.__name__ = rules.path.rpartition("/")[2].replace("-", "_")
    return post(
        rules.path,
        status_code=202,
        tags=[rules.tag],
        description=f"{rules.description}\n\n{_DESCRIPTION}",
        responses=_responses(rules),
    )(submit)


def _responses(rules: OperationRules) -> dict[Any, ResponseSpec]:
    """Return what the OpenAPI document says of the responses."""
    images = ("invalid_image",) if rules.has_input_images else ()
    references = ("reference_count",) if rules.max_references else ()
    return acceptances(*BODY_REFUSALS, *SUBMISSION_REFUSALS, *images, *references)


async def _submission(
    operation: Operation,
    data: SubmitBody,
    buffered_body: BufferedBody,
    resolve: ResolveProvider,
    idempotency_key: str | None,
) -> Submission:
    """Return what a request asks for.

    Raises:
        ValidationFailed: no prompt among the parameters, or a parameter that is said twice and differently.
        InvalidImage: an image is none, as far as its text shows.
    """
    rules, fields = operation.rules, msgspec.structs.asdict(data)
    params = dict(data.params)
    prompt = prompt_in(params) if rules.prompt_field == "params.prompt" else fields["prompt"] or ""
    if prompt is None:
        raise ValidationFailed.for_field("params.prompt", ProblemCode.REQUIRED())
    images = await _images(fields, buffered_body) if rules.has_input_images else {}
    provider_name = data.provider
    if data.config is not None:  # it is for this provider, whatever the default is by then
        provider_name = provider_name or await resolve.default_name()
    return Submission(
        operation=operation,
        prompt=prompt,
        params=params_of(rules, params, fields),
        provider_name=provider_name,
        model_id=data.model_id,
        override=None if data.config is None else override_of(provider_name or "", data.config),
        require_saved=data.use_saved_config,
        idempotency_key=idempotency_key,
        **images,
    )


def prompt_in(params: dict[str, Any]) -> str | None:
    """Take the prompt out of the parameters, if it is there.

    Raises:
        ValidationFailed: it is no text.
    """
    prompt: Any = params.pop("prompt", None)
    if prompt is not None and not isinstance(prompt, str):
        wrong_type = ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),))
        raise ValidationFailed.for_field("params.prompt", wrong_type)
    return prompt


async def _images(fields: Mapping[str, Any], buffered_body: BufferedBody) -> dict[str, Any]:
    """Return the body's images as `Submission` names them."""
    with InputImages.reading(buffered_body) as input_images:
        references = [
            await input_images.read(text, f"reference_images.{index}")
            for index, text in enumerate(fields.get("reference_images", ()))
        ]
        single = {
            name: await input_images.read(fields[name], name)
            for name in ("image", "mask")
            if fields.get(name) is not None
        }
    return {"references": tuple(references), **single}


def params_of(rules: OperationRules, params: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters, wherever they stand in the body."""
    merged = _merge_params(params, {name: fields[name] for name in rules.body_parameters})
    if rules.own is not None and rules.own.recorded and merged.get(rules.own.name) is None:
        merged[rules.own.name] = rules.own.implied
    return merged


def _merge_params(params: Mapping[str, Any], fields_beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with those that stand beside ``params`` in the body.

    Raises:
        ValidationFailed: one stands in both places and says different things.
    """
    beside = {name: value for name, value in fields_beside.items() if value is not None}
    problems = [
        Problem(field=name, reason=ProblemCode.CONFLICT(other=f"params.{name}"))
        for name, value in beside.items()
        if params.get(name) not in (None, value)
    ]
    if problems:
        raise ValidationFailed(*problems)
    return {**params, **beside}


def override_of(provider_name: str, config: OverrideBody) -> ProviderConfig:
    """Return the request's own layer of configuration; a masked key means "none of my own"."""
    key = Secret.parse_unmasked(config.api_key, "config.api_key")
    try:
        return ProviderConfig(
            provider_name=provider_name,
            source=ConfigSource.REQUEST,
            api_base=config.api_base,
            api_key=key,
            timeout_seconds=config.timeout,
            max_retries=config.max_retries,
        )
    except ValidationFailed as error:
        raise error.with_fields(_OVERRIDE_FIELDS) from error


def request_fields(rules: OperationRules) -> dict[str, str]:
    """Return where a request of this operation has the fields of its submission."""
    beside = {f"params.{name}": name for name in rules.body_parameters}
    return {"prompt": rules.prompt_field, "idempotency_key": "Idempotency-Key", **beside}


HANDLERS = [_handler(operation) for operation in Operation]
