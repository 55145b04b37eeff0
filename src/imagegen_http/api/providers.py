"""Providers: which can be used, with what their models can do, and how each is configured."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from imagegen_core import limits
from imagegen_core.config import PROVIDER_NAME_PATTERN, ConfigSource, ModelEntry, masked_extra
from imagegen_core.config import ProviderConfig as CoreConfig
from imagegen_core.facts import Group, TokenKind, Unit
from imagegen_core.models import LifecycleStatus, ProviderProfile, form_of
from imagegen_core.models import Model as CoreModel
from imagegen_core.models import Parameter as CoreParameter
from imagegen_core.ports.provider import ProbeOutcome
from imagegen_core.ports.provider import Provider as CoreProvider
from imagegen_core.requests import Operation, parse_operations
from imagegen_core.resolving import ResolvedProvider
from imagegen_core.search import Page
from imagegen_http import schemas
from imagegen_http.api.errors import delete, get, patch, post
from imagegen_http.api.requests import (
    PageQuery,
    PageSizeQuery,
    ProviderPath,
    ServiceDependency,
    query,
    without_fields,
)
from imagegen_http.api.responses import DELETED, Deleted, JsonResponse, ListPage, Success, listed, success
from imagegen_http.guard.asgi import PRIVATE_REVALIDATE
from imagegen_http.schemas import Answer, Body, JsonObject, ProviderName, RequestedModel, Shown, Time, doc
from imagegen_http.service import Service

PresetModelsQuery = Annotated[bool, query("whether presets are told with their models, a tenfold answer")]
_VALUE_LABELS = "names of values for people; a value without one speaks for itself"
_FORM = "the fields that a form shows, in order; `size` is one for all that sets a size"


class Label(Answer, frozen=True, kw_only=True):
    """A few words for people, in each language."""

    zh: Annotated[str, doc("Chinese", "步数")]
    en: Annotated[str, doc("English", "Steps")]


class ModelParameter(Answer, frozen=True, kw_only=True):
    """A parameter that a model takes; what does not limit it is left out."""

    name: Annotated[str, doc("its key in `params`", "steps")]
    type: Annotated[
        str, doc("type of its values", "integer", enum=["string", "integer", "number", "boolean"])
    ]
    enum: Annotated[list[schemas.Scalar] | UnsetType, doc("all values that are taken", [20, 30])] = UNSET
    minimum: Annotated[float | UnsetType, doc("the least value", 1)] = UNSET
    maximum: Annotated[float | UnsetType, doc("the greatest value", 50)] = UNSET
    multiple_of: Annotated[int | UnsetType, doc("values are multiples of it", 1)] = UNSET
    default: Annotated[schemas.Scalar | UnsetType, doc("what holds when it is left out", 30)] = UNSET
    label: Annotated[Label, doc("its name for people", {"zh": "步数", "en": "Steps"})]
    group: Annotated[Group, doc("where a form puts it, one of `groups`", "sampling")]
    unit: Annotated[Label | UnsetType, doc("of its values", {"zh": "像素", "en": "px"})] = UNSET
    description: Annotated[
        Label | UnsetType, doc("what it does", {"zh": "越多越慢", "en": "the more, the slower"})
    ] = UNSET
    value_labels: Annotated[
        dict[str, Label] | UnsetType, doc(_VALUE_LABELS, {"hd": {"zh": "高清", "en": "HD"}})
    ] = UNSET
    operations: Annotated[
        list[Operation] | UnsetType, doc("the only operations that it belongs to", ["upscale"])
    ] = UNSET

    @classmethod
    def from_parameter(cls, parameter: CoreParameter) -> "ModelParameter":
        field = parameter.form_field
        return cls.from_attributes(
            parameter,
            minimum=_bound(parameter, parameter.minimum),
            maximum=_bound(parameter, parameter.maximum),
            default=schemas.if_any(parameter.default),
            label=_label(field.label),
            group=field.group,
            unit=_label(field.unit),
            description=_label(field.description),
            value_labels={
                value: _label(label)
                for value, label in field.choices.items()
                if not parameter.enum or value in map(str, parameter.enum)
            }
            or UNSET,
        )


def _label(label: Any) -> Label | UnsetType:
    return UNSET if label is None else Label.from_attributes(label)


def _bound(parameter: CoreParameter, bound: float | None) -> float | UnsetType:
    """Return a bound in the parameter's type; a document may write 1.0 for an integer."""
    return int(bound) if bound is not None and parameter.type == "integer" else schemas.if_any(bound)


