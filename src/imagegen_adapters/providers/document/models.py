"""The models of a document in the core's terms: what each can do, which parameters it takes, which sizes."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain, compress
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import facts_of
from imagegen_adapters.providers.common.images import check_sides, quotient
from imagegen_adapters.providers.document.expressions import DocumentCode
from imagegen_adapters.providers.document.operations import OperationSpec
from imagegen_adapters.providers.document.schema import Document, ModelSpec, ParamSpec, SizeSpec
from imagegen_core.config import ModelEntry
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import (
    SIZE_NAMES,
    STANDARD_RATIOS,
    STANDARD_RESOLUTIONS,
    SizePreset,
    form_field_of,
    framed,
    generic,
    in_pixels,
    labelled,
)
from imagegen_core.limits import MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES
from imagegen_core.messages import Message, Problem
from imagegen_core.models import Lifecycle, Model, Parameter, ProviderProfile, common
from imagegen_core.requests import Operation, dimensions_of, parse_size

_RATIO = re.compile(r"(\d{1,5}(?:\.\d+)?)\s*:\s*(\d{1,5}(?:\.\d+)?)")
_NUMBERS = re.compile(r"(\d{1,5})\D(\d{1,5})")
_RESOLUTIONS: Mapping[str, int] = {**STANDARD_RESOLUTIONS, "1.5K": 1536, "3K": 3072}
_TIER_SIDES = {**_RESOLUTIONS, "0.5K": 512, "768SQ": 768}
_SHAPES = (*STANDARD_RATIOS, "5:4", "4:5", "7:5", "5:7", "16:10", "10:16", "2:1", "1:2", "9:21", "3:1", "1:3")
_MAX_NAMED_DIFFERENCE = 0.035
_MAX_SHAPE_DIFFERENCE = 0.02
_SIDE_MULTIPLE_PIXELS = 8  # of sides for a ratio, unless the model needs a larger one
UNNAMED_MODEL = "default"  # the id of the only model of a provider whose requests name none


@lru_cache(maxsize=64)
def profile_of(document: Document, models: tuple[ModelEntry, ...] | None) -> ProviderProfile:
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
        takes_mask=Operation.EDIT in calls and document.mentions(calls[Operation.EDIT], "mask"),
        max_num=min(MAX_NUM, spec.limits.n_max),
        max_references=min(MAX_REFERENCES, spec.limits.refs_max),
        prompt_chars=min(MAX_PROMPT_CHARS, spec.limits.prompt_chars),
        default_size=None if spec.size is None else spec.size.default,
        lifecycle=lifecycle if is_listed else facts_of(spec.id, provider=document.id).lifecycle,
        price=spec.price,
        batch_factor=None if spec.batch_factor is None else Decimal(str(spec.batch_factor)),
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
    sizes = [size for size in alternatives if size is not None and size.kind != "fixed"]
    if not sizes:
        return
    smallest, largest = min(size.min for size in sizes), max(size.max for size in sizes)
    in_pixels = all(size.kind == "wxh" for size in sizes)
    for side in common("width", "height"):
        yield attrs.evolve(side, minimum=smallest, maximum=largest) if in_pixels else side
    yield from common("size")
    yield attrs.evolve(common("aspect_ratio")[0], enum=_union([size.ratios for size in sizes]))
    resolutions = [size.values if size.kind == "tier" else size.extra for size in sizes]
    has_tiers = [size.kind == "tier" or any(w[:1].isdigit() for w in size.extra) for size in sizes]
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


# A requested size, converted to one that the model accepts


@attrs.frozen(kw_only=True)
class UpstreamSize:
    """The size in the model's terms; what does not apply is None. ``note`` tells the caller of a change."""

    size: str | None = None
    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    note: Message | None = None


def size_for_upstream(params: Mapping[str, Any], spec: SizeSpec | None) -> UpstreamSize:
    """Return the nearest size that the model accepts; a refusal names the parameters that requested it."""
    dimensions, aspect_ratio = dimensions_of(params), params.get("aspect_ratio")
    if spec is None:
        width, height = dimensions or (None, None)
        size = params.get("size") or (_text(dimensions) if dimensions else None)
        return UpstreamSize(size=size, width=width, height=height, aspect_ratio=aspect_ratio)
    text = str(params.get("size") or params.get("image_size") or "")
    if (token := _spelled(text, (*spec.extra, *spec.map))) is not None:
        return UpstreamSize(size=spec.map.get(token, token))
    if spec.kind == "fixed":
        return UpstreamSize(size=spec.default)
    check_sides(params)
    is_tier = spec.kind == "tier"
    exact = _spelled(text, spec.values) if is_tier or text in spec.values else None
    ratio = _ratio(aspect_ratio or params.get("size"))
    if dimensions is not None:
        ratio = dimensions[0] / dimensions[1]
    elif text and exact is None:
        is_shape = text.casefold() == "auto" or (ratio is not None and not params.get("image_size"))
        if is_tier or not is_shape:
            raise _invalid_size(params, ("size", "image_size"), _no_such_size(text, spec))
    if is_tier:
        return _tier(aspect_ratio, spec, exact, dimensions)
    if spec.kind == "wxh":
        return _pixels(params, spec, dimensions, ratio)
    return _nearest_value(spec, dimensions, ratio, exact or aspect_ratio)


