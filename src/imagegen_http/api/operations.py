"""Operations: a route for each row of the core's table, estimates, and usage."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, cast, get_type_hints

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from imagegen_core import limits
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.costs import Basis, UsageGrouping, amount_text
from imagegen_core.costs import Usage as CoreUsage
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import JsonType, Problem, ProblemCode
from imagegen_core.requests import UPSCALE_FACTORS, Operation, OperationRules
from imagegen_core.secrets import Secret
from imagegen_core.task import Submission
from imagegen_http import schemas
from imagegen_http.api import requests
from imagegen_http.api.errors import fields_named, get, post
from imagegen_http.api.images import Cost
from imagegen_http.api.requests import JsonRequest, ServiceDependency, query, read_images
from imagegen_http.api.responses import Success, success
from imagegen_http.api.tasks import (
    CONFIG_REFUSALS,
    Fallback,
    TaskResponse,
    accept_or_repeat,
    acceptance,
    post_task,
    repeats_lost,
    targets_of,
)
from imagegen_http.guard.bodies import BufferedBody
from imagegen_http.schemas import Answer, Body, ImageText, JsonObject, Name, RequestedModel, doc
from imagegen_http.service import Service

_API_BASE_WORDS = {
    "pattern": f"^{schemas.API_BASE_PATTERN}",
    "min_length": 1,
    "max_length": limits.MAX_API_BASE_CHARS,
}
_API_KEY = "key of the provider's API; needed where `api_base` names another origin"
_TIMEOUT = doc("seconds that one call may take", gt=0, le=limits.MAX_TIMEOUT_SECONDS)
_RETRIES = doc("how often a call that started nothing is sent again", ge=0, le=limits.MAX_RETRIES)


class OverrideBody(Body, frozen=True, kw_only=True):
    """A configuration for one task alone; kept encrypted until the task ends, then wiped."""

    api_base: Annotated[str, doc("address of the provider's API", **_API_BASE_WORDS)] | None = None
    api_key: Annotated[str, doc(_API_KEY, min_length=1, max_length=limits.MAX_API_KEY_CHARS)] | None = None
    timeout: Annotated[float, _TIMEOUT] | None = None
    max_retries: Annotated[int, _RETRIES] | None = None


_WEBHOOK = "where the end of this task is told as well, beside the webhook endpoints"


class SubmitBody(Body, frozen=True, kw_only=True):
    """What all operations share."""

    provider: Name | None = None
    model_id: RequestedModel | None = None
    fallback: Fallback = msgspec.field(default_factory=list)
    use_saved_config: Annotated[
        bool, doc("refuse the task unless the provider's configuration was saved through the API")
    ] = False
    config: Annotated[
        OverrideBody | None, doc("settings of the provider for this task alone, over the saved ones")
    ] = None
    webhook_url: Annotated[str, doc(_WEBHOOK, min_length=1, max_length=limits.MAX_API_BASE_CHARS)] | None = (
        None
    )
    params: Annotated[JsonObject, doc("parameters of the model, as `GET /api/v1/providers` lists them")] = (
        msgspec.field(default_factory=dict)
    )


_Counted = Annotated[str, doc(schemas.IMAGE_TEXT, min_length=1)]
"""An image that is counted, and never decoded."""

_BODY_PARAMETERS = tuple(name for operation in Operation for name in operation.rules.body_parameters)
"""Parameters that a body may have beside ``params``."""


class EstimateBody(SubmitBody, frozen=True, kw_only=True):
    """A request that is only to be priced: of any operation, whose prompt and images may be left out."""

    operation: Annotated[Operation, doc("what the request would ask for", Operation.GENERATE)] = (
        Operation.GENERATE
    )
    prompt: Annotated[
        str | None, doc("what to make; `params.prompt` does as well", schemas.EXAMPLE_PROMPT)
    ] = None
    reference_images: Annotated[list[_Counted], doc("may be left out, although their number may count")] = (
        msgspec.field(default_factory=list)
    )
    image: _Counted | None = None
    mask: _Counted | None = None
    image_size: Annotated[str | None, doc("about how large: `1K`, `2K`, where the model takes it")] = None
    aspect_ratio: Annotated[str | None, doc("the shape: `16:9`, where the model takes it")] = None
    edit_mode: Annotated[str | None, doc("what to do with the masked part")] = None
    upscale_factor: Annotated[str, doc("`x2` or `x4`", enum=[*UPSCALE_FACTORS])] | None = None
    mode: Annotated[str | None, doc("what to look for, where the model takes it")] = None

    schema_words: ClassVar[Mapping[str, Any]] = {
        "allOf": [
            {
                "if": {
                    "properties": {
                        "operation": {"enum": [o for o in Operation if name in o.rules.body_parameters]}
                    },
                    "required": ["operation"],
                },
                "else": {"properties": {name: {"type": "null"}}},
            }
            for name in _BODY_PARAMETERS
        ]
    }


_Prompt = Annotated[str, doc("what to make", schemas.EXAMPLE_PROMPT, **schemas.PROMPT_WORDS)]
_OptionalPrompt = Annotated[str | None, doc("what to make; not every model heeds it")]
_ParamsWithPrompt = Annotated[
    JsonObject,
    doc(
        "`prompt`, which is needed, and the model's parameters, as `GET /api/v1/providers` lists them",
        {"prompt": schemas.EXAMPLE_PROMPT, "width": 512, "height": 512},
        required=["prompt"],
        properties={"prompt": {"description": "what to make", "type": "string", **schemas.PROMPT_WORDS}},
    ),
]
_REFERENCES = "images to go by, each a data URL or `image:<id>`"
_References = Annotated[
    list[ImageText], doc(_REFERENCES, [schemas.EXAMPLE_IMAGE], minItems=1, maxItems=limits.MAX_REFERENCES)
]
_Image = Annotated[
    ImageText, doc("the image to work on, as a data URL or `image:<id>`", schemas.EXAMPLE_IMAGE)
]
_Mask = Annotated[ImageText | None, doc("white, or transparent, is repainted; black stays")]


def _operation_body(operation: Operation) -> type[SubmitBody]:
    """Build an operation's body from its row; parameters are declared as in `EstimateBody`."""
    rules, hints = operation.rules, get_type_hints(EstimateBody, include_extras=True)
    in_params, is_needed = rules.prompt_field == "params.prompt", rules.needs_prompt
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("params", _ParamsWithPrompt, {})
        if in_params
        else ("prompt", _Prompt)
        if is_needed
        else ("prompt", _OptionalPrompt, None),
        *([("reference_images", _References)] if rules.max_references else ()),
        *([("image", _Image)] if rules.takes_image else ()),
        *([("mask", _Mask, None)] if rules.takes_mask else ()),
        *((name, hints[name], None) for name in rules.body_parameters),
    ]
    required = [name for name, _, *default in fields if not default or name == "params"]
    body = msgspec.defstruct(
        f"{operation.title()}Body",
        fields,
        bases=(SubmitBody,),
        module=__name__,
        kw_only=True,
        namespace={"__doc__": rules.description, "schema_words": {"required": required}},
    )
    return cast("type[SubmitBody]", body)