class SizePreset(Answer, frozen=True, kw_only=True):
    """A size to choose, and the parameters that ask for it."""

    label: Annotated[str, doc("what tells it from the others", "16:9 2K")]
    ratio: Annotated[str | None, doc("its shape; null where the model chooses", "16:9")]
    resolution: Annotated[str | None, doc("about how large, if the model has several", "2K")]
    width: Annotated[int | None, doc("pixels, where they are known", 2048)]
    height: Annotated[int | None, doc("pixels, where they are known", 1152)]
    params: Annotated[JsonObject, doc("what a request's `params` contain for it", {"size": "2048x1152"})]
    operations: Annotated[
        list[Operation] | UnsetType, doc("the only operations that make it", ["generate"])
    ] = UNSET


class ModelLimits(Answer, frozen=True, kw_only=True):
    """How much one request to a model may ask for."""

    max_num: Annotated[int, doc("images", 10)]
    max_references: Annotated[int, doc("reference images", 14)]
    prompt_chars: Annotated[int, doc("characters of the prompt", 32000)]


class ModelLifecycle(Answer, frozen=True, kw_only=True):
    """When a model is or was switched off, and what to use instead."""

    status: Annotated[LifecycleStatus, doc("whether it is gone already", "deprecated")]
    date: Annotated[str | None, doc("the day of its end", "2026-12-31", format="date")]
    replacement: Annotated[str | None, doc("the model to use instead", "demo-2")]


class ModelRate(Answer, frozen=True, kw_only=True):
    """What a provider charges for a unit; conditions that are left out apply to all."""

    amount: Annotated[str, doc("a decimal number", "0.20")]
    per: Annotated[Unit, doc("what it buys", "image")]
    tokens: Annotated[TokenKind | UnsetType, doc("which tokens it is for", "image_output")] = UNSET
    sizes: Annotated[list[str] | UnsetType, doc("sizes that it is for", ["2K"])] = UNSET
    qualities: Annotated[list[str] | UnsetType, doc("qualities that it is for", ["high"])] = UNSET
    max_pixels: Annotated[int | UnsetType, doc("the largest area of an image that it is for", 1048576)] = (
        UNSET
    )
    free: Annotated[int | UnsetType, doc("how many input images of a call cost nothing", 1)] = UNSET
    operations: Annotated[list[Operation] | UnsetType, doc("operations that it is for", ["edit"])] = UNSET


class ModelPrice(Answer, frozen=True, kw_only=True):
    """A price list; of several rates for images, the first that applies counts."""

    currency: Annotated[str, doc("in which the provider bills", "CNY")]
    rates: Annotated[list[ModelRate], doc("its lines")]


