"""What Google gets for a request: the SDK's method and arguments, and the warnings."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import BodyImage, nearest_ratio
from imagegen_adapters.providers.gemini.settings import GeminiCode, Traits, traits_of
from imagegen_core.errors import UnsupportedOperation, ValidationFailed
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.models import Model
from imagegen_core.requests import UPSCALE_FACTORS, ImageRequest, InputImage, Operation, parse_size


def sdk_call(
    request: ImageRequest, model: Model, images: Mapping[str, BodyImage]
) -> tuple[str, dict[str, Any]]:
    """Return a method of ``client.aio.models`` and its arguments.

    ``images``, in order of the inputs, are by tokens whose base64 stands in for them in the SDK's request.
    """
    traits = traits_of(model.id)
    files = [(base64.b64decode(token), image.part.mime_type) for token, image in images.items()]
    method, arguments = (_predict_call if traits.imagen else _content_call)(request, traits, files)
    return method, {"model": model.upstream_id, **arguments}


def warnings_of(request: ImageRequest, model: Model) -> tuple[Message, ...]:
    """Return the request's warnings; a malformed ``size`` is refused, as by `sdk_call`."""
    traits = traits_of(model.id)
    return tuple((_predict_warnings if traits.imagen else _content_warnings)(request, traits))


# ---------------------------------------------------------------- sizes

TIERS = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
"""Size tokens (with a capital K), and the side in pixels of a square image of that tier."""


@attrs.frozen
class Framing:
    """The size to request; the model chooses what is None."""

    aspect_ratio: str | None
    image_size: str | None
    warning: Message | None = None

    @property
    def config(self) -> dict[str, str]:
        sizes = {"aspect_ratio": self.aspect_ratio, "image_size": self.image_size}
        return {name: value for name, value in sizes.items() if value is not None}


def framing(request: ImageRequest, traits: Traits) -> Framing:
    """Return ratio and tier as given, else the nearest ratio and the smallest tier that is large enough."""
    if request.operation is Operation.UPSCALE and request.image is not None:
        return _upscaled(request.image, request.upscale_factor, traits)
    params = request.params
    ratio, tier, size = params.get("aspect_ratio"), params.get("image_size"), params.get("size")
    if size in traits.tiers and tier is None:
        tier = size
    elif size not in (None, "auto", *traits.tiers) and parse_size(size) is None:
        choices = (*traits.tiers, "auto")
        raise ValidationFailed.for_field("params.size", ProblemCode.NOT_A_SIZE(choices=choices))
    width, height = request.dimensions or (params.get("width"), params.get("height"))
    if width is None and height is None:
        return Framing(ratio, tier)
    longer_side = max(width or 0, height or 0)
    if ratio is None and width and height:
        ratio = nearest_ratio(width, height, traits.ratios)
    if tier is None:
        tier = _tier_for(longer_side, traits.tiers)
    if width and height and ratio and TIERS.get(tier or "") == longer_side:
        across, down = map(int, ratio.split(":"))
        if width * down == height * across:
            return Framing(ratio, tier)
    requested = GeminiCode.DIMENSIONS(
        width=width or GeminiCode.ANY_WIDTH(), height=height or GeminiCode.ANY_HEIGHT()
    )
    drawn = " ".join(filter(None, (ratio, tier))) or GeminiCode.MODELS_OWN_SIZE()
    return Framing(ratio, tier, GeminiCode.SIZE_ROUNDED(requested=requested, drawn=drawn))


def _upscaled(image: InputImage, factor: str, traits: Traits) -> Framing:
    target_side = max(image.width, image.height) * UPSCALE_FACTORS[factor]
    tier, warning = _tier_for(target_side, traits.tiers), None
    if tier and TIERS[tier] < target_side:
        warning = GeminiCode.MAX_TIER(factor=factor, pixels=target_side, tier=tier)
    return Framing(nearest_ratio(image.width, image.height, traits.ratios), tier, warning)


