"""The models of a document in the core's terms: what each can do, which parameters it takes, which sizes."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, compress

import attrs

from imagegen_adapters.providers.common.calls import facts_of, two_part_key_problem
from imagegen_adapters.providers.document.expressions import DocumentCode
from imagegen_adapters.providers.document.operations import OAUTH, OperationSpec
from imagegen_adapters.providers.document.schema import Document, ModelSpec, ParamSpec, SizeKind, SizeSpec
from imagegen_adapters.providers.document.sending import KEY_FORM, key_hosts
from imagegen_adapters.providers.document.sizes import size_presets_of
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import SIZE_NAMES, form_field_of
from imagegen_core.limits import MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES
from imagegen_core.models import Lifecycle, Model, Parameter, ProviderProfile, common
from imagegen_core.requests import Operation

UNNAMED_MODEL = "default"  # the id of the only model of a provider whose requests name none


def profile_of(document: Document, config: ProviderConfig) -> ProviderProfile:
    has_login, signer = document.auth.type == OAUTH, document.auth.signing
    key_form = KEY_FORM if has_login else None if signer is None else signer.key_form
    return attrs.evolve(
        _profile(document, config.models),
        key_hosts=key_hosts(document, config.api_base or document.base_url),
        key_problem=None if key_form is None else two_part_key_problem(config, key_form),
        key_url=document.auth.token_url if has_login else None,
    )


@lru_cache(maxsize=64)
def _profile(document: Document, models: tuple[ModelEntry, ...] | None) -> ProviderProfile:
    entries = models or tuple(ModelEntry(id=m.id, name=m.name, default=m.default) for m in document.models)
    if not entries and not any(document.mentions(o, "model") for o in document.operations.values()):
        entries = (ModelEntry(id=UNNAMED_MODEL, default=True),)
    return ProviderProfile(
        models=tuple(_model(document, entry, position) for position, entry in enumerate(entries)),
        display_name=document.name,
        default_api_base=document.base_url,
        default_timeout=document.timeout_s,
        needs_api_base=document.base_url is None,
        needs_api_key=document.auth.type != "none" and not document.auth.optional,
        max_concurrency=document.concurrency,
        billed=document.billed,
    )


def _model(document: Document, entry: ModelEntry, position: int) -> Model:
    spec = document.model(entry.id)
    calls: dict[Operation, OperationSpec] = {}
    for operation in spec.capabilities if entry.capabilities is None else entry.capabilities:
        call = document.operation_for(operation, spec)
        if call is None:
            field = f"models.{position}.capabilities"
            raise ValidationFailed.for_field(field, DocumentCode.NO_OPERATION_FOR(operation=operation))
        calls[operation] = call
    uses_size = any(document.mentions(call, name) for call in calls.values() for name in SIZE_NAMES)
    is_listed = spec in document.models
    lifecycle = Lifecycle(retires=spec.retires, replaced_by=spec.replaced_by)
    return Model(
        id=entry.id,
        name=entry.name or spec.name,
        default=entry.default,
        remote_id=spec.remote_id,
        operations=tuple(calls),
        parameters=tuple(_parameters(document, spec, calls, uses_size=uses_size)),
        form=document.form,
        sizes=size_presets_of(spec) if spec.size or uses_size else (),
        accepts_extras=document.passes_extras(spec),
        max_num=min(MAX_NUM, spec.limits.n_max),
        max_references=min(MAX_REFERENCES, spec.limits.refs_max),
        prompt_chars=min(MAX_PROMPT_CHARS, spec.limits.prompt_chars),
        default_size=None if spec.size is None else spec.size.default,
        lifecycle=lifecycle if is_listed else facts_of(spec.id, provider=document.id).lifecycle,
        price=spec.price,
        sources=(*spec.sources, *document.sources) if is_listed else (),
    )


def _parameters(
    document: Document, spec: ModelSpec, calls: Mapping[Operation, OperationSpec], *, uses_size: bool
) -> Iterator[Parameter]:
    """Yield the declared parameters, and the common ones that the templates mention."""
    declared = {name: _declared(name, p) for name, p in spec.params.items()}
    excluded = {*declared, *spec.refuses}
    yield from common("num")
    for name in ("seed", "negative_prompt", "steps", "cfg_scale"):
        if name not in excluded and any(document.mentions(call, name) for call in calls.values()):
            yield from common(name)
    any_size = spec.size is None and uses_size
    sizes = common(*SIZE_NAMES) if any_size else _size_parameters(spec.size, *spec.size_for.values())
    yield from (parameter for parameter in sizes if parameter.name not in excluded)
    for operation in Operation:
        own = operation.rules.own
        if own is not None and operation in calls and own.name not in declared:
            is_mentioned = document.mentions(calls[operation], own.name)
            (parameter,) = common(own.name)
            if operation is Operation.EDIT and not is_mentioned:
                parameter = attrs.evolve(parameter, enum=(own.implied,))
            if is_mentioned or own.implied is not None:
                yield parameter
    yield from declared.values()
    for stream in {s.stream.parameter: s.stream for s in calls.values() if s.stream is not None}.values():
        if stream.parameter not in excluded:
            yield Parameter(name=stream.parameter, type="integer", minimum=0, maximum=stream.max)


def _size_parameters(*alternatives: SizeSpec | None) -> Iterator[Parameter]:
    """Yield each with its widest range; what an operation takes is checked with its own size."""
    sizes = [size for size in alternatives if size is not None and size.kind is not SizeKind.FIXED]
    if not sizes:
        return
    smallest, largest = min(size.min for size in sizes), max(size.max for size in sizes)
    in_pixels = all(size.kind is SizeKind.WXH for size in sizes)
    for side in common("width", "height"):
        yield attrs.evolve(side, minimum=smallest, maximum=largest) if in_pixels else side
    yield from common("size")
    yield attrs.evolve(common("aspect_ratio")[0], enum=_union([size.ratios for size in sizes]))
    resolutions = [size.values if size.kind is SizeKind.TIER else size.extra for size in sizes]
    has_tiers = [size.kind is SizeKind.TIER or any(w[:1].isdigit() for w in size.extra) for size in sizes]
    if any(has_tiers):
        yield attrs.evolve(common("image_size")[0], enum=_union([*compress(resolutions, has_tiers)]))


def _union(choices: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all choices; none, which means any, if one of them is."""
    return tuple(dict.fromkeys(chain.from_iterable(choices))) if all(choices) else ()


def _declared(name: str, spec: ParamSpec) -> Parameter:
    """Return a declared parameter; a known one of its name adds what the document does not say for a form."""
    of_value: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number"}
    is_typed = spec.type != "string" or not spec.enum
    field, names = form_field_of(name), ("label", "group", "unit", "description")
    own = {each: value for each in names if (value := getattr(spec, each)) is not None}
    return Parameter(
        name=name,
        type=spec.type if is_typed else of_value.get(type(spec.enum[0]), "string"),
        enum=spec.enum,
        minimum=spec.min,
        maximum=spec.max,
        multiple_of=spec.multiple_of,
        default=spec.default,
        form_field=attrs.evolve(field, **own, choices={**field.choices, **spec.choices}),
    )