def _spelled(text: str, values: Iterable[str]) -> str | None:
    return next((value for value in values if value.casefold() == text.casefold()), None)


def _ratio(text: object) -> float | None:
    match = _RATIO.fullmatch(text.strip()) if isinstance(text, str) else None
    width, height = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    return width / height if width and height else None


def _pixels(
    params: Mapping[str, Any], spec: SizeSpec, dimensions: tuple[int, int] | None, ratio: float | None
) -> UpstreamSize:
    note = None
    if dimensions is not None:
        grain = spec.multiple_of
        width, height = (max(grain, _half_up(side / grain) * grain) for side in dimensions)
        if (width, height) != dimensions:
            note = DocumentCode.DOCUMENT_RESIZED(requested=_text(dimensions), size=_text((width, height)))
    elif ratio is not None:
        width, height = _sides(ratio, spec, area=_area(spec))
    else:
        return _upstream_size(spec.default, spec)
    size = _text((width, height))
    low, high = spec.ratio or (0.0, math.inf)
    if not all(spec.min <= side <= spec.max for side in (width, height)):
        reason = DocumentCode.SIZE_SIDES(size=size, minimum=spec.min, maximum=spec.max)
    elif not spec.min_pixels <= width * height <= spec.max_pixels:
        reason = DocumentCode.SIZE_PIXELS(size=size, minimum=spec.min_pixels, maximum=spec.max_pixels)
    elif not low <= width / height <= high:
        reason = DocumentCode.SIZE_SHAPE(size=size, minimum=low, maximum=high)
    else:
        return _upstream_size(f"{width}{spec.separator}{height}", spec, note)
    raise _invalid_size(params, SIZE_NAMES, reason)


def _sides(ratio: float, spec: SizeSpec, *, area: float) -> tuple[int, int]:
    """Return the nearest multiples for a ratio, or the next ones within the bounds of pixels."""
    grain = max(spec.multiple_of, _SIDE_MULTIPLE_PIXELS)
    exact = (math.sqrt(area * ratio) / grain, math.sqrt(area / ratio) / grain)
    for rounded in (_half_up, math.floor, math.ceil):
        sides = (max(1, rounded(exact[0])) * grain, max(1, rounded(exact[1])) * grain)
        if spec.min_pixels <= sides[0] * sides[1] <= spec.max_pixels:
            break
    return sides


def _half_up(number: float) -> int:
    return int(number + 0.5)


def _area(spec: SizeSpec) -> int:
    width, height = _numbers(spec.default) or (1024, 1024)
    return min(max(width * height, spec.min_pixels), spec.max_pixels)


def _nearest_value(
    spec: SizeSpec, dimensions: tuple[int, int] | None, ratio: float | None, exact: object
) -> UpstreamSize:
    if isinstance(exact, str) and exact in spec.values:
        return _upstream_size(exact, spec)
    if ratio is None:
        return _upstream_size(spec.default, spec)
    area = dimensions[0] * dimensions[1] if dimensions else _area(spec)
    nearest = min(spec.values, key=lambda value: _distance(value, ratio, area))
    shape, area_difference = _distance(nearest, ratio, area)
    note = None
    if shape > _MAX_SHAPE_DIFFERENCE or (dimensions is not None and area_difference > 0):
        requested = _text(dimensions) if dimensions else str(exact)
        note = DocumentCode.DOCUMENT_NEAREST_SIZE(requested=requested, size=nearest)
    return _upstream_size(nearest, spec, note)


def _distance(value: str, ratio: float, area: int) -> tuple[float, float]:
    """Return the differences in shape and in area, to sort by shape first."""
    numbers = None if _ratio(value) else _numbers(value)
    shape = _ratio(value) or (numbers[0] / numbers[1] if numbers else 1.0)
    size = abs(math.log(numbers[0] * numbers[1] / area)) if numbers else 0.0
    return round(abs(math.log(shape / ratio)), 2), size


def _tier(
    ratio: str | None, spec: SizeSpec, exact: str | None, dimensions: tuple[int, int] | None
) -> UpstreamSize:
    if exact is not None or dimensions is None:
        return UpstreamSize(size=exact or spec.default, aspect_ratio=ratio)
    side, shape = math.sqrt(dimensions[0] * dimensions[1]), dimensions[0] / dimensions[1]
    tier = min(spec.values, key=lambda v: abs(_TIER_SIDES.get(v.upper(), 1024) - side))
    shapes = {each: value for each in spec.ratios if (value := _ratio(each)) is not None}
    ratio = ratio or min(shapes, key=lambda each: abs(math.log(shapes[each] / shape)), default=None)
    size = tier if ratio is None else f"{tier} {ratio}"
    note = DocumentCode.DOCUMENT_RESIZED(requested=_text(dimensions), size=size)
    return UpstreamSize(size=tier, aspect_ratio=ratio, note=note)


