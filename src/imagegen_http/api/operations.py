"""The operations: a route for each row of the core's table, and the price of a request."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, cast

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.operations import UPSCALE_FACTORS, Operation, OperationRules
from imagegen_core.problems import JsonType, Problem, ProblemCode
from imagegen_core.resolving import ResolveProvider
from imagegen_core.secrets import Secret
from imagegen_core.task import Submission
from imagegen_http.api.bodies import InputImages, JsonRequest
from imagegen_http.api.costs import Cost, Estimate
from imagegen_http.api.errors import post
from imagegen_http.api.parameters import IdempotencyHeader, PreferHeader, ServiceDependency
from imagegen_http.api.providers import OverrideBody
from imagegen_http.api.responses import Success, success
from imagegen_http.api.tasks import TaskResponse, acceptance, post_task
from imagegen_http.guard.bodies import BufferedBody
from imagegen_http.schemas import (
    EXAMPLE_IMAGE,
    EXAMPLE_PROMPT,
    PROMPT_WORDS,
    Body,
    ImageText,
    JsonObject,
    Name,
    RequestedModel,
    doc,
)


class SubmitBody(Body, frozen=True, kw_only=True):
    """What all operations share."""

    provider: Name | None = None
    model_id: RequestedModel | None = None
    use_saved_config: Annotated[
        bool, doc("refuse the task unless the provider's configuration was saved through the API")
    ] = False
    config: Annotated[
        OverrideBody | None, doc("settings of the provider for this task alone, over the saved ones")
    ] = None
    params: Annotated[JsonObject, doc("parameters of the model, as `GET /api/v1/providers` lists them")] = (
        msgspec.field(default_factory=dict)
    )


_Prompt = Annotated[str, doc("what to make", EXAMPLE_PROMPT, **PROMPT_WORDS)]
_OptionalPrompt = Annotated[str | None, doc("what to make; not every model heeds it")]

_ParamsWithPrompt = Annotated[
    JsonObject,
    doc(
        "`prompt`, which is needed, and the model's parameters, as `GET /api/v1/providers` lists them",
        {"prompt": EXAMPLE_PROMPT, "width": 512, "height": 512},
        required=["prompt"],
        properties={"prompt": {"description": "what to make", "type": "string", **PROMPT_WORDS}},
    ),
]

_Image = Annotated[ImageText, doc("the image to work on, as a data URL or `image:<id>`", EXAMPLE_IMAGE)]

_References = Annotated[
    list[ImageText],
    doc(
        "images to go by, each a data URL or `image:<id>`",
        [EXAMPLE_IMAGE],
        minItems=1,
        maxItems=MAX_REFERENCES,
    ),
]

_Mask = Annotated[ImageText | None, doc("white, or transparent, is repainted; black stays")]
_ImageSize = Annotated[str | None, doc("about how large: `1K`, `2K`, where the model takes it")]
_AspectRatio = Annotated[str | None, doc("the shape: `16:9`, where the model takes it")]
_EditMode = Annotated[str | None, doc("what to do with the masked part")]
_UpscaleFactor = Annotated[str, doc("`x2` or `x4`", enum=[*UPSCALE_FACTORS])] | None
_SegmentMode = Annotated[str | None, doc("what to look for, where the model takes it")]

_PARAMETERS: Mapping[str, Any] = {
    "image_size": _ImageSize,
    "aspect_ratio": _AspectRatio,
    "edit_mode": _EditMode,
    "upscale_factor": _UpscaleFactor,
    "mode": _SegmentMode,
}
"""What may stand beside ``params``."""


def _operation_body(operation: Operation) -> type[SubmitBody]:
    rules = operation.rules
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    if rules.prompt_field == "prompt":
        fields.append(("prompt", _Prompt) if rules.needs_prompt else ("prompt", _OptionalPrompt, None))
    else:
        fields.append(("params", _ParamsWithPrompt, {}))
    if rules.max_references > 0:
        fields.append(("reference_images", _References))
    if rules.takes_image:
        fields.append(("image", _Image))
    if rules.takes_mask:
        fields.append(("mask", _Mask, None))
    fields += [(name, _PARAMETERS[name], None) for name in rules.body_parameters]
    required = [name for name, _, *default in fields if not default or name == "params"]
    name = "".join(word.title() for word in operation.split("_"))
    body = msgspec.defstruct(
        f"{name}Body",
        fields,
        bases=(SubmitBody,),
        module=__name__,
        kw_only=True,
        namespace={"__doc__": rules.description, "schema_words": {"required": required}},
    )
    return cast("type[SubmitBody]", body)


def _estimate_words() -> dict[str, Any]:
    """Return which of the parameters beside ``params`` an estimate takes for which operation."""
    conditions = [
        {
            "if": {
                "properties": {
                    "operation": {"enum": [o for o in Operation if name in o.rules.body_parameters]}
                },
                "required": ["operation"],
            },
            "else": {"properties": {name: {"type": "null"}}},
        }
        for name in _PARAMETERS
    ]
    return {"allOf": conditions}


OPERATION_BODIES: Mapping[Operation, type[SubmitBody]] = {o: _operation_body(o) for o in Operation}

_Counted = Annotated[
    str, Meta(min_length=1), doc("a `data:image/…;base64,` URL, or `image:<id>` of an image of this service")
]
"""An image of an estimate: counted, and not read."""


class EstimateBody(SubmitBody, frozen=True, kw_only=True):
    """A request that is only to be priced: of any operation, whose prompt and images may be left out."""

    operation: Annotated[Operation, doc("what the request would ask for", Operation.GENERATE)] = (
        Operation.GENERATE
    )
    prompt: Annotated[str | None, doc("what to make; `params.prompt` does as well", EXAMPLE_PROMPT)] = None
    reference_images: Annotated[list[_Counted], doc("may be left out, although their number may count")] = (
        msgspec.field(default_factory=list)
    )
    image: _Counted | None = None
    mask: _Counted | None = None
    image_size: _ImageSize = None
    aspect_ratio: _AspectRatio = None
    edit_mode: _EditMode = None
    upscale_factor: _UpscaleFactor = None
    mode: _SegmentMode = None

    schema_words: ClassVar[Mapping[str, Any]] = _estimate_words()


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

    async def submit(
        request: JsonRequest,
        data: SubmitBody,
        service: ServiceDependency,
        idempotency_key: IdempotencyHeader = None,
        prefer: PreferHeader = None,
    ) -> TaskResponse:
        body, tasks = request.buffered_body, service.imagegen.tasks
        submission = await _submission(operation, data, body, tasks.resolve, idempotency_key)
        service.check_running()
        try:
            added = await tasks.submit(submission)
        except ValidationFailed as error:
            raise error.with_fields(request_fields(rules)) from error
        body.drop()
        return await acceptance(service, added, prefer)

    rules = operation.rules
    json_body: Any = JSONBody  # of a type that is made at run time
    submit.__annotations__["data"] = json_body[OPERATION_BODIES[operation]]
    submit.__name__ = rules.path.rpartition("/")[2].replace("-", "_")
    images = ("invalid_image",) if rules.has_input_images else ()
    references = ("reference_count",) if rules.max_references else ()
    description = f"{rules.description}\n\n{_DESCRIPTION}"
    return post_task(rules.path, rules.tag, *images, *references, description=description)(submit)


SUBMISSIONS = [_handler(operation) for operation in Operation]


async def _submission(
    operation: Operation,
    data: SubmitBody,
    buffered_body: BufferedBody,
    resolve: ResolveProvider,
    idempotency_key: str | None,
) -> Submission:
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
    """Take the prompt out of the parameters, if it is there."""
    prompt: Any = params.pop("prompt", None)
    if prompt is not None and not isinstance(prompt, str):
        wrong_type = ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),))
        raise ValidationFailed.for_field("params.prompt", wrong_type)
    return prompt


async def _images(fields: Mapping[str, Any], buffered_body: BufferedBody) -> dict[str, Any]:
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
    merged = _merge_params(params, {name: fields[name] for name in rules.body_parameters})
    if rules.own is not None and rules.own.recorded and merged.get(rules.own.name) is None:
        merged[rules.own.name] = rules.own.implied
    return merged


def _merge_params(params: Mapping[str, Any], fields_beside: Mapping[str, Any]) -> dict[str, Any]:
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


@post(
    "/api/v1/tasks/estimate",
    "tasks",
    "provider_not_configured",
    "provider_disabled",
    "model_not_available",
    "unsupported_operation",
    "api_key_required",
    "unavailable",
)
async def estimate_task(data: JSONBody[EstimateBody], service: ServiceDependency) -> Success[Estimate]:
    """Tell what a request would cost; nothing is stored or sent, and its prompt and images may be left out.

    The body is that of the request, with its `operation`. All else is checked as in one; images that are
    there are not looked at.
    """
    fields = msgspec.structs.asdict(data)
    rules = data.operation.rules
    params = dict(data.params)
    in_params = rules.prompt_field == "params.prompt" and not data.prompt
    prompt = prompt_in(params) if in_params else data.prompt
    if problems := tuple(_misplaced(data.operation, fields)):
        raise ValidationFailed(*problems)
    provider_name = data.provider or await service.imagegen.resolve.default_name()
    submission = Submission(
        operation=data.operation,
        prompt=prompt or "",
        params=params_of(rules, params, fields),
        provider_name=provider_name,
        model_id=data.model_id,
        override=None if data.config is None else override_of(provider_name, data.config),
        require_saved=data.use_saved_config,
    )
    try:
        costs = await service.imagegen.tasks.estimate(submission)
    except ValidationFailed as error:
        raise error.with_fields(request_fields(rules)) from error
    return success(Estimate(cost=Cost.optional(next(iter(costs), None))))


def _misplaced(operation: Operation, fields: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each field that belongs to other operations."""
    names = {name: o for o in Operation for name in o.rules.body_parameters}
    for name in names:
        if fields[name] is not None and name not in operation.rules.body_parameters:
            owners = tuple(str(o) for o in Operation if name in o.rules.body_parameters)
            yield Problem(field=name, reason=ProblemCode.OTHER_OPERATION(operations=owners))