OPERATION_BODIES: Mapping[Operation, type[SubmitBody]] = {o: _operation_body(o) for o in Operation}

_DESCRIPTION = """
The answer is 202 as soon as the task is durable; it names where the task can be seen, followed and cancelled.
With `Prefer: wait=60` it is 200 with the finished task, if that ends in time. A request that is repeated with
its `Idempotency-Key` gives the same task, so that nothing is paid for twice. So does one without a key where
both have `Prefer: repeat-lost`, and the caller of the first was lost before the answer.
"""


def _names(rules: OperationRules) -> dict[str, str]:
    """Return the paths in the body for the fields of a submission."""
    extra = {f"params.{name}": name for name in rules.body_parameters}
    return {"prompt": rules.prompt_field, "idempotency_key": "Idempotency-Key", **extra}


def _handler(operation: Operation) -> HTTPRouteHandler:
    rules = operation.rules
    names = _names(rules)

    async def submit(
        request: JsonRequest,
        data: SubmitBody,
        service: ServiceDependency,
        idempotency_key: requests.IdempotencyHeader = None,
        prefer: requests.SubmissionPreferHeader = None,
    ) -> TaskResponse:
        body, (prompt, params) = request.buffered_body, _prompt_and_params(rules, data)
        if prompt is None and rules.prompt_field == "params.prompt":
            raise ValidationFailed.for_field("params.prompt", ProblemCode.REQUIRED())
        images = await _images(data, body) if rules.has_input_images else {}
        body.drop()
        submission = await _submission(
            service, operation, data, prompt, params, idempotency_key=idempotency_key, **images
        )
        service.check_running()
        with fields_named(names):
            if idempotency_key is None and repeats_lost(prefer):
                retries = requests.client_retries(request)
                return await accept_or_repeat(request, service, retries, submission, prefer)
            added = await service.imagegen.tasks.submit(submission)
        return await acceptance(service, added, prefer)

    json_body: Any = JSONBody  # its type is made at run time
    submit.__annotations__["data"] = json_body[OPERATION_BODIES[operation]]
    submit.__name__ = rules.path.rpartition("/")[2].replace("-", "_")
    images = ("invalid_image",) if rules.has_input_images else ()
    references = ("reference_count",) if rules.max_references else ()
    description = f"{rules.description}\n\n{_DESCRIPTION}"
    return post_task(rules.path, rules.tag, *images, *references, description=description)(submit)