class Model(Answer, frozen=True, kw_only=True):
    """A model and what it can do."""

    id: Annotated[str, doc("what `model_id` names it by", "demo")]
    name: Annotated[str, doc("its name for people", "Demo")]
    default: Annotated[bool, doc("whether a task that names no model goes to it", example=True)]
    capabilities: Annotated[list[Operation], doc("the operations that it takes", ["generate"])]
    limits: Annotated[ModelLimits, doc("how much one request may ask for")]
    parameters: Annotated[list[ModelParameter], doc("the parameters that it takes")]
    form: Annotated[list[str], doc(_FORM, ["size", "num"])]
    sizes: Annotated[list[SizePreset], doc("the sizes to choose from; empty where there is no choice")]
    accepts_extras: Annotated[bool, doc("whether other parameters go to the provider, too", example=False)]
    takes_mask: Annotated[
        bool, doc("whether an edit changes what its mask shows, and nothing else", example=True)
    ]
    price: Annotated[ModelPrice | None, doc("null where no price is known", None)]
    lifecycle: Annotated[ModelLifecycle | None, doc("null while it goes on", None)]
    facts_read: Annotated[
        str | None, doc("the oldest day on which its facts were read", "2026-11-26", format="date")
    ]

    @classmethod
    def from_model(cls, model: CoreModel, today: dt.date) -> "Model":
        end, status = model.lifecycle, model.lifecycle.status_on(today)
        lifecycle = ModelLifecycle.from_attributes(
            end, status=status, date=end.retires, replacement=end.replaced_by
        )
        rates = model.price.rates if model.price else ()
        lines = [ModelRate.from_attributes(rate, amount=format(rate.amount, "f")) for rate in rates]
        return cls.from_attributes(
            model,
            name=model.name or model.id,
            capabilities=model.operations,
            limits=ModelLimits.from_attributes(model),
            parameters=[ModelParameter.from_parameter(parameter) for parameter in model.parameters],
            form=form_of(model),
            sizes=[SizePreset.from_attributes(size, params=dict(size.params)) for size in model.sizes],
            price=ModelPrice(currency=model.price.currency, rates=lines) if model.price else None,
            lifecycle=None if status is LifecycleStatus.ACTIVE else lifecycle,
        )


class ParameterGroup(Answer, frozen=True, kw_only=True):
    """A group of parameters in a form."""

    id: Annotated[Group, doc("what `group` of a parameter names it by", "sampling")]
    label: Annotated[Label, doc("its heading", {"zh": "采样", "en": "Sampling"})]


Kind = Annotated[str, doc("which adapter speaks to it", "demo")]
DisplayName = Annotated[str, doc("its name for people", "Demo")]
Models = Annotated[list[Model], doc("its models")]


class Provider(Answer, frozen=True, kw_only=True):
    """A provider that tasks can be sent to now."""

    name: ProviderName
    kind: Kind | None
    display_name: DisplayName
    models: Models


class Preset(Answer, frozen=True, kw_only=True):
    """A provider that is known: its configuration needs an API key at most, or an address of one's own."""

    name: Annotated[str, doc("`provider_name` to save it under", "siliconflow")]
    kind: Annotated[str, doc("its `kind`", "http")]
    extra_config: Annotated[JsonObject, doc("and its `extra_config`", {"preset": "siliconflow"})]
    display_name: Annotated[str, doc("its name for people", "SiliconFlow")]
    api_base: Annotated[str | None, doc("its address, where there is only one", "https://example.com/v1")]
    needs_api_base: Annotated[bool, doc("whether it is of no use without an address", example=False)]
    needs_api_key: Annotated[bool, doc("whether it is of no use without a key", example=True)]
    models: Annotated[list[Model], doc("its models; empty where they are known once it is configured")]


class ProviderList(Answer, frozen=True, kw_only=True):
    """What tasks can be sent to, and what could be configured."""

    providers: Annotated[list[Provider], doc("the providers that can be used now, by name")]
    presets: Annotated[list[Preset], doc("the providers that are shipped")]
    groups: Annotated[list[ParameterGroup], doc("the groups of parameters, in the order of a form")]
    default_provider: Annotated[str, doc("where a task goes that names no provider", "demo")]


