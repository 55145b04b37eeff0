"""What Stability AI's v2beta API offers: its models, and the route and the form of each request. Pure.

=============  ==============================================  =======================================
operation      with                                            route
=============  ==============================================  =======================================
generate       the model's family                              generate/{ultra,core,sd3}
reference      ultra or sd3, the image as ``image``            generate/{ultra,sd3}
edit           a mask                                          edit/inpaint
edit           no mask, ``params.search_prompt``               edit/search-and-replace
upscale        ``params.upscale_mode`` left out or ``fast``    upscale/fast, always four times
upscale        ``conservative``, and a prompt                  upscale/conservative
upscale        ``creative``, and a prompt                      upscale/creative (job)
recontext      the prompt as the new background                edit/replace-background-and-relight (job)
=============  ==============================================  =======================================
"""

from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.a1111.requests import StableDiffusionCode
from imagegen_adapters.providers.common.catalogue import facts_of
from imagegen_adapters.providers.common.images import (
    check_sides,
    check_size,
    check_total_bytes,
    nearest_ratio,
)
from imagegen_core.config import ModelEntry
from imagegen_core.errors import ValidationFailed
from imagegen_core.forms import PIXELS, FormField, Group, framed
from imagegen_core.messages import Message
from imagegen_core.models import Model, Parameter, check_upscaled, common
from imagegen_core.operations import DEFAULT_EDIT_MODE, Operation
from imagegen_core.requests import ImageRequest, InputImage

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Stability refuses larger bodies."""

_MAX_PROMPT_CHARS = 10_000
_MAX_SEED = 4_294_967_294
_OPERATIONS = (
    Operation.GENERATE,
    Operation.REFERENCE,
    Operation.EDIT,
    Operation.UPSCALE,
    Operation.RECONTEXT,
)
_ASPECT_RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")

SHIPPED_MODELS = (
    ModelEntry(id="stable-image-core", name="Stable Image Core", default=True),
    ModelEntry(id="stable-image-ultra", name="Stable Image Ultra"),
    ModelEntry(id="sd3.5-large", name="Stable Diffusion 3.5 Large"),
    ModelEntry(id="sd3.5-large-turbo", name="Stable Diffusion 3.5 Large Turbo"),
    ModelEntry(id="sd3.5-medium", name="Stable Diffusion 3.5 Medium"),
    ModelEntry(id="sd3.5-flash", name="Stable Diffusion 3.5 Flash"),
)
"""The models of a configuration that lists none."""

_DIRECTIONS = {
    "above": ("上", "Above"),
    "below": ("下", "Below"),
    "left": ("左", "Left"),
    "right": ("右", "Right"),
}
_UPSCALE_MODES = {
    "fast": ("快速", "Fast"),
    "conservative": ("保守", "Conservative"),
    "creative": ("创意", "Creative"),
}
_FORM = ("size", "num", "style_preset", "negative_prompt", "seed", "cfg_scale", "output_format")


def _editing(name: str, zh: str, en: str, form: Mapping[str, Any] | None = None, **rules: Any) -> Parameter:
    """Return a parameter of editing; a number is between 0 and 1, unless it has another maximum."""
    if rules.get("type") in ("number", "integer"):
        rules = {"minimum": 0, "maximum": 1, **rules}
    return Parameter(name=name, form_field=FormField.labelled(zh, en, Group.EDITING, **(form or {})), **rules)


_PARAMETERS = (
    *common("num", "width", "height", "size", "negative_prompt", "upscale_factor", "edit_mode"),
    Parameter(name="aspect_ratio", enum=_ASPECT_RATIOS),
    Parameter(name="seed", type="integer", minimum=-1, maximum=_MAX_SEED),
    Parameter(name="style_preset"),
    Parameter(name="strength", type="number", minimum=0, maximum=1),
    _editing("search_prompt", "要替换的内容", "What to replace"),
    _editing("grow_mask", "蒙版外扩", "Grow the mask", {"unit": PIXELS}, type="integer", maximum=20),
    _editing(
        "upscale_mode", "放大方式", "Upscale mode", {"choices": _UPSCALE_MODES}, enum=tuple(_UPSCALE_MODES)
    ),
    _editing("creativity", "创意程度", "Creativity", type="number", maximum=0.5),
    _editing("foreground_prompt", "主体描述", "Foreground prompt"),
    _editing("preserve_original_subject", "保留主体", "Preserve the subject", type="number"),
    _editing("original_background_depth", "背景景深", "Background depth", type="number"),
    _editing("keep_original_background", "保留原背景", "Keep the background", type="boolean"),
    _editing(
        "light_source_direction", "光源方向", "Light from", {"choices": _DIRECTIONS}, enum=tuple(_DIRECTIONS)
    ),
    _editing("light_source_strength", "光源强度", "Light strength", type="number"),
)


def model(entry: ModelEntry) -> Model:
    """Return a configured model; editing, upscaling and new backgrounds are the same for all of them."""
    family = _family(entry.id)
    possible = tuple(o for o in _OPERATIONS if family != "core" or o is not Operation.REFERENCE)
    operations = possible if entry.capabilities is None else entry.capabilities
    is_sd3 = family == "sd3"
    output_format = Parameter(
        name="output_format", enum=("png", "jpeg") if is_sd3 else ("png", "jpeg", "webp")
    )
    cfg_scale = Parameter(name="cfg_scale", type="number", minimum=1, maximum=10)
    facts = facts_of(entry.id, provider="stability")
    return Model(
        id=entry.id,
        name=entry.name,
        default=entry.default,
        operations=tuple(operation for operation in operations if operation in possible),
        parameters=(*_PARAMETERS, *([cfg_scale] if is_sd3 else []), output_format),
        form=_FORM,
        sizes=framed(_ASPECT_RATIOS),
        max_references=1,
        prompt_chars=_MAX_PROMPT_CHARS,
        lifecycle=facts.lifecycle,
        price=facts.price,
        sources=facts.sources,
    )


# Routes

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
_HANDLED_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "upscale_mode", "edit_mode"}
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


def _family(upstream_id: str) -> str:
    """Return which of the three generators serves a model; an unknown id belongs to the SD3 family."""
    return next((name for name in ("ultra", "core") if name in upstream_id), "sd3")


def route(request: ImageRequest, upstream_id: str) -> Route:
    """Return the endpoint for a request; a missing parameter that it needs is refused."""
    family = _family(upstream_id)
    model = {"model": upstream_id} if family == "sd3" else {}
    if request.operation is Operation.GENERATE:
        return attrs.evolve(_GENERATE[family], fixed=model)
    if request.operation is Operation.REFERENCE:
        if family not in _REFERENCE:
            raise ValidationFailed.for_field("model_id", StableDiffusionCode.NO_REFERENCES(model=upstream_id))
        mode = {"mode": "image-to-image"} if family == "sd3" else {}
        fixed = {**model, "strength": str(DEFAULT_STRENGTH), **mode}
        return attrs.evolve(_REFERENCE[family], fixed=fixed)
    if request.operation is Operation.RECONTEXT:
        return _RECONTEXT
    if request.operation is Operation.UPSCALE:
        mode_name = request.params.get("upscale_mode", "fast")
        if mode_name != "fast" and not request.prompt.strip():
            raise ValidationFailed.for_field("prompt", StableDiffusionCode.PROMPT_NEEDED(mode=mode_name))
        return _UPSCALE[mode_name]
    if request.mask is None and not request.params.get("search_prompt"):
        raise ValidationFailed.for_field("params.search_prompt", StableDiffusionCode.NOTHING_TO_REPLACE())
    return _REPLACE if request.mask is None else _INPAINT


def check(request: ImageRequest, upstream_id: str) -> None:
    """Check a request as far as possible before anything is read or sent."""
    route(request, upstream_id)
    check_size(request.params)
    check_sides(request.params)
    is_fast = request.params.get("upscale_mode", "fast") == "fast"
    if request.operation is Operation.UPSCALE and request.image is not None and is_fast:
        check_upscaled(request.image, request.params, FAST_FACTOR)
    check_total_bytes(request.named_inputs, MAX_BODY_BYTES)


Field = tuple[str | None, str | bytes] | tuple[str, bytes, str]


def form(request: ImageRequest, route: Route, *, image: bytes | None, mask: bytes | None) -> dict[str, Field]:
    """Return the form in the shape of httpx's ``files=``, which stays multipart even without a file."""
    values: dict[str, Any] = dict(route.fixed)
    values |= {name: value for name, value in request.params.items() if name in route.fields}
    if "aspect_ratio" in route.fields and (ratio := _ratio(request)):
        values["aspect_ratio"] = ratio
    if values.get("seed") == -1:
        del values["seed"]
    if route.prompt is not None:
        values[route.prompt] = request.prompt
    fields: dict[str, Field] = {
        name: (None, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in values.items()
    }
    if image is not None:
        source = source_of(request)
        mime_type = source.mime_type if source else "application/octet-stream"
        fields[route.image] = (f"picture.{mime_type.rpartition('/')[2]}", image, mime_type)
    if mask is not None:
        fields["mask"] = ("mask.png", mask, "image/png")
    return fields


def source_of(request: ImageRequest) -> InputImage | None:
    """Return the one image of a request that is sent as such, None if there is none."""
    return request.references[0] if request.references else request.image


def _ratio(request: ImageRequest) -> str | None:
    ratio = request.params.get("aspect_ratio")
    return ratio or (
        None if request.dimensions is None else nearest_ratio(*request.dimensions, _ASPECT_RATIOS)
    )


def warnings(request: ImageRequest, route: Route) -> tuple[Message, ...]:
    """Return what the caller should know about how the request was served."""
    messages: list[Message] = []
    dimensions = request.dimensions
    if dimensions and "aspect_ratio" in route.fields and "aspect_ratio" not in request.params:
        size, ratio = f"{dimensions[0]}x{dimensions[1]}", _ratio(request) or ""
        messages.append(StableDiffusionCode.TAKES_NO_SIZE(size=size, ratio=ratio))
    elif dimensions:
        messages.append(StableDiffusionCode.NO_EFFECT(names=("width", "height")))
    if request.operation is Operation.UPSCALE:
        mode, factor = request.params.get("upscale_mode", "fast"), request.upscale_factor
        if mode == "fast" and factor != "x4":
            messages.append(StableDiffusionCode.FOUR_TIMES(factor=factor))
        elif mode != "fast" and "upscale_factor" in request.params:
            messages.append(StableDiffusionCode.OWN_SIZE(mode=mode, factor=factor))
    if request.edit_mode != DEFAULT_EDIT_MODE:
        messages.append(StableDiffusionCode.NO_EFFECT(names=("edit_mode",)))
    ignored = sorted(request.params.keys() - route.fields - _HANDLED_PARAMETERS)
    endpoint = route.path.removeprefix(_ROOT)
    messages += [StableDiffusionCode.NO_EFFECT_ON(name=name, route=endpoint) for name in ignored]
    return tuple(messages)
