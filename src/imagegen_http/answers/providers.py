"""Providers: what can be used, and how it is configured."""

import datetime as dt
from typing import Annotated

from msgspec import UNSET, UnsetType

from imagegen_core.operations import Operation
from imagegen_core.ports.provider import ProbeOutcome
from imagegen_core.providers.capabilities import Lifecycle as CoreLifecycle
from imagegen_core.providers.capabilities import LifecycleStatus
from imagegen_core.providers.capabilities import Model as CoreModel
from imagegen_core.providers.config import ConfigSource, masked_extra
from imagegen_core.providers.forms import form_of
from imagegen_core.providers.prices import Price, Rate, TokenKind, Unit
from imagegen_core.use_cases.resolve_provider import ResolvedProvider
from imagegen_http.answers.fields import (
    Answer,
    JsonObject,
    ProviderName,
    Time,
    doc,
    optional_timestamp,
)
from imagegen_http.answers.parameters import ModelParameter, ParameterGroup, SizePreset
from imagegen_http.asgi import request_context

Kind = Annotated[str, doc("which adapter speaks to it", "demo")]
DisplayName = Annotated[str, doc("its name for people", "Demo")]


class ModelLimits(Answer, frozen=True, kw_only=True):
    """How much one request to a model may ask for."""

    max_num: Annotated[int, doc("images", 10)]
    max_references: Annotated[int, doc("reference images", 14)]
    prompt_chars: Annotated[int, doc("characters of the prompt", 32000)]

    @classmethod
    def from_model(cls, model: CoreModel) -> "ModelLimits":
        """Return a model's limits."""
        return cls(
            max_num=model.max_num, max_references=model.max_references, prompt_chars=model.prompt_chars
        )


class ModelLifecycle(Answer, frozen=True, kw_only=True):
    """When a model is or was switched off, and what to use instead."""

    status: Annotated[LifecycleStatus, doc("whether it is gone already", "deprecated")]
    date: Annotated[str | None, doc("the day of its end", "2026-12-31", format="date")]
    replacement: Annotated[str | None, doc("the model to use instead", "demo-2")]

    @classmethod
    def from_lifecycle(cls, lifecycle: CoreLifecycle, today: dt.date) -> "ModelLifecycle | None":
        """Return what there is to say; None of a model that goes on."""
        status, retires = lifecycle.status_on(today), lifecycle.retires
        if status is LifecycleStatus.ACTIVE:
            return None
        date = None if retires is None else retires.isoformat()
        return cls(status=status, date=date, replacement=lifecycle.replaced_by)


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

    @classmethod
    def from_rate(cls, rate: Rate) -> "ModelRate":
        """Return a line of a price list."""
        return cls(
            amount=format(rate.amount, "f"),
            per=rate.per,
            tokens=rate.tokens or UNSET,
            sizes=list(rate.sizes) or UNSET,
            qualities=list(rate.qualities) or UNSET,
            max_pixels=rate.max_pixels or UNSET,
            free=rate.free or UNSET,
            operations=list(rate.operations) or UNSET,
        )


class ModelPrice(Answer, frozen=True, kw_only=True):
    """A price list; of several rates for images, the first that applies counts."""

    currency: Annotated[str, doc("in which the provider bills", "CNY")]
    rates: Annotated[list[ModelRate], doc("its lines")]

    @classmethod
    def optional(cls, price: Price | None) -> "ModelPrice | None":
        """Return a price list, None for None."""
        if price is None:
            return None
        return cls(currency=price.currency, rates=[ModelRate.from_rate(rate) for rate in price.rates])


class Model(Answer, frozen=True, kw_only=True):
    """A model and what it can do."""

    id: Annotated[str, doc("what `model_id` names it by", "demo")]
    name: Annotated[str, doc("its name for people", "Demo")]
    default: Annotated[bool, doc("whether a task that names no model goes to it", example=True)]
    capabilities: Annotated[list[Operation], doc("the operations that it takes", ["generate"])]
    limits: Annotated[ModelLimits, doc("how much one request may ask for")]
    parameters: Annotated[list[ModelParameter], doc("the parameters that it takes")]
    form: Annotated[
        list[str],
        doc(
            "the fields that a form shows, in order; `size` is one for all that sets a size", ["size", "num"]
        ),
    ]
    sizes: Annotated[list[SizePreset], doc("the sizes to choose from; empty where there is no choice")]
    accepts_extras: Annotated[bool, doc("whether other parameters go to the provider, too", example=False)]
    price: Annotated[ModelPrice | None, doc("null where no price is known", None)]
    lifecycle: Annotated[ModelLifecycle | None, doc("null while it goes on", None)]
    facts_read: Annotated[
        str | None, doc("the oldest day on which its facts were read", "2026-11-26", format="date")
    ]

    @classmethod
    def from_model(cls, model: CoreModel, today: dt.date) -> "Model":
        """Return a model."""
        return cls(
            id=model.id,
            name=model.name or model.id,
            default=model.default,
            capabilities=list(model.operations),
            limits=ModelLimits.from_model(model),
            parameters=[ModelParameter.from_parameter(parameter) for parameter in model.parameters],
            form=list(form_of(model)),
            sizes=[SizePreset.from_preset(size) for size in model.sizes],
            accepts_extras=model.accepts_extras,
            price=ModelPrice.optional(model.price),
            lifecycle=ModelLifecycle.from_lifecycle(model.lifecycle, today),
            facts_read=None if model.facts_read is None else model.facts_read.isoformat(),
        )


Models = Annotated[list[Model], doc("its models")]


class Provider(Answer, frozen=True, kw_only=True):
    """A provider that tasks can be sent to now."""

    name: ProviderName
    kind: Kind | None
    display_name: DisplayName
    models: Models

    @classmethod
    def from_resolved(cls, provider: ResolvedProvider, today: dt.date) -> "Provider":
        """Return what a client can use of a provider."""
        config = provider.config
        return cls(
            name=config.provider_name,
            kind=config.kind,
            display_name=provider.display_name,
            models=[Model.from_model(model, today) for model in provider.profile.models],
        )


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
        """Return a configuration."""
        config = provider.config
        return cls(
            provider_name=config.provider_name,
            kind=config.kind,
            display_name=provider.display_name,
            api_base=config.api_base,
            api_key=None if config.api_key is None else config.api_key.masked,
            has_api_key=config.api_key is not None,
            models=[Model.from_model(model, today) for model in provider.profile.models],
            enabled=config.is_enabled,
            timeout_seconds=config.timeout,
            max_retries=config.retries,
            extra_config=masked_extra(config.extra_config),
            source=config.source,
            warnings=[request_context.text(warning) for warning in provider.warnings_on(today)],
            created_at=optional_timestamp(config.created_at),
            updated_at=optional_timestamp(config.updated_at),
        )


class ProbeResult(Answer, frozen=True, kw_only=True):
    """What a cheap, unpaid call came to."""

    ok: Annotated[bool, doc("false when the call failed", example=True)]
    outcome: Annotated[ProbeOutcome, doc("`not_verified` where the provider has no free call", "ok")]
    detail: Annotated[str, doc("a sentence about it", "3 models")]
    latency_ms: Annotated[int, doc("how long it took", 120)]