SUBMISSIONS = [_handler(operation) for operation in Operation]


class UsualCost(Answer, frozen=True, kw_only=True):
    """What as many images would cost by the median of the newest ones that tell their cost."""

    amount: Annotated[str, doc("a decimal number", "0.23")]
    currency: Annotated[str, doc("of the newest of them; those in others do not count", "CNY")]
    images: Annotated[int, doc("how many it is the median of, 20 at most", 20)]


class Estimate(Answer, frozen=True, kw_only=True):
    """What a request would cost if it made all that it asks for."""

    cost: Annotated[Cost | None, doc("null where calls cost nothing; of several providers the dearest")]
    costs: Annotated[list[Cost] | UnsetType, doc("where these charge in several currencies, in each")] = UNSET
    usual: Annotated[
        UsualCost | UnsetType, doc("where that is unknown: by the last images of the model and operation")
    ] = UNSET


@post("/api/v1/tasks/estimate", "tasks", *CONFIG_REFUSALS, "unavailable")
async def estimate_task(data: JSONBody[EstimateBody], service: ServiceDependency) -> Success[Estimate]:
    """Tell what a request would cost; nothing is stored or sent, and its prompt and images may be left out.

    The body is that of the request, with its `operation`. All else is checked as in one; images that are
    there are not looked at.
    """
    rules = data.operation.rules
    prompt, params = _prompt_and_params(rules, data)
    others = [name for name in _BODY_PARAMETERS if name not in rules.body_parameters]
    if misplaced := [name for name in others if getattr(data, name) is not None]:
        raise ValidationFailed(*map(_not_of_this_operation, misplaced))
    submission = await _submission(service, data.operation, data, prompt, params)
    with fields_named(_names(rules)):
        costs = await service.imagegen.estimates.estimate(submission)
        is_unknown = any(cost.basis is Basis.UNKNOWN for cost in costs)
        median = await service.imagegen.estimates.usual_cost(submission) if is_unknown else None
    usual: UsualCost | UnsetType = UNSET
    if median is not None:
        usual = UsualCost(amount=amount_text(median[0]), currency=median[1], images=median[2])
    shown = list(map(Cost.from_cost, costs))
    several = shown if len(shown) > 1 else UNSET
    return success(Estimate(cost=next(iter(shown), None), costs=several, usual=usual))


def _not_of_this_operation(name: str) -> Problem:
    owners = tuple(str(o) for o in Operation if name in o.rules.body_parameters)
    return Problem(field=name, reason=ProblemCode.OTHER_OPERATION(operations=owners))


async def _submission(
    service: Service,
    operation: Operation,
    body: SubmitBody,
    prompt: str | None,
    params: dict[str, Any],
    **more: Any,
) -> Submission:
    """Return the submission of a body; ``more`` are its fields that are not in the parameters."""
    params, provider_name, override = _merged(operation.rules, body, params), body.provider, None
    if (config := body.config) is not None:  # it stays with this provider if the default changes
        provider_name = provider_name or await service.imagegen.resolve.default_name()
        key = Secret.parse_unmasked(config.api_key, "config.api_key")  # a masked key counts as none
        with fields_named(_OVERRIDE_FIELDS):
            override = ProviderConfig(
                provider_name=provider_name,
                source=ConfigSource.REQUEST,
                api_base=config.api_base,
                api_key=key,
                timeout_seconds=config.timeout,
                max_retries=config.max_retries,
            )
    return Submission(
        operation=operation,
        prompt=prompt or "",
        params=params,
        provider_name=provider_name,
        model_id=body.model_id,
        fallback=targets_of(body.fallback),
        override=override,
        require_saved=body.use_saved_config,
        webhook_url=body.webhook_url,
        **more,
    )


def _prompt_and_params(rules: OperationRules, body: SubmitBody) -> tuple[str | None, dict[str, Any]]:
    """Take the prompt out of the parameters if the operation has it there, and it is not beside them."""
    params, prompt = dict(body.params), getattr(body, "prompt", None)
    if rules.prompt_field == "params.prompt" and not prompt:
        prompt = params.pop("prompt", None)
        if not isinstance(prompt, str | None):
            reason = ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),))
            raise ValidationFailed.for_field("params.prompt", reason)
    return prompt, params


