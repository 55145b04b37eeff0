"""The route of each request to Stability AI's v2beta API, and the parameters that it takes. Pure.

=============  ==============================================  =======================================
operation      with                                            route
=============  ==============================================  =======================================
generate       the model's family                              generate/{ultra,core,sd3}
reference      ultra or sd3, the image as ``image``          generate/{ultra,sd3}
edit           a mask                                          edit/inpaint
edit           no mask, ``params.search_prompt``               edit/search-and-replace
upscale        ``params.upscale_mode`` left out or ``fast``     upscale/fast, always four times
upscale        ``conservative``, and a prompt                  upscale/conservative
upscale        ``creative``, and a prompt                      upscale/creative (job)
recontext      the prompt as the new background                edit/replace-background-and-relight (job)
=============  ==============================================  =======================================
"""

from collections.abc import Mapping

import attrs

from imagegen_adapters.providers.a1111.requests import StableDiffusionCode
from imagegen_adapters.providers.common.images import check_sides, check_size, check_total_bytes
from imagegen_core.errors import ValidationFailed
from imagegen_core.models import check_upscaled
from imagegen_core.operations import Operation
from imagegen_core.requests import ImageRequest

ASPECT_RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")
MAX_BODY_BYTES = 10 * 1024 * 1024
"""Stability refuses larger bodies."""

DEFAULT_STRENGTH = 0.7
"""How far image-to-image may depart from the image by default: Stability requires a number."""

FAST_FACTOR = 4
"""However many times a fast upscale was to enlarge."""

_ROOT = "/v2beta/stable-image/"
_COMMON_FIELDS = frozenset({"negative_prompt", "seed", "output_format", "style_preset"})
_RELIGHT_FIELDS = frozenset(
    {
        "foreground_prompt",
        "preserve_original_subject",
        "original_background_depth",
        "keep_original_background",
        "light_source_direction",
        "light_source_strength",
    }
)


@attrs.frozen(kw_only=True)
class Route:
    """One endpoint: its path, the parameters that it takes under their own names, whether it starts a job."""

    path: str
    fields: frozenset[str]
    prompt: str | None = "prompt"
    image: str = "image"
    fixed: Mapping[str, str] = attrs.field(factory=dict)
    is_job: bool = False


_GENERATE = {
    "ultra": Route(path=_ROOT + "generate/ultra", fields=_COMMON_FIELDS | {"aspect_ratio"}),
    "core": Route(path=_ROOT + "generate/core", fields=_COMMON_FIELDS | {"aspect_ratio"}),
    "sd3": Route(path=_ROOT + "generate/sd3", fields=_COMMON_FIELDS | {"aspect_ratio", "cfg_scale"}),
}
_REFERENCE = {
    "ultra": Route(path=_ROOT + "generate/ultra", fields=_COMMON_FIELDS | {"strength"}),
    "sd3": Route(path=_ROOT + "generate/sd3", fields=_COMMON_FIELDS | {"cfg_scale", "strength"}),
}
_INPAINT = Route(path=_ROOT + "edit/inpaint", fields=_COMMON_FIELDS | {"grow_mask"})
_REPLACE = Route(
    path=_ROOT + "edit/search-and-replace", fields=_COMMON_FIELDS | {"grow_mask", "search_prompt"}
)
_UPSCALE = {
    "fast": Route(path=_ROOT + "upscale/fast", fields=frozenset({"output_format"}), prompt=None),
    "conservative": Route(
        path=_ROOT + "upscale/conservative",
        fields=frozenset({"negative_prompt", "seed", "output_format", "creativity"}),
    ),
    "creative": Route(path=_ROOT + "upscale/creative", fields=_COMMON_FIELDS | {"creativity"}, is_job=True),
}
_RECONTEXT = Route(
    path=_ROOT + "edit/replace-background-and-relight",
    fields=_RELIGHT_FIELDS | {"negative_prompt", "seed", "output_format"},
    prompt="background_prompt",
    image="subject_image",
    is_job=True,
)
UPSCALE_MODES = tuple(_UPSCALE)


def family(upstream_id: str) -> str:
    """Return which of the three generators serves a model; an unknown id belongs to the SD3 family."""
    return next((name for name in ("ultra", "core") if name in upstream_id), "sd3")


def check(request: ImageRequest, upstream_id: str) -> None:
    """Check a request as far as possible before anything is read or sent.

    Raises:
        ValidationFailed: a parameter is missing, ``size`` is malformed, or the images are too large.
    """
    route(request, upstream_id)
    check_size(request.params)
    check_sides(request.params)
    is_fast = request.params.get("upscale_mode", "fast") == "fast"
    if request.operation is Operation.UPSCALE and request.image is not None and is_fast:
        check_upscaled(request.image, request.params, FAST_FACTOR)
    check_total_bytes(request.named_inputs, MAX_BODY_BYTES)


def route(request: ImageRequest, upstream_id: str) -> Route:
    """Return the endpoint for a request.

    Raises:
        ValidationFailed: the endpoint needs a parameter that is missing.
    """
    if request.operation is Operation.GENERATE:
        return _with_model(_GENERATE[family(upstream_id)], upstream_id)
    if request.operation is Operation.REFERENCE:
        return _reference_route(upstream_id)
    if request.operation is Operation.RECONTEXT:
        return _RECONTEXT
    if request.operation is Operation.UPSCALE:
        return _upscale_route(request)
    if request.mask is None and not request.params.get("search_prompt"):
        raise ValidationFailed.for_field("params.search_prompt", StableDiffusionCode.NOTHING_TO_REPLACE())
    return _REPLACE if request.mask is None else _INPAINT


def _with_model(route: Route, upstream_id: str, **fixed: str) -> Route:
    model = {"model": upstream_id} if route.path.endswith("/sd3") else {}
    return attrs.evolve(route, fixed={**model, **fixed})


def _reference_route(upstream_id: str) -> Route:
    route = _REFERENCE.get(family(upstream_id))
    if route is None:
        raise ValidationFailed.for_field("model_id", StableDiffusionCode.NO_REFERENCES(model=upstream_id))
    strength = {"strength": str(DEFAULT_STRENGTH)}
    mode = {"mode": "image-to-image"} if route.path.endswith("/sd3") else {}
    return _with_model(route, upstream_id, **strength, **mode)


def _upscale_route(request: ImageRequest) -> Route:
    mode = request.params.get("upscale_mode", "fast")
    if mode != "fast" and not request.prompt.strip():
        raise ValidationFailed.for_field("prompt", StableDiffusionCode.PROMPT_NEEDED(mode=mode))
    return _UPSCALE[mode]
