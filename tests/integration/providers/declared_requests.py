"""Requests at and beyond the limits that a document declares for a model, made from its plain values."""

import math
from collections.abc import Iterator
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import COMMON_TYPES
from imagegen_core.requests import RANDOM_SEED, ImageRequest, InputImage, Operation
from tests.contracts.provider import MemoryExchange, image_file, request_for

TIERS = ("1K", "1.5K", "2K", "3K", "4K")
_SIDE = 300
"""Each provider takes references of such sides."""

_NO_CHOICE = "other"
_OPERATIONS = {"strength": Operation.REFERENCE}
"""Parameters that belong to one operation only."""


@attrs.frozen(kw_only=True)
class Tries:
    """Requests on both sides of the limit of this name."""

    name: str
    accepted: tuple[ImageRequest, ...] = ()
    refused: tuple[ImageRequest, ...]


class WholeExchange(MemoryExchange):
    """Gives a large input image in one piece."""

    async def input_chunks(self, image: InputImage):
        yield await self.read_input(image)


def tries_of(model: dict[str, Any]) -> Iterator[Tries]:
    """Yield requests for the limits that need nothing but their own bounds."""
    operations = [Operation(name) for name in model.get("capabilities", ["generate"])]
    usual = Operation.GENERATE if Operation.GENERATE in operations else Operation.EDIT
    limits = model.get("limits", {})
    if "prompt_chars" in limits:
        yield _prompts(limits["prompt_chars"], usual)
    if "n_max" in limits:
        most = limits["n_max"]
        yield _parameter("limits.n_max", usual, "num", accepted=(most,), refused=(most + 1,))
    if Operation.REFERENCE in operations:
        yield from _references(limits)
    for name, spec in model.get("params", {}).items():
        yield from _parameters(name, spec, _OPERATIONS.get(name, usual))
    size, others = model.get("size", {}), model.get("size_for", {})
    yield from _sizes("size", size, Operation.REFERENCE if "generate" in others else usual)
    for operation, spec in others.items():
        yield from _sizes(f"size_for.{operation}", spec, Operation(operation))


def drawn(width: int, height: int, *, mime_type: str = "image/png", size_bytes: int = 150_000) -> InputImage:
    """Return a reference of these properties; `exchange_for` has its file."""
    key = f"{mime_type} {width}x{height} {size_bytes}"
    return InputImage(
        key=key, mime_type=mime_type, width=width, height=height, size_bytes=size_bytes, sha256="0" * 64
    )


def referring_to_drawn(*images: InputImage) -> tuple[ImageRequest, ...]:
    """Return a request for each image as the only reference."""
    request = request_for(Operation.REFERENCE)
    return tuple(attrs.evolve(request, references=(image,)) for image in images)


def exchange_for(request: ImageRequest, files: dict[str, bytes]) -> WholeExchange:
    """Return an exchange with these files, and with one for each image that was only described so far."""
    missing = [image for image in request.references if image.key not in files]
    return WholeExchange(files | {image.key: _file_of(image) for image in missing})


def _file_of(image: InputImage) -> bytes:
    """Return a file whose end is nothing but zeros, which readers of images ignore."""
    encoding = image.mime_type.removeprefix("image/").upper()
    data = image_file("white", (image.width, image.height), "L", encoding)
    assert len(data) <= image.size_bytes
    return data.ljust(image.size_bytes, b"\0")


def _prompts(most: int, operation: Operation) -> Tries:
    below, at, above = (
        attrs.evolve(request_for(operation), prompt="猫" * length) for length in (most - 1, most, most + 1)
    )
    return Tries(name="limits.prompt_chars", accepted=(below, at), refused=(above,))


def _references(limits: dict[str, Any]) -> Iterator[Tries]:
    request = request_for(Operation.REFERENCE)
    if "refs_max" in limits:
        at, above = (
            attrs.evolve(request, references=(drawn(_SIDE, _SIDE),) * (limits["refs_max"] + more))
            for more in (0, 1)
        )
        yield Tries(name="limits.refs_max", accepted=(at,), refused=(above,))
    for name, accepted, refused in _image_limits(limits):
        yield Tries(
            name=f"limits.{name}",
            accepted=referring_to_drawn(*accepted),
            refused=referring_to_drawn(*refused),
        )


def _image_limits(limits: dict[str, Any]) -> Iterator[tuple[str, list[InputImage], list[InputImage]]]:
    if "ref_mimes" in limits:
        common = [str(media_type) for media_type in COMMON_TYPES if media_type not in limits["ref_mimes"]]
        others = common or ["image/gif"]
        accepted, refused = (
            [drawn(_SIDE, _SIDE, mime_type=mime_type) for mime_type in mime_types]
            for mime_types in (limits["ref_mimes"], others)
        )
        yield "ref_mimes", accepted, refused
    if "ref_bytes_max" in limits:
        most = limits["ref_bytes_max"]
        at, above = (drawn(_SIDE, _SIDE, size_bytes=size_bytes) for size_bytes in (most, most + 1))
        yield "ref_bytes_max", [drawn(_SIDE, _SIDE), at], [above]
    for name, step in (("min_px", -1), ("max_px", 1)):
        if name in limits:
            side = math.isqrt(limits[name])
            accepted = [drawn(side, side - step), drawn(side, side)]
            yield name, accepted, [drawn(side + step, side)]


def _parameters(name: str, spec: dict[str, Any], operation: Operation) -> Iterator[Tries]:
    if "enum" in spec:
        choices = tuple(spec["enum"])
        yield _parameter(f"params.{name}", operation, name, accepted=choices, refused=(_NO_CHOICE,))
    step = 1 if spec.get("type") == "integer" else 0.1
    for edge, sign in (("min", -1), ("max", 1)):
        if edge in spec:
            bound = spec[edge]
            beyond = _next(bound, sign * step)
            beyond = beyond - 1 if (name, beyond) == ("seed", RANDOM_SEED) else beyond
            accepted = (bound, _next(bound, -sign * step))
            yield _parameter(f"params.{name}.{edge}", operation, name, accepted=accepted, refused=(beyond,))


def _next(number: float, step: float) -> float:
    """Return a number beside it, without the dust of floating point."""
    return round(number + step, 3)


def _parameter(
    label: str, operation: Operation, name: str, *, accepted: tuple[Any, ...], refused: tuple[Any, ...]
) -> Tries:
    return Tries(
        name=label,
        accepted=tuple(request_for(operation, **{name: value}) for value in accepted),
        refused=tuple(request_for(operation, **{name: value}) for value in refused),
    )


def _sizes(name: str, size: dict[str, Any], operation: Operation) -> Iterator[Tries]:
    words = size.get("values", []) if size.get("kind") == "tier" else size.get("extra", [])
    if words:
        other = next(tier for tier in TIERS if tier.casefold() not in {word.casefold() for word in words})
        yield _parameter(f"{name}.words", operation, "size", accepted=tuple(words), refused=(other,))
    if "ratio" in size:
        accepted, refused = _shapes(size)
        yield _parameter(f"{name}.ratio", operation, "size", accepted=accepted, refused=refused)


def _shapes(size: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return sizes at and beyond both bounds of the shape; both are the same, as high or as wide."""
    step, ratio = size.get("multiple_of", 1), int(size["ratio"][1])
    height = math.ceil(math.sqrt(size.get("min_pixels", 1_000_000) / ratio) / step) * step
    sides = [(ratio * height, height), (ratio * height + step, height)]
    at, beyond = ((f"{width}x{height}", f"{height}x{width}") for width, height in sides)
    return at, beyond
