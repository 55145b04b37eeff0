"""The sizes that a form offers for a model of a document."""

import math
from collections.abc import Iterator, Mapping

import attrs

from imagegen_adapters.providers.http import sizes
from imagegen_adapters.providers.http.schema.model import ModelSpec
from imagegen_adapters.providers.http.schema.size import SizeKind, SizeSpec
from imagegen_core.errors import ValidationFailed
from imagegen_core.providers.size_presets import (
    STANDARD_RATIOS,
    STANDARD_RESOLUTIONS,
    SizePreset,
    framed,
    generic,
    in_pixels,
    labelled,
)

_SHAPES = (*STANDARD_RATIOS, "5:4", "4:5", "7:5", "5:7", "16:10", "10:16", "2:1", "1:2", "9:21", "3:1", "1:3")
_MAX_SHAPE_DIFFERENCE = 0.035
_RESOLUTIONS: Mapping[str, int] = {**STANDARD_RESOLUTIONS, "1.5K": 1536, "3K": 3072}


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
    if spec.kind is SizeKind.WXH:
        return (*in_pixels(_Fitting(spec=spec), _resolutions(spec)), *map(_word, spec.extra))
    if spec.kind is SizeKind.ENUM:
        return (*labelled(map(_listed, spec.values)), *map(_word, spec.extra))
    if spec.kind is SizeKind.ASPECT_RATIO:
        return (*framed(spec.values), *map(_word, spec.extra))
    return tuple(_tiers(spec)) if spec.kind is SizeKind.TIER else ()


def _tiers(spec: SizeSpec) -> Iterator[SizePreset]:
    if spec.ratios:
        yield from framed(spec.ratios, spec.values)
        return
    for value in spec.values:
        yield SizePreset(label=value, resolution=value, params={"image_size": value})


def _word(word: str) -> SizePreset:
    """Return a size that the provider has a word for; the shape is the model's choice."""
    resolution = word if word[:1].isdigit() else None
    return SizePreset(label=word, resolution=resolution, params={"size": word})


def _listed(value: str) -> SizePreset:
    dimensions = sizes.numbers_of(value)
    if dimensions is None:
        return SizePreset(label=value, params={"size": value})
    width, height = dimensions
    side = math.sqrt(width * height)
    resolution = min(STANDARD_RESOLUTIONS, key=lambda name: abs(STANDARD_RESOLUTIONS[name] - side))
    return SizePreset(
        label=f"{width}x{height}",
        ratio=_shape(width / height),
        resolution=resolution,
        width=width,
        height=height,
        params={"size": value},
    )


def _shape(ratio: float) -> str | None:
    nearest = min(_SHAPES, key=lambda shape: abs(math.log(_quotient(shape) / ratio)))
    return nearest if abs(math.log(_quotient(nearest) / ratio)) <= _MAX_SHAPE_DIFFERENCE else None


def _quotient(shape: str) -> float:
    across, down = shape.split(":")
    return int(across) / int(down)


def _resolutions(spec: SizeSpec) -> Mapping[str, int]:
    """Return the standard resolutions whose square the model makes; 512 only where 1K is too much."""
    names = (*STANDARD_RESOLUTIONS, *(word for word in spec.extra if word in _RESOLUTIONS))
    fitting = {
        name: _RESOLUTIONS[name]
        for name in sorted({*names}, key=_RESOLUTIONS.__getitem__)
        if _Fitting(spec=spec)(1.0, _RESOLUTIONS[name]) == (_RESOLUTIONS[name],) * 2
    }
    larger = {name: side for name, side in fitting.items() if name != "512"}
    return larger or fitting


@attrs.frozen(kw_only=True)
class _Fitting:
    """Gives the sides of a shape with about as many pixels as a square, moved into the model's bounds."""

    spec: SizeSpec

    def __call__(self, ratio: float, side: int) -> tuple[int, int] | None:
        spec = self.spec
        width, height = side * math.sqrt(ratio), side / math.sqrt(ratio)
        scale = min(1.0, spec.max / max(width, height))
        scale *= max(1.0, spec.min / (min(width, height) * scale))
        area = (side * scale) ** 2
        sides = sizes.sides_of(ratio, spec, area=area)
        try:
            exact = sizes.size_for_upstream({"size": f"{sides[0]}x{sides[1]}"}, spec)
        except ValidationFailed:
            return None
        return sides if exact.note is None else None