class ProviderConfig(Answer, frozen=True, kw_only=True):
    """The configuration of a provider, database over file, secrets masked."""

    provider_name: ProviderName
    kind: Kind | None
    display_name: DisplayName
    api_base: Annotated[str | None, doc("address of its API", "https://example.com/v1")]
    api_key: Annotated[str | None, doc("its key, masked", "sk-****cdef")]
    has_api_key: Annotated[bool, doc("whether there is a key", example=True)]
    models: Models
    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)]
    timeout_seconds: Annotated[float, doc("how long one call may take", 60.0)]
    max_retries: Annotated[int, doc("how often a call that started nothing is sent again", 3)]
    extra_config: Annotated[JsonObject, doc("settings of its kind, secrets masked", {"max_concurrency": 4})]
    source: Annotated[ConfigSource, doc("`database` where anything is saved, else `file`", "database")]
    warnings: Annotated[list[str], doc("what cannot be right, and models that are retired", [])]
    created_at: Annotated[Time | None, doc("when it was first saved")]
    updated_at: Annotated[Time | None, doc("when it was last saved")]

    @classmethod
    def from_resolved(cls, provider: ResolvedProvider, today: dt.date) -> "ProviderConfig":
        config = provider.config
        return cls.from_attributes(
            config,
            display_name=provider.display_name,
            api_key=None if config.api_key is None else config.api_key.masked,
            has_api_key=config.api_key is not None,
            models=models_of(provider.profile, today),
            enabled=config.is_enabled,
            timeout_seconds=config.timeout,
            max_retries=config.retries,
            extra_config=masked_extra(config.extra_config),
            warnings=provider.warnings_on(today),
        )


class ProbeResult(Answer, frozen=True, kw_only=True):
    """What a cheap, unpaid call came to."""

    ok: Annotated[bool, doc("false when the call failed", example=True)]
    outcome: Annotated[ProbeOutcome, doc("`not_verified` where the provider has no free call", "ok")]
    detail: Annotated[str, doc("a sentence about it", "3 models")]
    latency_ms: Annotated[int, doc("how long it took", 120)]


_MODEL_NAME = doc("its name for people", max_length=limits.MAX_MODEL_NAME_CHARS)


class ModelBody(Body, frozen=True, kw_only=True):
    """A model of a provider; ``capabilities`` left out: from the catalogue. An answer's may be sent back."""

    id: RequestedModel
    name: Annotated[str, _MODEL_NAME] = ""
    default: Annotated[bool, doc("whether a task goes to it that names no model")] = False
    capabilities: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"enum": [*Operation]})]] | None,
        doc("the operations that it takes"),
    ] = None
    limits: Shown = UNSET
    parameters: Shown = UNSET
    form: Shown = UNSET
    sizes: Shown = UNSET
    accepts_extras: Shown = UNSET
    takes_mask: Shown = UNSET
    lifecycle: Shown = UNSET
    price: Shown = UNSET
    facts_read: Shown = UNSET


_KIND = doc("which adapter speaks to it", "demo", min_length=1, max_length=limits.MAX_KIND_CHARS)
_DISPLAY_NAME = doc("its name for people", "My demo", max_length=limits.MAX_DISPLAY_NAME_CHARS)
_API_BASE_WORDS = {"pattern": f"^($|{schemas.API_BASE_PATTERN})", "max_length": limits.MAX_API_BASE_CHARS}
API_BASE = doc("address of its API, with the path", **_API_BASE_WORDS)
_API_KEY = doc("its key; an answer's mask leaves it", minLength=1, max_length=limits.MAX_API_KEY_CHARS)
MODELS = doc("its models; left out: the known ones", max_length=limits.MAX_MODELS)
_TIMEOUT = doc("how long one call may take", 60, gt=0, le=limits.MAX_TIMEOUT_SECONDS)
_RETRIES = doc("how often a call that started nothing is sent again", 3, ge=0, le=limits.MAX_RETRIES)
_EXTRA_CONFIG = doc("settings of its kind: `preset`, `spec`, `headers`, `max_concurrency`, …")


class ProviderConfigBody(Body, frozen=True, kw_only=True):
    """A provider's configuration. On an update, what is left out stays as it was.

    What an answer showed may be sent back whole: keys in their masks stay, and what is only shown is ignored.
    """

    provider_name: Annotated[
        str, Meta(pattern=f"^{PROVIDER_NAME_PATTERN}$"), doc("name of the provider", "my-demo")
    ]
    kind: Annotated[str, _KIND] | UnsetType | None = UNSET
    display_name: Annotated[str, _DISPLAY_NAME] | UnsetType | None = UNSET
    api_base: Annotated[str, API_BASE] | UnsetType | None = UNSET
    api_key: Annotated[str, _API_KEY] | UnsetType | None = UNSET
    models: Annotated[list[ModelBody], MODELS] | UnsetType | None = UNSET
    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)] | UnsetType = UNSET
    timeout_seconds: Annotated[float, _TIMEOUT] | UnsetType | None = UNSET
    max_retries: Annotated[int, _RETRIES] | UnsetType | None = UNSET
    extra_config: Annotated[JsonObject, _EXTRA_CONFIG] | UnsetType | None = UNSET
    has_api_key: Shown = UNSET
    source: Shown = UNSET
    warnings: Shown = UNSET
    created_at: Shown = UNSET
    updated_at: Shown = UNSET