def _tier_for(side: int, tiers: Sequence[str]) -> str | None:
    """Return the smallest tier of at least ``side`` pixels, else the largest."""
    ascending = sorted(tiers, key=TIERS.__getitem__)
    return next((tier for tier in ascending if TIERS[tier] >= side), ascending[-1] if ascending else None)


# ---------------------------------------------------------------- generate_content

MASK_INSTRUCTION = (
    "The second image is a mask of the same size for the first one: change only what is white in the "
    "mask, and keep everything that is black exactly as it is. Return the first image with the change."
)
RECONTEXT_INSTRUCTION = (
    "Put the main subject of the image into a new scene. Keep the subject itself unchanged: its shape, "
    "colours, material, text and logos. The new scene: "
)
UPSCALE_INSTRUCTION = (
    "Redraw this image at a higher resolution. Keep its composition, colours, style, faces and text "
    "exactly as they are; add nothing, remove nothing, only sharpen the detail."
)
EDIT_INSTRUCTIONS: Mapping[str, str] = {
    "EDIT_MODE_INPAINT_REMOVAL": "Remove from the image, filling the place like its surroundings: ",
    "EDIT_MODE_OUTPAINT": "Extend the image beyond its edges, continuing what is there: ",
    "EDIT_MODE_STYLE": "Redraw the image in another style, keeping its content: ",
    "EDIT_MODE_BGSWAP": "Replace the background and keep the foreground unchanged. The new background: ",
    "EDIT_MODE_PRODUCT_IMAGE": "Show the product of the image, unchanged, in a new setting: ",
}
"""The text before the prompt of an edit; the other modes add none."""

_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


def _content_call(
    request: ImageRequest, traits: Traits, files: Sequence[tuple[bytes, str]]
) -> tuple[str, dict[str, Any]]:
    """One request generates one image."""
    images = [{"inline_data": {"mime_type": mime_type, "data": data}} for data, mime_type in files]
    config: dict[str, Any] = {
        "response_modalities": ["TEXT", "IMAGE"],
        "automatic_continuation": False,  # the SDK would send further paid requests by itself
        "automatic_function_calling": {"disable": True},
    }
    if image := framing(request, traits).config:
        config["image_config"] = image
    if request.seed is not None and request.seed >= 0:
        config["seed"] = request.seed
    if threshold := request.params.get("safety"):
        config["safety_settings"] = [
            {"category": f"HARM_CATEGORY_{harm}", "threshold": threshold} for harm in _HARMS
        ]
    if level := request.params.get("thinking_level"):
        config["thinking_config"] = {"thinking_level": level.upper()}
    contents = [{"role": "user", "parts": [*images, {"text": _instruction(request)}]}]
    return "generate_content", {"contents": contents, "config": config}


def _content_warnings(request: ImageRequest, traits: Traits) -> Iterator[Message]:
    if request.operation is Operation.UPSCALE:
        yield GeminiCode.REDRAWN()
    elif request.mask is not None:
        yield GeminiCode.MASK_AS_ADVICE()
    if warning := framing(request, traits).warning:
        yield warning


def _instruction(request: ImageRequest) -> str:
    match request.operation:
        case Operation.UPSCALE:
            return UPSCALE_INSTRUCTION
        case Operation.RECONTEXT:
            return RECONTEXT_INSTRUCTION + request.prompt
        case Operation.EDIT:
            text = EDIT_INSTRUCTIONS.get(request.edit_mode, "") + request.prompt
            return f"{text}\n\n{MASK_INSTRUCTION}" if request.mask is not None else text
        case _:
            return request.prompt


# ---------------------------------------------------------------- Imagen's predict methods, on Vertex

_PREDICT_NAMES: Mapping[str, str] = {
    "num": "number_of_images",
    "cfg_scale": "guidance_scale",
    "steps": "base_steps",
    "safety": "safety_filter_level",
    **{name: name for name in ("negative_prompt", "seed", "person_generation")},
    **{name: name for name in ("enhance_prompt", "add_watermark")},
}
_METHOD_PARAMETERS: Mapping[Operation, frozenset[str]] = {
    Operation.GENERATE: frozenset(_PREDICT_NAMES) - {"steps"},
    Operation.EDIT: frozenset(_PREDICT_NAMES) - {"enhance_prompt"},
    Operation.UPSCALE: frozenset({"safety", "person_generation"}),
    Operation.RECONTEXT: frozenset(_PREDICT_NAMES) - {"negative_prompt", "cfg_scale"},
    Operation.SEGMENT: frozenset(),
}