def _upstream_size(value: str | None, spec: SizeSpec, note: Message | None = None) -> UpstreamSize:
    """Return a listed value, or a size in pixels, in all its forms."""
    size = None if value is None else spec.map.get(value, value)
    if spec.kind == "aspect_ratio":
        return UpstreamSize(aspect_ratio=size, size=size, note=note)
    width, height = _numbers(size) or (None, None)
    return UpstreamSize(size=size, width=width, height=height, note=note)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _numbers(text: str | None) -> tuple[int, int] | None:
    """Return width and height of a size, whatever stands between them; None for a word."""
    match = _NUMBERS.fullmatch(text) if text else None
    return (int(match[1]), int(match[2])) if match else parse_size(text)


def _no_such_size(size: str, spec: SizeSpec) -> Message:
    if sizes := (*spec.values, *spec.extra):
        return DocumentCode.NO_SUCH_SIZE(size=size, known=sizes)
    return DocumentCode.SIZE_IN_PIXELS(size=size)


def _invalid_size(params: Mapping[str, Any], names: Iterable[str], reason: Message) -> ValidationFailed:
    parameters = (name for name in names if params.get(name) is not None)
    return ValidationFailed(*(Problem(field=f"params.{name}", reason=reason) for name in parameters))


# What a form offers


def size_presets_of(model: ModelSpec) -> tuple[SizePreset, ...]:
    """Return the sizes that the model makes; those of most models where nothing is known."""
    if not model.size_for:
        return _presets(model.size)
    presets: dict[tuple[tuple[str, str], ...], SizePreset] = {}
    for operation in model.capabilities:
        for preset in _presets(model.size_of(operation)):
            key = tuple(preset.params.items())
            other = presets.setdefault(key, preset)
            presets[key] = attrs.evolve(other, operations=(*other.operations, operation))
    everywhere = set(model.capabilities)
    return labelled(
        attrs.evolve(preset, operations=()) if {*preset.operations} == everywhere else preset
        for preset in presets.values()
    )


def _presets(spec: SizeSpec | None) -> tuple[SizePreset, ...]:
    if spec is None:
        return generic()
    if spec.kind == "fixed":
        return ()
    if spec.kind == "tier" and spec.ratios:
        return tuple(framed(spec.ratios, spec.values))
    if spec.kind == "tier":
        return tuple(SizePreset(label=v, resolution=v, params={"image_size": v}) for v in spec.values)
    if spec.kind == "wxh":
        presets = in_pixels(partial(_fitting_sides, spec), _resolutions(spec))
    elif spec.kind == "enum":
        presets = labelled(map(_listed_preset, spec.values))
    else:
        presets = framed(spec.values)
    # Sizes that the provider has a word for, whose shape is the model's choice.
    words = ((word, word if word[:1].isdigit() else None) for word in spec.extra)
    return (*presets, *(SizePreset(label=w, resolution=r, params={"size": w}) for w, r in words))


def _listed_preset(value: str) -> SizePreset:
    dimensions = _numbers(value)
    if dimensions is None:
        return SizePreset(label=value, params={"size": value})
    width, height = dimensions
    side = math.sqrt(width * height)
    differences = {shape: abs(math.log(quotient(shape) * height / width)) for shape in _SHAPES}
    nearest = min(differences, key=differences.__getitem__)
    return SizePreset(
        label=_text(dimensions),
        ratio=nearest if differences[nearest] <= _MAX_NAMED_DIFFERENCE else None,
        resolution=min(STANDARD_RESOLUTIONS, key=lambda name: abs(STANDARD_RESOLUTIONS[name] - side)),
        width=width,
        height=height,
        params={"size": value},
    )


def _resolutions(spec: SizeSpec) -> Mapping[str, int]:
    """Return the standard resolutions whose square the model makes; 512 only where 1K is too much."""
    names = {*STANDARD_RESOLUTIONS, *(word for word in spec.extra if word in _RESOLUTIONS)}
    sides = {name: _RESOLUTIONS[name] for name in sorted(names, key=_RESOLUTIONS.__getitem__)}
    fitting = {name: side for name, side in sides.items() if _fitting_sides(spec, 1.0, side) == (side, side)}
    return {name: side for name, side in fitting.items() if name != "512"} or fitting


def _fitting_sides(spec: SizeSpec, ratio: float, side: int) -> tuple[int, int] | None:
    """Return the sides of a shape with about as many pixels as a square, moved into the model's bounds."""
    width, height = side * math.sqrt(ratio), side / math.sqrt(ratio)
    scale = min(1.0, spec.max / max(width, height))
    scale *= max(1.0, spec.min / (min(width, height) * scale))
    sides = _sides(ratio, spec, area=(side * scale) ** 2)
    try:
        exact = size_for_upstream({"size": _text(sides)}, spec)
    except ValidationFailed:
        return None
    return sides if exact.note is None else None