class ToggleBody(Body, frozen=True, kw_only=True):
    """Switches a provider on or off."""

    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)]


_NO_SETTINGS = frozenset({"provider_name", "has_api_key", "source", "warnings", "created_at", "updated_at"})
"""Fields of a body that are not settings: the provider's name and read-only ones."""


@get("/api/v1/providers", "providers")
async def list_providers(
    service: ServiceDependency, *, preset_models: PresetModelsQuery = True
) -> Response[Success[ProviderList]]:
    """List what tasks can be sent to now, and the presets that only need a key.

    With the parameters of each model, their labels in Chinese and English, ranges and defaults: enough to
    draw a form. A client that sends the answer's `ETag` as `If-None-Match` is answered 304 while nothing has
    changed.
    """
    usable, today = await service.imagegen.providers.usable(), today_of(service)
    answer = ProviderList(
        providers=[
            Provider(
                name=provider.config.provider_name,
                kind=provider.config.kind,
                display_name=provider.display_name,
                models=models_of(provider.profile, today),
            )
            for provider in usable
        ],
        presets=[
            preset if preset_models else msgspec.structs.replace(preset, models=[])
            for preset in describe_presets(service.imagegen.parts.providers, today)
        ],
        groups=[ParameterGroup(id=group, label=Label.from_attributes(group.label)) for group in Group],
        default_provider=await service.imagegen.resolve.default_name(),
    )
    return JsonResponse(success(answer), headers={"Cache-Control": PRIVATE_REVALIDATE})


@get("/api/v1/providers/config", "providers", "validation_failed")
async def list_configs(
    service: ServiceDependency, page: PageQuery = 1, page_size: PageSizeQuery = limits.DEFAULT_PAGE_SIZE
) -> Success[ListPage[ProviderConfig]]:
    """List all configurations, by name.

    Disabled ones, too. Keys and other secrets are masked.
    """
    configs = await service.imagegen.providers.configured()
    matches, today = Page.of_all(configs, number=page, size=page_size), today_of(service)
    return listed(matches, lambda it: ProviderConfig.from_resolved(it, today), number=page, size=page_size)


@post("/api/v1/providers/config", "providers", "api_key_required", "upstream_not_allowed")
async def save_config(
    data: JSONBody[ProviderConfigBody], service: ServiceDependency
) -> Success[ProviderConfig]:
    """Create or change a provider's configuration.

    It is checked before it is saved, and keys are encrypted. On a change, what is left out stays as it was.
    For a preset, its name and a key are enough: `{"provider_name": "openai", "api_key": "sk-…"}`.
    """
    body = msgspec.structs.asdict(data)
    changes = {n: value for n, value in body.items() if value is not UNSET and n not in _NO_SETTINGS}
    if isinstance(data.models, list):
        changes["models"] = tuple(_model(index, model) for index, model in enumerate(data.models))
    if "extra_config" in changes:
        changes["extra_config"] = data.extra_config or {}
    await service.imagegen.providers.save(data.provider_name, changes)
    return await _saved_config(service, data.provider_name)


@get("/api/v1/providers/config/{provider_name:str}", "providers", "provider_config_not_found")
async def get_config(provider_name: ProviderPath, service: ServiceDependency) -> Success[ProviderConfig]:
    """Show a provider's configuration, secrets masked.

    What is saved, over what `config.yaml` says. It may be sent back as it is: a masked key stays.
    """
    return await _saved_config(service, provider_name)


