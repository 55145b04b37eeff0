"""What a request asks for that could not be stored: it would be paid for, and refused when it comes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_IMAGE_PIXELS
from imagegen_core.operations import DEFAULT_UPSCALE_FACTOR, UPSCALE_FACTORS
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.requests.input_image import InputImage

_FORMATS = ("png", "jpeg", "jpg", "webp")
_FORMAT_NAMES = frozenset({"format", "mimetype"}) | {
    f"{owner}{kind}"
    for owner in ("output", "image", "file", "outputimage", "outputfile", "responseimage", "samples")
    for kind in ("format", "mimetype", "extension")
}
"""Parameters that choose a file format, without case, hyphens and underscores."""

_VECTOR_MODEL = re.compile(r"(?<![a-z])svg(?![a-z])|recraft.*vector|text-to-vector|vectorize", re.IGNORECASE)
"""Upstream ids of models that make nothing but SVG."""

_VECTOR_STYLE = re.compile(r"vector|icon\b", re.IGNORECASE)
"""Styles that make a model of Recraft's draw SVG: https://www.recraft.ai/docs/api-reference/appendix."""


def format_problems(
    params: Mapping[str, Any], upstream_id: str, choices: Mapping[str, tuple[Any, ...]]
) -> Iterator[Problem]:
    """Yield a problem for each parameter that asks for a format that is not stored, and for such a model.

    Args:
        params: those of a request, which are searched at any depth.
        upstream_id: that of the model.
        choices: what a model lets its parameters be. One that has choices, and no format among them, means
            something else by that name.
    """
    if _VECTOR_MODEL.search(upstream_id):
        yield Problem(field="model_id", reason=ProblemCode.MAKES_ONLY_SVG(model=upstream_id))
    for name, value in params.items():
        if choices.get(name) and not any(_is_stored(choice) for choice in choices[name]):
            continue
        for path, text in _formats(name, value, chooses=False):
            if not _is_stored(text):
                yield Problem(field=f"params.{path}", reason=ProblemCode.NOT_ONE_OF(choices=_FORMATS))
    style = params.get("style")
    if isinstance(style, str) and _VECTOR_STYLE.match(style) and "recraft" in upstream_id.casefold():
        yield Problem(field="params.style", reason=ProblemCode.MAKES_SVG(model=upstream_id))


def check_result_size(params: Mapping[str, Any], width: float, height: float) -> None:
    """Refuse parameters whose images would have so many pixels that none could be stored.

    Raises:
        ValidationFailed: naming the parameters that ask for the size.
    """
    if width * height <= MAX_IMAGE_PIXELS:
        return
    reason = ProblemCode.SIZE_NOT_STORED(
        width=round(width), height=round(height), maximum=MAX_IMAGE_PIXELS // 1_000_000
    )
    fields = [f"params.{name}" for name in ("size", "width", "height") if name in params]
    raise ValidationFailed(*(Problem(field=field, reason=reason) for field in fields or ["params"]))


def check_upscaled(image: InputImage, params: Mapping[str, Any], factor: int | None = None) -> None:
    """Refuse to make an image so large that it could not be stored; ``factor`` if the provider has its own.

    Raises:
        ValidationFailed: naming the factor, or the image where no factor was given.
    """
    if factor is None:
        factor = UPSCALE_FACTORS[params.get("upscale_factor", DEFAULT_UPSCALE_FACTOR)]
    width, height = image.width * factor, image.height * factor
    if width * height > MAX_IMAGE_PIXELS:
        reason = ProblemCode.UPSCALE_NOT_STORED(
            factor=factor, width=width, height=height, maximum=MAX_IMAGE_PIXELS // 1_000_000
        )
        field = "params.upscale_factor" if "upscale_factor" in params else "image"
        raise ValidationFailed.for_field(field, reason)


def _formats(path: str, value: Any, *, chooses: bool) -> Iterator[tuple[str, str]]:
    """Yield the path and value of each text that chooses a format; ``chooses`` if its list does."""
    name = path.rpartition(".")[2]
    chooses = chooses or re.sub("[_-]", "", name).casefold() in _FORMAT_NAMES
    if isinstance(value, str) and chooses:
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _formats(f"{path}.{key}", item, chooses=False)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _formats(f"{path}.{index}", item, chooses=chooses)


def _is_stored(value: Any) -> bool:
    return isinstance(value, str) and value.casefold().removeprefix("image/") in _FORMATS