async def _images(fields: SubmitBody, body: BufferedBody) -> dict[str, Any]:
    references = enumerate(getattr(fields, "reference_images", ()))
    texts = {f"reference_images.{index}": text for index, text in references}
    single = {name: text for name in ("image", "mask") if (text := getattr(fields, name, None)) is not None}
    images = await body.read(lambda: read_images(body, {**texts, **single}))
    return {"references": tuple(images.pop(name) for name in texts), **images}


def _merged(rules: OperationRules, body: SubmitBody, params: dict[str, Any]) -> dict[str, Any]:
    """Return ``params`` with the parameters beside it, and with the operation's implied one."""
    extra = {name: value for name in rules.body_parameters if (value := getattr(body, name)) is not None}
    conflicts = [name for name, value in extra.items() if params.get(name) not in (None, value)]
    if conflicts:
        reasons = {name: ProblemCode.CONFLICT(other=f"params.{name}") for name in conflicts}
        raise ValidationFailed(*(Problem(field=name, reason=reason) for name, reason in reasons.items()))
    merged, own = {**params, **extra}, rules.own
    if own is not None and own.recorded and merged.get(own.name) is None:
        merged[own.name] = own.implied
    return merged


_OVERRIDE_FIELDS = {
    "provider_name": "provider",
    "api_base": "config.api_base",
    "timeout_seconds": "config.timeout",
    "max_retries": "config.max_retries",
}
"""Paths in the body for the fields of `ProviderConfig`."""


# ---------------------------------------------------------------- usage

Amounts = dict[Annotated[str, doc("currency")], Annotated[str, doc("a decimal number")]]


class UsageGroup(Answer, frozen=True, kw_only=True):
    """What the tasks that ended in a time have used, of one day, provider or model."""

    key: Annotated[str, doc("the day, the provider's name or the model's id", "2026-11-24")]
    tasks: Annotated[int, doc("tasks that ended, however they did", 12)]
    failed: Annotated[int, doc("those of them that failed", 1)]
    images: Annotated[int, doc("images that they yielded, deleted ones too", 20)]
    known_amounts: Annotated[
        Amounts, doc("what providers said that they charged, by currency", {"USD": "0.08"})
    ] = msgspec.field(name="known")
    estimated: Annotated[Amounts, doc("what was charged by the price lists", {"CNY": "3.60"})]
    possible: Annotated[
        Amounts, doc("what calls with an unknown outcome may have cost; in no other sum", {"CNY": "0.20"})
    ]
    unknown_attempts: Annotated[
        int, doc("calls that were charged, or may have been, and nobody knows how much", 0)
    ]

    @classmethod
    def from_usage(cls, key: str, usage: CoreUsage) -> "UsageGroup":
        return cls.from_attributes(
            usage,
            key=key,
            known_amounts=_texts(usage.amounts("known")),
            estimated=_texts(usage.amounts("estimated")),
            possible=_texts(usage.amounts("possible")),
        )


class Usage(Answer, frozen=True, kw_only=True):
    """What the tasks that ended in a time have used; a group without any is left out."""

    groups: Annotated[list[UsageGroup], doc("in the order of their keys")]


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: amount_text(amount) for currency, amount in amounts.items()}


@get("/api/v1/usage", "tasks", "validation_failed")
async def show_usage(
    service: ServiceDependency,
    ended_from: Annotated[
        str | None, requests.moment("ended at or after this date or time (ISO 8601)", "from")
    ] = None,
    ended_to: Annotated[
        str | None, requests.moment("ended before this time, or up to the end of this date", "to")
    ] = None,
    group_by: Annotated[UsageGrouping | None, query("what a group is; `day` when left out")] = None,
    tz: requests.ZoneQuery = "UTC",
) -> Success[Usage]:
    """Add up tasks, images and costs of the tasks that ended in a time; nothing is converted.

    Each currency has its own sum. What may have been charged by calls with an unknown outcome is in
    `possible` alone.
    """
    since, until, zone = requests.parse_span(ended_from, ended_to, tz)
    grouping = group_by or UsageGrouping.DAY
    usages = await service.imagegen.tasks.usage(grouping=grouping, since=since, until=until, zone=zone)
    return success(Usage(groups=[UsageGroup.from_usage(key, usage) for key, usage in usages.items()]))