@delete("/api/v1/providers/config/{provider_name:str}", "providers", "provider_config_not_found")
async def delete_config(provider_name: ProviderPath, service: ServiceDependency) -> Deleted:
    """Remove a saved configuration; the history of its tasks stays.

    What `config.yaml` says of the provider holds again; without that, its waiting tasks fail.
    """
    await service.imagegen.parts.configs.delete(provider_name)
    return DELETED


@patch("/api/v1/providers/config/{provider_name:str}/toggle", "providers", "provider_config_not_found")
async def toggle_config(
    provider_name: ProviderPath, data: JSONBody[ToggleBody], service: ServiceDependency
) -> Success[ProviderConfig]:
    """Switch a saved provider on or off.

    Tasks that wait for one that is off fail with `provider_disabled`; calls that run go on.
    """
    await service.imagegen.providers.toggle(provider_name, enabled=data.enabled)
    return await _saved_config(service, provider_name)


@post(
    "/api/v1/providers/config/{provider_name:str}/test",
    "providers",
    "provider_config_not_found",
    "provider_disabled",
    "provider_not_configured",
    "validation_failed",
    guards=[without_fields],
)
async def probe_config(provider_name: ProviderPath, service: ServiceDependency) -> Success[ProbeResult]:
    """Make one cheap, unpaid call, where the provider has one.

    This is 200 whatever the provider says; `outcome` tells. `not_verified`: it has no such call.
    """
    providers, clock = service.imagegen.providers, service.imagegen.parts.clock
    if provider_name not in {r.config.provider_name for r in await providers.configured()}:
        raise await providers.not_found(provider_name)
    started = clock.monotonic()
    probe = await providers.probe(provider_name)
    return success(ProbeResult.from_attributes(probe, latency_ms=round((clock.monotonic() - started) * 1000)))


async def _saved_config(service: Service, provider_name: str) -> Success[ProviderConfig]:
    saved = await service.imagegen.providers.get(provider_name)
    return success(ProviderConfig.from_resolved(saved, today_of(service)))


def describe_presets(providers: Mapping[str, CoreProvider], today: dt.date) -> list[Preset]:
    """Describe each known provider, sorted by display name."""
    remote = ProviderProfile(models=(), needs_api_base=False, needs_api_key=True)
    local = ProviderProfile(models=(), needs_api_base=True, needs_api_key=False)
    rows: list[tuple[str, str, str, JsonObject, ProviderProfile]] = [  # their modules are not loaded for this
        ("gemini", "gemini", "Google Gemini", {}, remote),
        ("stability", "stable_diffusion", "Stability AI", {"dialect": "stability"}, remote),
        ("stable-diffusion", "stable_diffusion", "Stable Diffusion WebUI", {}, local),
        ("comfyui", "comfyui", "ComfyUI", {}, local),
    ]
    documents = providers["http"]
    for name in documents.names:
        if name != "*":  # the caller's own document
            extra = {"preset": name}
            config = CoreConfig(provider_name=name, kind="http", source=ConfigSource.FILE, extra_config=extra)
            profile = documents.describe(config).with_default_on(today)
            rows.append((name, "http", profile.display_name or name, extra, profile))
    presets = [
        Preset.from_attributes(
            profile,
            name=name,
            kind=kind,
            extra_config=extra,
            display_name=shown,
            api_base=profile.default_api_base,
            models=models_of(profile, today),
        )
        for name, kind, shown, extra, profile in rows
    ]
    return sorted(presets, key=lambda preset: preset.display_name.casefold())


def models_of(profile: ProviderProfile, today: dt.date) -> list[Model]:
    return [Model.from_model(model, today) for model in profile.models]


def today_of(service: Service) -> dt.date:
    return service.imagegen.parts.clock.now().date()


def _model(index: int, body: ModelBody) -> ModelEntry:
    names, field = body.capabilities, f"models.{index}.capabilities"
    capabilities = None if names is None else parse_operations(names, field)
    return ModelEntry(id=body.id, name=body.name, default=body.default, capabilities=capabilities)