_WITH_REASONS = {"include_rai_reason": True, "include_safety_attributes": True}


def _predict_call(
    request: ImageRequest, traits: Traits, files: Sequence[tuple[bytes, str]]
) -> tuple[str, dict[str, Any]]:
    """One call returns several images."""
    images = [{"image_bytes": data, "mime_type": mime_type} for data, mime_type in files]
    match request.operation:
        case Operation.GENERATE:
            config = {**_predict_config(request), **framing(request, traits).config, **_WITH_REASONS}
            return "generate_images", {"prompt": request.prompt, "config": config}
        case Operation.EDIT:
            return "edit_image", _edit_arguments(request, traits, images)
        case Operation.UPSCALE:
            config = {"include_rai_reason": True, **_predict_config(request)}
            factor = request.upscale_factor
            return "upscale_image", {"image": images[0], "upscale_factor": factor, "config": config}
        case Operation.RECONTEXT:
            products = {"prompt": request.prompt, "product_images": [{"product_image": images[0]}]}
            return "recontext_image", {"source": products, "config": _predict_config(request)}
        case Operation.SEGMENT:
            mode = request.params.get("mode") or ("PROMPT" if request.prompt else "FOREGROUND")
            source = {"prompt": request.prompt or None, "image": images[0]}
            return "segment_image", {"source": source, "config": {"mode": mode}}
        case _:
            raise UnsupportedOperation(request.operation, tuple(_METHOD_PARAMETERS))


def _edit_arguments(request: ImageRequest, traits: Traits, images: Sequence[Any]) -> dict[str, Any]:
    from google.genai import types

    image, *masks = (types.Image(**image) for image in images)
    references: list[Any] = [types.RawReferenceImage(reference_id=1, reference_image=image)]
    user_provided = types.MaskReferenceConfig(mask_mode=types.MaskReferenceMode.MASK_MODE_USER_PROVIDED)
    references += [
        types.MaskReferenceImage(reference_id=2, reference_image=mask, config=user_provided) for mask in masks
    ]
    config = {"edit_mode": request.edit_mode, **_predict_config(request), **_WITH_REASONS}
    if ratio := framing(request, traits).aspect_ratio:
        config["aspect_ratio"] = ratio
    return {"prompt": request.prompt, "reference_images": references, "config": config}


def _predict_config(request: ImageRequest) -> dict[str, Any]:
    parameters = _METHOD_PARAMETERS[request.operation]
    config = {
        sdk_name: request.params[name]
        for name, sdk_name in _PREDICT_NAMES.items()
        if name in parameters and name in request.params and not (name == "seed" and request.seed == -1)
    }
    if "num" in parameters:
        config["number_of_images"] = request.num  # Vertex generates and charges four by default
    if _needs_no_watermark(request):
        config["add_watermark"] = False
    return config


def _predict_warnings(request: ImageRequest, traits: Traits) -> Iterator[Message]:
    takes_size = request.operation in (Operation.GENERATE, Operation.EDIT)
    if takes_size and (warning := framing(request, traits).warning):
        yield warning
    if _needs_no_watermark(request):
        yield GeminiCode.NO_WATERMARK()
    ignored = _PREDICT_NAMES.keys() & request.params.keys() - _METHOD_PARAMETERS[request.operation] - {"num"}
    if ignored:
        names = tuple(sorted(ignored))
        yield GeminiCode.PARAMETERS_NOT_TAKEN(names=names, operation=request.operation)


def _needs_no_watermark(request: ImageRequest) -> bool:
    has_seed = "seed" in _METHOD_PARAMETERS[request.operation] and request.seed not in (None, -1)
    return has_seed and request.params.get("add_watermark") is not False
