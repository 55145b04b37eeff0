"""``generate_content`` for images: the request of each operation."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_adapters.providers.gemini.models import Traits
from imagegen_adapters.providers.gemini.sizes import Framing, framing, upscaled
from imagegen_adapters.providers.gemini.uploads import Upload
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.requests import ImageRequest

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
EDIT_INSTRUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "EDIT_MODE_INPAINT_REMOVAL": "Remove from the image, filling the place like its surroundings: ",
        "EDIT_MODE_OUTPAINT": "Extend the image beyond its edges, continuing what is there: ",
        "EDIT_MODE_STYLE": "Redraw the image in another style, keeping its content: ",
        "EDIT_MODE_BGSWAP": "Replace the background and keep the foreground unchanged. The new background: ",
        "EDIT_MODE_PRODUCT_IMAGE": "Show the product of the image, unchanged, in a new setting: ",
    }
)
"""The text before the prompt of an edit; the other modes add none."""


_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


def build(request: ImageRequest, traits: Traits, uploads: Sequence[Upload]) -> dict[str, Any]:
    """Return ``contents`` and ``config``. One request generates one image."""
    images = [{"inline_data": {"mime_type": u.mime_type, "data": u.placeholder}} for u in uploads]
    return {
        "contents": [{"role": "user", "parts": [*images, {"text": instruction(request)}]}],
        "config": _config(request, framing_of(request, traits)),
    }


def instruction(request: ImageRequest) -> str:
    """Return the text that is sent with the images."""
    if request.operation is Operation.UPSCALE:
        return UPSCALE_INSTRUCTION
    if request.operation is Operation.RECONTEXT:
        return RECONTEXT_INSTRUCTION + request.prompt
    if request.operation is Operation.EDIT:
        text = EDIT_INSTRUCTIONS.get(request.edit_mode, "") + request.prompt
        return f"{text}\n\n{MASK_INSTRUCTION}" if request.mask is not None else text
    return request.prompt


def framing_of(request: ImageRequest, traits: Traits) -> Framing:
    """Return the ratio and the size to request.

    Raises:
        ValidationFailed: ``size`` is malformed.
    """
    if request.operation is Operation.UPSCALE and request.image is not None:
        width, height = request.image.width, request.image.height
        return upscaled(width, height, request.upscale_factor, ratios=traits.ratios, tiers=traits.tiers)
    return framing(request, ratios=traits.ratios, tiers=traits.tiers)


def warnings_of(request: ImageRequest, traits: Traits) -> tuple[Message, ...]:
    """Return the warnings of the framing, of masks and of upscaling."""
    warnings: tuple[Message, ...] = ()
    if request.mask is not None:
        warnings = (GeminiCode.MASK_AS_ADVICE(),)
    if request.operation is Operation.UPSCALE:
        warnings = (GeminiCode.REDRAWN(),)
    return (*warnings, *framing_of(request, traits).warnings)


def _config(request: ImageRequest, frame: Framing) -> dict[str, Any]:
    params = request.params
    config: dict[str, Any] = {
        "response_modalities": ["TEXT", "IMAGE"],
        "automatic_continuation": False,  # the SDK would send further paid requests by itself
        "automatic_function_calling": {"disable": True},
    }
    image = {"aspect_ratio": frame.aspect_ratio, "image_size": frame.image_size}
    if image := {name: value for name, value in image.items() if value is not None}:
        config["image_config"] = image
    if request.seed is not None and request.seed >= 0:
        config["seed"] = request.seed
    if threshold := params.get("safety"):
        config["safety_settings"] = [
            {"category": f"HARM_CATEGORY_{harm}", "threshold": threshold} for harm in _HARMS
        ]
    if level := params.get("thinking_level"):
        config["thinking_config"] = {"thinking_level": level.upper()}
    return config
