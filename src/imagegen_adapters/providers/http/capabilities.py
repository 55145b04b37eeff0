"""The profile of a configuration: the document's models in the core's terms."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import attrs

from imagegen_adapters.model_catalogue import facts_of
from imagegen_adapters.providers.http.access_tokens import KEY_FORM
from imagegen_adapters.providers.http.configured_document import model_spec
from imagegen_adapters.providers.http.egress import key_hosts
from imagegen_adapters.providers.http.mentions import mentions, mentions_size
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.model_parameters import parameters_of
from imagegen_adapters.providers.http.schema.auth import AuthType
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.model import ModelSpec
from imagegen_adapters.providers.http.schema.operation import OperationSpec
from imagegen_adapters.providers.http.signers import SIGNERS
from imagegen_adapters.providers.http.size_presets import size_presets_of
from imagegen_adapters.providers.key_formats import two_part_key_problem
from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES
from imagegen_core.messages import Message
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ModelEntry, ProviderConfig
from imagegen_core.providers.profile import ProviderProfile

UNNAMED_MODEL = "default"
"""The id of the only model of a provider whose requests name none."""


def profile_of(document: Document, config: ProviderConfig) -> ProviderProfile:
    """Return the profile of a configuration.

    Raises:
        ValidationFailed: the configuration gives a model an operation that the document cannot do.
    """
    return attrs.evolve(
        _profile(document, config.models),
        key_hosts=key_hosts(document, config.api_base or document.base_url),
        key_problem=_key_problem(document, config),
        key_url=document.auth.token_url if document.auth.type is AuthType.OAUTH else None,
    )


def _key_problem(document: Document, config: ProviderConfig) -> Message | None:
    """Return why the key cannot be used for a signature or a login, None if it can."""
    if document.auth.type is AuthType.OAUTH:
        return two_part_key_problem(config, KEY_FORM)
    signer = SIGNERS.get(document.auth.signer or "")
    return None if signer is None else two_part_key_problem(config, signer.key_form)


@lru_cache(maxsize=64)
def _profile(document: Document, models: tuple[ModelEntry, ...] | None) -> ProviderProfile:
    entries = models or tuple(ModelEntry(id=m.id, name=m.name, default=m.default) for m in document.models)
    if not entries and not any(mentions(document, o, "model") for o in document.operations.values()):
        entries = (ModelEntry(id=UNNAMED_MODEL, default=True),)
    return ProviderProfile(
        models=tuple(_model(document, entry, position) for position, entry in enumerate(entries)),
        display_name=document.name,
        default_api_base=document.base_url,
        default_timeout=document.timeout_s,
        needs_api_base=document.base_url is None,
        needs_api_key=document.auth.type is not AuthType.NONE and not document.auth.optional,
        max_concurrency=document.concurrency,
        billed=document.billed,
    )


def _model(document: Document, entry: ModelEntry, position: int) -> Model:
    spec = model_spec(document, entry.id)
    operations = spec.capabilities if entry.capabilities is None else entry.capabilities
    for operation in operations:
        if document.operation_for(operation, spec) is None:
            field = f"models.{position}.capabilities"
            raise ValidationFailed.for_field(field, DocumentCode.NO_OPERATION_FOR(operation=operation))
    serving = tuple(s for o in operations if (s := document.operation_for(o, spec)) is not None)
    is_listed = any(listed.id == spec.id for listed in document.models)
    return Model(
        id=entry.id,
        name=entry.name or spec.name,
        default=entry.default,
        remote_id=spec.remote_id,
        operations=operations,
        parameters=tuple(parameters_of(document, spec, operations, serving)),
        form=document.form,
        sizes=size_presets_of(spec) if spec.size or mentions_size(document, serving) else (),
        accepts_extras=passes_extras(document, spec),
        max_num=min(MAX_NUM, spec.limits.n_max),
        max_references=min(MAX_REFERENCES, spec.limits.refs_max),
        prompt_chars=min(MAX_PROMPT_CHARS, spec.limits.prompt_chars),
        default_size=None if spec.size is None else spec.size.default,
        lifecycle=spec.lifecycle if is_listed else facts_of(spec.id, provider=document.id).lifecycle,
        price=spec.price,
        sources=(*spec.sources, *document.sources) if is_listed else (),
    )


def passes_extras(document: Document, spec: ModelSpec) -> bool:
    """Return whether undeclared parameters are passed to the provider."""
    return (spec.extras or document.extras) == "pass"


def fans_out(document: Document, operation: OperationSpec) -> bool:
    """Return whether several images take several calls: if declared, or if no template mentions ``n``."""
    if document.n_strategy is not None:
        return document.n_strategy == "fan_out"
    return not mentions(document, operation, "n")


def streams(operation: OperationSpec, params: Mapping[str, Any]) -> bool:
    """Return whether the parameters ask for partial images, which a provider sends of one image a call."""
    number = 0 if operation.stream is None else params.get(operation.stream.parameter)
    return isinstance(number, int) and number > 0
