"""Dry runs: a configuration is tried without saving, sending or looking up anything."""

from typing import Annotated, Any, Literal, cast

import msgspec
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from imagegen_core import limits
from imagegen_core.config import ConfigSource, ModelEntry
from imagegen_core.config import ProviderConfig as CoreConfig
from imagegen_core.errors import ProviderNotConfigured
from imagegen_core.messages import RefusalCode
from imagegen_core.models import check_request, choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from imagegen_core.services.estimates import with_any_images
from imagegen_http import schemas
from imagegen_http.api.errors import post
from imagegen_http.api.providers import API_BASE, MODELS, Model, models_of, today_of
from imagegen_http.api.requests import ServiceDependency
from imagegen_http.api.responses import Success, success
from imagegen_http.errors import failure_sentence
from imagegen_http.guard import asgi
from imagegen_http.schemas import Answer, Body, JsonObject, RequestedModel, doc

_SPEC = doc("with `spec`, as an object or as its text, or with `preset`", {"preset": "xai"})
Step = Literal["submit", "poll", "result"]
_STEP = doc("which request: the paid one, or one about its job", "submit")
_PROMPT = doc("what to make", schemas.EXAMPLE_PROMPT, max_length=limits.MAX_PROMPT_CHARS)
_IMAGES = "addresses of the images in it; null for one that is there itself"


class DryRunBody(Body, frozen=True, kw_only=True):
    """A configuration of kind `http` that is not saved, and a request for it; left out: only a check."""

    api_base: Annotated[str, API_BASE] | None = None
    extra_config: Annotated[JsonObject, _SPEC]
    models: Annotated[list[RequestedModel], MODELS] = msgspec.field(default_factory=list)
    operation: Annotated[Operation, doc("what the request asks for", Operation.GENERATE)] | None = None
    model_id: RequestedModel | None = None
    prompt: Annotated[str, _PROMPT] = ""
    params: Annotated[JsonObject, doc("parameters of the model", {"num": 2})] = msgspec.field(
        default_factory=dict
    )
    reference_images: Annotated[int, doc("how many", 1, ge=1, le=limits.MAX_REFERENCES)] = 1
    has_mask: Annotated[bool, doc("whether a mask comes with the image of an edit", example=False)] = False
    answer: Annotated[str, doc("a sample of what the provider answers", '{"data": []}')] | None = None
    answer_to: Annotated[Step, _STEP] = "submit"
    answer_status: Annotated[int, doc("its HTTP status", 200, ge=200, le=599)] = 200


class RequestPreview(Answer, frozen=True, kw_only=True):
    """A request as it would be sent, secrets masked."""

    step: Annotated[Step, _STEP]
    method: Annotated[str, doc("its method", "POST")]
    url: Annotated[str, doc("where it goes", "https://example.com/v1/images")]
    headers: Annotated[dict[str, str], doc("by lower-case name", {"authorization": "Bearer ****"})]
    body: Annotated[str | None, doc("as text, images by name, type and size", '{"prompt": "a cat"}')]


class SampleReading(Answer, frozen=True, kw_only=True):
    """What an answer means for its call."""

    state: Annotated[Literal["done", "accepted", "pending", "failed"], doc("of the call", "done")]
    images: Annotated[list[str | None] | UnsetType, doc(_IMAGES, ["https://example.com/1.png"])] = UNSET
    job: Annotated[dict[str, str | None] | UnsetType, doc("the accepted job", {"id": "7"})] = UNSET
    failures: Annotated[list[str], doc("errors in it, each a sentence", [])]
    warnings: Annotated[list[str], doc("what else is to be known", [])]


class DryRun(Answer, frozen=True, kw_only=True):
    """What a configuration can do, and what comes of a request."""

    models: Annotated[list[Model], doc("its models")]
    document: Annotated[str | UnsetType, doc("YAML of its preset, to be copied", "id: xai")] = UNSET
    requests: Annotated[list[RequestPreview], doc("in their order; the first is the paid one")]
    sample: Annotated[SampleReading | UnsetType, doc("what is found in the answer")] = UNSET


@post(
    "/api/v1/providers/dry-run",
    "providers",
    "provider_not_configured",
    "model_not_available",
    "unsupported_operation",
    "reference_count",
)
async def dry_run(data: JSONBody[DryRunBody], service: ServiceDependency) -> Success[DryRun]:
    """Check a configuration of kind `http`, show what it would send, and read a sample answer.

    Nothing is saved, sent or looked up, no key is read, and nothing costs anything. Errors in a document that
    is sent as text have its line and column.
    """
    parts, resolve = service.imagegen.parts, service.imagegen.resolve
    config = CoreConfig(
        provider_name="dry-run",
        source=ConfigSource.DATABASE,
        kind="http",
        api_base=data.api_base or None,
        models=tuple(ModelEntry(id=each) for each in data.models) or None,
        extra_config=data.extra_config,
    )
    resolve.kinds.check("http", data.extra_config)
    draft, provider = resolve.describe([config]), cast("Any", parts.providers["http"])
    models = models_of(draft.profile, today_of(service))
    if data.operation is None:
        preset = data.extra_config.get("preset")
        document = provider.text_of(preset) if preset else UNSET
        return success(DryRun(models=models, requests=[], document=document))
    if draft.config.api_base is None:
        raise ProviderNotConfigured(config.provider_name, RefusalCode.NO_API_BASE())
    model = choose_model(draft.profile.models, data.model_id)
    request = with_any_images(
        data.operation, data.prompt, data.params, references=data.reference_images, has_mask=data.has_mask
    )
    check_request(request, model)
    first, *_ = provider.split(request, model, draft.config)
    call = ProviderCall(call_id=parts.new_id(), request=first, model=model, config=draft.config)
    requests, read = await provider.dry_run(call)
    shown = DryRun(models=models, requests=[RequestPreview(**each) for each in requests])
    if data.answer is None:
        return success(shown)
    sample = await read(data.answer_to, data.answer_status, data.answer.encode())
    failures = [failure_sentence(f.code, f.reason, asgi.language.get()) for f in sample.pop("failures", ())]
    warnings = list(map(asgi.text, sample.pop("warnings", ())))
    reading = SampleReading(**sample, failures=failures, warnings=warnings)
    return success(msgspec.structs.replace(shown, sample=reading))
