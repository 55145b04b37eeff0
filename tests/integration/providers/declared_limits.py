"""Every limit that a document declares for a model, and which requests are at it and beyond it.

Not limits: what is rounded or replaced by the nearest (multiples, lists of sizes and of shapes), and names.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from imagegen_core.images import MediaType
from imagegen_core.requests import ImageRequest, InputImage, Operation

Measure = Callable[[ImageRequest], list[Any]]

NEARLY = 0.01
"""How far from a bound on areas and shapes the nearest sides may be, as a share of the bound."""

NOT_LIMITS = {"kind", "separator", "default", "map", "multiple_of", "ratios"}
_DIMENSIONS = re.compile(r"(\d+)x(\d+)")


@attrs.frozen(kw_only=True)
class DeclaredLimit:
    """A limit, as ``name`` in the model's document; each request has ``values`` of what it limits, or none.

    ``has_inside`` is false of a parameter that is refused whatever its value, ``has_outside`` of a list of
    all that there is.
    """

    name: str
    values: Callable[[ImageRequest], list[Any]]
    is_at: Callable[[Any], bool] = lambda _: True
    is_beyond: Callable[[Any], bool] = lambda _: True
    has_inside: bool = True
    has_outside: bool = True

    def is_tried(self, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> bool:
        """Return whether there are requests at the limit and beyond it."""
        inside = any(self.is_at(value) for request in accepted for value in self.values(request))
        beyond = any(self.is_beyond(value) for request in refused for value in self.values(request))
        return (inside or not self.has_inside) and (beyond or not self.has_outside)


def declared_limits(model: dict[str, Any]) -> Iterator[DeclaredLimit]:
    """Yield each limit of a model, from the plain values of its document.

    Raises:
        KeyError: it has a limit of an unknown kind.
    """
    takes_images = set(model.get("capabilities", ())) - {"generate"}
    for name, bound in model.get("limits", {}).items():
        if takes_images or name in ("prompt_chars", "n_max"):
            yield from _limits(f"limits.{name}", *_LIMITS[name], bound)
    others = model.get("size_for", {})
    remaining = [operation for operation in Operation if operation not in others]
    for prefix, size, operations in (
        ("size", model.get("size", {}), remaining),
        *((f"size_for.{name}", size, [Operation(name)]) for name, size in others.items()),
    ):
        yield from _size_limits(prefix, size, operations)
    for name, spec in model.get("params", {}).items():
        yield from _parameter_limits(name, spec)
    for name in model.get("refuses", ()):
        yield DeclaredLimit(name=f"refuses.{name}", values=_parameter(name), has_inside=False)


def _least(name: str, values: Measure, bound: float, *, share: float = 0) -> DeclaredLimit:
    return DeclaredLimit(
        name=name,
        values=values,
        is_at=lambda value: bound <= value <= bound * (1 + share),
        is_beyond=lambda value: value < bound,
    )


def _most(name: str, values: Measure, bound: float, *, share: float = 0) -> DeclaredLimit:
    return DeclaredLimit(
        name=name,
        values=values,
        is_at=lambda value: bound * (1 - share) <= value <= bound,
        is_beyond=lambda value: value > bound,
    )


def _one_of(name: str, values: Measure, choices: list[Any]) -> DeclaredLimit:
    return DeclaredLimit(
        name=name,
        values=values,
        is_at=choices.__contains__,
        is_beyond=lambda value: value not in choices,
        has_outside=not set(MediaType) <= set(choices),
    )


def _limits(name: str, kind: str, values: Measure, bound: Any) -> Iterator[DeclaredLimit]:
    share = NEARLY if "px" in name or "pixels" in name else 0
    if kind == "least":
        yield _least(name, values, bound, share=share)
    elif kind == "most":
        yield _most(name, values, bound, share=share)
    elif kind == "one of":
        yield _one_of(name, values, bound)
    else:
        yield _least(f"{name}.0", values, bound[0], share=NEARLY)
        yield _most(f"{name}.1", values, bound[1], share=NEARLY)


def _size_limits(prefix: str, size: dict[str, Any], operations: list[Operation]) -> Iterator[DeclaredLimit]:
    kind = size.get("kind", "wxh")
    for name in set(size) - NOT_LIMITS - (set() if kind == "tier" else {"values"}):
        rule, values = _SIZES[name]
        bound = [text.casefold() for text in size[name]] if rule == "one of" else size[name]
        yield from _limits(f"{prefix}.{name}", rule, _only(operations, values), bound)


def _only(operations: list[Operation], values: Measure) -> Measure:
    return lambda request: values(request) if request.operation in operations else []


def _parameter_limits(name: str, spec: dict[str, Any]) -> Iterator[DeclaredLimit]:
    values = _parameter(name)
    if "enum" in spec:
        yield _one_of(f"params.{name}", values, spec["enum"])
    if "min" in spec:
        yield _least(f"params.{name}.min", values, spec["min"])
    if "max" in spec:
        yield _most(f"params.{name}.max", values, spec["max"])


def _parameter(name: str) -> Measure:
    return lambda request: [request.params[name]] if name in request.params else []


def _inputs(measure: Callable[[InputImage], Any]) -> Measure:
    def values(request: ImageRequest) -> list[Any]:
        own = () if request.image is None else (request.image,)
        return [measure(image) for image in (*request.references, *own)]

    return values


def _dimensions(measure: Callable[[int, int], Any]) -> Measure:
    def values(request: ImageRequest) -> list[Any]:
        match = _DIMENSIONS.fullmatch(str(request.params.get("size")))
        return [] if match is None else [measure(int(match[1]), int(match[2]))]

    return values


def _words(request: ImageRequest) -> list[str]:
    size = request.params.get("size")
    return [] if size is None or _DIMENSIONS.fullmatch(size) else [size.casefold()]


_LIMITS: dict[str, tuple[str, Measure]] = {
    "prompt_chars": ("most", lambda request: [len(request.prompt)]),
    "n_max": ("most", lambda request: [request.num]),
    "refs_max": ("most", lambda request: [len(request.references)]),
    "ref_mimes": ("one of", _inputs(lambda image: str(image.mime_type))),
    "ref_bytes_max": ("most", _inputs(lambda image: image.size_bytes)),
    "total_bytes_max": ("most", lambda request: [sum(i.size_bytes for _, i in request.named_inputs)]),
    "min_px": ("least", _inputs(lambda image: image.width * image.height)),
    "max_px": ("most", _inputs(lambda image: image.width * image.height)),
    "side_min": ("least", _inputs(lambda image: min(image.width, image.height))),
    "side_max": ("most", _inputs(lambda image: max(image.width, image.height))),
    "ratio": ("range", _inputs(lambda image: image.width / image.height)),
}
_SIZES: dict[str, tuple[str, Measure]] = {
    "min": ("least", _dimensions(min)),
    "max": ("most", _dimensions(max)),
    "min_pixels": ("least", _dimensions(lambda width, height: width * height)),
    "max_pixels": ("most", _dimensions(lambda width, height: width * height)),
    "ratio": ("range", _dimensions(lambda width, height: width / height)),
    "extra": ("one of", _words),
    "values": ("one of", _words),
}
