"""The parameters of a document's model, for forms and checks."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import attrs

from imagegen_adapters.providers.http.mentions import mentions, mentions_size
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.model import ModelSpec, ParamSpec
from imagegen_adapters.providers.http.schema.operation import OperationSpec
from imagegen_adapters.providers.http.schema.size import SizeKind, SizeSpec
from imagegen_core.operations import Operation, OwnParameter
from imagegen_core.providers.capabilities import Parameter
from imagegen_core.providers.form_fields import FormField
from imagegen_core.providers.known_fields import form_field_of
from imagegen_core.providers.parameters import common
from imagegen_core.providers.size_presets import SIZE_NAMES


def parameters_of(
    document: Document,
    spec: ModelSpec,
    operations: tuple[Operation, ...],
    serving: tuple[OperationSpec, ...],
) -> Iterator[Parameter]:
    """Yield what a model takes: what is declared, and what its templates mention of what all know.

    ``operations`` are those that it can do, ``serving`` the calls that do them.
    """
    yield from common("num")
    declared = {name: _declared(name, p) for name, p in spec.params.items()}
    for name in ("seed", "negative_prompt", "steps", "cfg_scale"):
        if name not in {*declared, *spec.refuses} and any(mentions(document, s, name) for s in serving):
            yield from common(name)
    any_size = spec.size is None and mentions_size(document, serving)
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
