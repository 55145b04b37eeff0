"""The profile of a configuration: the document's models in the core's terms."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import attrs

from imagegen_adapters.model_catalogue import facts_of
from imagegen_adapters.providers.http.configured_document import model_spec
from imagegen_adapters.providers.http.egress import key_hosts
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.auth import AuthType
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.model import ModelSpec, ParamSpec
from imagegen_adapters.providers.http.schema.operation import OperationSpec
from imagegen_adapters.providers.http.schema.size import SizeKind, SizeSpec
from imagegen_adapters.providers.http.signers import SIGNERS
from imagegen_adapters.providers.http.size_presets import size_presets_of
from imagegen_adapters.providers.key_formats import two_part_key_problem
from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES
from imagegen_core.messages import Message
from imagegen_core.operations import Operation, OwnParameter
from imagegen_core.providers.capabilities import Model, Parameter
from imagegen_core.providers.config import ModelEntry, ProviderConfig
from imagegen_core.providers.form_fields import FormField
from imagegen_core.providers.known_fields import form_field_of
from imagegen_core.providers.parameters import common
from imagegen_core.providers.profile import ProviderProfile
from imagegen_core.providers.size_presets import SIZE_NAMES
from imagegen_core.values.identity_cache import IdentityCache

UNNAMED_MODEL = "default"
"""The id of the only model of a provider whose requests name none."""

_MENTIONS: IdentityCache[dict[str, bool]] = IdentityCache()


def profile_of(document: Document, config: ProviderConfig) -> ProviderProfile:
    """Return the profile of a configuration.

    Raises:
        ValidationFailed: the configuration gives a model an operation that the document cannot do.
    """
    return attrs.evolve(
        _profile(document, config.models),
        key_hosts=key_hosts(document, config.api_base or document.base_url),
        key_problem=_key_problem(document, config),
    )


def _key_problem(document: Document, config: ProviderConfig) -> Message | None:
    """Return why the key cannot be used for a signature, None if it can."""
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
        parameters=tuple(_parameters(document, spec, operations, serving)),
        form=document.form,
        sizes=size_presets_of(spec) if spec.size or _uses_size(document, serving) else (),
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


def mentions(document: Document, operation: OperationSpec, name: str) -> bool:
    """Return whether the operation's paid request uses a parameter, by its name or as ``params.name``."""
    names = _MENTIONS.result_for((document, operation), dict)
    if name not in names:
        names[name] = _mentions(document, operation, name)
    return names[name]


def _mentions(document: Document, operation: OperationSpec, name: str) -> bool:
    templates = [*operation.request.templates, *document.headers.values()]
    if any(t.mentions("vars") for t in templates):
        templates += document.vars.values()
    return any(t.mentions(name) or t.mentions(f"params.{name}") for t in templates)


def _parameters(
    document: Document,
    spec: ModelSpec,
    operations: tuple[Operation, ...],
    serving: tuple[OperationSpec, ...],
) -> Iterator[Parameter]:
    yield from common("num")
    declared = {name: _declared(name, p) for name, p in spec.params.items()}
    for name in ("seed", "negative_prompt", "steps", "cfg_scale"):
        if name not in {*declared, *spec.refuses} and any(mentions(document, s, name) for s in serving):
            yield from common(name)
    any_size = spec.size is None and _uses_size(document, serving)
    for parameter in _widest(
        _size_parameters(s, any_size=any_size) for s in (spec.size, *spec.size_for.values())
    ):
        if parameter.name not in {*declared, *spec.refuses}:
            yield parameter
    for operation in Operation:
        own = operation.rules.own
        if own is not None and operation in operations and own.name not in declared:
            yield from _operation_parameter(document, spec, operation, own)
    yield from declared.values()
    for stream in {s.stream.parameter: s.stream for s in serving if s.stream is not None}.values():
        if stream.parameter not in {*declared, *spec.refuses}:
            yield Parameter(name=stream.parameter, type="integer", minimum=0, maximum=stream.max)


def _uses_size(document: Document, serving: tuple[OperationSpec, ...]) -> bool:
    return any(mentions(document, s, name) for s in serving for name in SIZE_NAMES)


def _widest(alternatives: Iterable[Iterable[Parameter]]) -> Iterable[Parameter]:
    """Return each parameter with its widest range; what an operation takes is checked with its size."""
    widest: dict[str, Parameter] = {}
    for parameter in chain.from_iterable(alternatives):
        other = widest.setdefault(parameter.name, parameter)
        widest[parameter.name] = attrs.evolve(
            other,
            enum=tuple(dict.fromkeys((*other.enum, *parameter.enum)))
            if other.enum and parameter.enum
            else (),
            minimum=_extreme(min, other.minimum, parameter.minimum),
            maximum=_extreme(max, other.maximum, parameter.maximum),
        )
    return widest.values()


def _extreme(choose: Callable[[float, float], float], *bounds: float | None) -> float | None:
    """Return the wider bound; None is wider than any."""
    first, second = bounds
    return None if first is None or second is None else choose(first, second)


def _size_parameters(size: SizeSpec | None, *, any_size: bool) -> Iterator[Parameter]:
    if any_size:
        yield from common(*SIZE_NAMES)
        return
    if size is None or size.kind is SizeKind.FIXED:
        return
    for side in common("width", "height"):
        pixels = size.kind is SizeKind.WXH
        yield attrs.evolve(side, minimum=size.min, maximum=size.max) if pixels else side
    yield from common("size")
    yield attrs.evolve(common("aspect_ratio")[0], enum=size.ratios)
    if size.kind is SizeKind.TIER:
        yield attrs.evolve(common("image_size")[0], enum=size.values)
    elif any(token[:1].isdigit() for token in size.extra):
        yield attrs.evolve(common("image_size")[0], enum=size.extra)


def _operation_parameter(
    document: Document, spec: ModelSpec, operation: Operation, own: OwnParameter
) -> Iterator[Parameter]:
    parameter = common(own.name)[0]
    serving = document.operation_for(operation, spec)
    is_mentioned = serving is not None and mentions(document, serving, own.name)
    if operation is Operation.EDIT and not is_mentioned:
        parameter = attrs.evolve(parameter, enum=(own.implied,))
    if is_mentioned or own.implied is not None:
        yield parameter


def _declared(name: str, spec: ParamSpec) -> Parameter:
    return Parameter(
        name=name,
        type=spec.type if not spec.enum or spec.type != "string" else _type_of(spec),
        enum=spec.enum,
        minimum=spec.min,
        maximum=spec.max,
        multiple_of=spec.multiple_of,
        default=spec.default,
        form_field=_form_field(name, spec),
    )


def _form_field(name: str, spec: ParamSpec) -> FormField:
    """Return what is known of a parameter of this name, with what the document says instead."""
    field = form_field_of(name)
    return FormField(
        label=spec.label or field.label,
        group=spec.group or field.group,
        unit=spec.unit or field.unit,
        description=spec.description or field.description,
        choices={**field.choices, **spec.choices},
    )


def _type_of(spec: ParamSpec) -> str:
    first = spec.enum[0]
    if isinstance(first, bool):
        return "boolean"
    if isinstance(first, int):
        return "integer"
    return "number" if isinstance(first, float) else "string"
