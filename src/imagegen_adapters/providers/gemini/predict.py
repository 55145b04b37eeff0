"""The predict methods of Imagen on Vertex: the request of each operation."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_adapters.providers.gemini.models import Traits
from imagegen_adapters.providers.gemini.sizes import framing
from imagegen_adapters.providers.gemini.uploads import Upload
from imagegen_core.errors import UnsupportedOperation
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.requests import ImageRequest

DEFAULT_SEGMENT_MODE = "FOREGROUND"

_CONFIG_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "num": "number_of_images",
        "negative_prompt": "negative_prompt",
        "cfg_scale": "guidance_scale",
        "steps": "base_steps",
        "seed": "seed",
        "safety": "safety_filter_level",
        "person_generation": "person_generation",
        "enhance_prompt": "enhance_prompt",
        "add_watermark": "add_watermark",
    }
)
_METHOD_PARAMETERS: Mapping[Operation, frozenset[str]] = MappingProxyType(
    {
        Operation.GENERATE: frozenset(_CONFIG_NAMES) - {"steps"},
        Operation.EDIT: frozenset(_CONFIG_NAMES) - {"enhance_prompt"},
        Operation.UPSCALE: frozenset({"safety", "person_generation"}),
        Operation.RECONTEXT: frozenset(_CONFIG_NAMES) - {"negative_prompt", "cfg_scale"},
        Operation.SEGMENT: frozenset(),
    }
)
"""The parameters that each method takes."""

_WITH_REASONS = {"include_rai_reason": True, "include_safety_attributes": True}


def build(request: ImageRequest, traits: Traits, uploads: Sequence[Upload]) -> tuple[str, dict[str, Any]]:
    """Return the method's name and its arguments; one call returns several images.

    Raises:
        UnsupportedOperation: Imagen takes no references.
    """
    match request.operation:
        case Operation.GENERATE:
            return "generate_images", _generate(request, traits)
        case Operation.EDIT:
            return "edit_image", _edit(request, traits, uploads)
        case Operation.UPSCALE:
            return "upscale_image", _upscale(request, uploads[0])
        case Operation.RECONTEXT:
            return "recontext_image", _recontext(request, uploads[0])
        case Operation.SEGMENT:
            return "segment_image", _segment(request, uploads[0])
        case _:
            raise UnsupportedOperation(request.operation, tuple(_METHOD_PARAMETERS))


def warnings_of(request: ImageRequest, traits: Traits) -> tuple[Message, ...]:
    """Return the warnings of the framing, of the seed, and of parameters that the method does not take."""
    warnings: list[Message] = []
    if request.operation in (Operation.GENERATE, Operation.EDIT):
        warnings += framing(request, ratios=traits.ratios, tiers=traits.tiers).warnings
    if _needs_no_watermark(request):
        warnings.append(GeminiCode.NO_WATERMARK())
    ignored = sorted(
        _CONFIG_NAMES.keys() & request.params.keys() - _METHOD_PARAMETERS[request.operation] - {"num"}
    )
    if ignored:
        warnings.append(GeminiCode.PARAMETERS_NOT_TAKEN(names=tuple(ignored), operation=request.operation))
    return tuple(warnings)


def _needs_no_watermark(request: ImageRequest) -> bool:
    parameters = _METHOD_PARAMETERS[request.operation]
    return (
        "seed" in parameters
        and request.seed not in (None, -1)
        and request.params.get("add_watermark") is not False
    )


def _config(request: ImageRequest) -> dict[str, Any]:
    parameters = _METHOD_PARAMETERS[request.operation]
    config = {
        sdk_name: request.params[name]
        for name, sdk_name in _CONFIG_NAMES.items()
        if name in parameters and name in request.params and not (name == "seed" and request.seed == -1)
    }
    if "num" in parameters:
        config["number_of_images"] = request.num  # Vertex generates and charges four by default
    if _needs_no_watermark(request):
        config["add_watermark"] = False
    return config


def _framed(request: ImageRequest, traits: Traits) -> dict[str, Any]:
    frame = framing(request, ratios=traits.ratios, tiers=traits.tiers)
    sizes = {"aspect_ratio": frame.aspect_ratio, "image_size": frame.image_size}
    return {name: value for name, value in sizes.items() if value is not None}


def _generate(request: ImageRequest, traits: Traits) -> dict[str, Any]:
    config = {**_config(request), **_framed(request, traits), **_WITH_REASONS}
    return {"prompt": request.prompt, "config": config}


def _edit(request: ImageRequest, traits: Traits, uploads: Sequence[Upload]) -> dict[str, Any]:
    from google.genai import types

    references: list[Any] = [types.RawReferenceImage(reference_id=1, reference_image=_sdk_image(uploads[0]))]
    if request.mask is not None:
        user_provided = types.MaskReferenceConfig(mask_mode=types.MaskReferenceMode.MASK_MODE_USER_PROVIDED)
        references.append(
            types.MaskReferenceImage(
                reference_id=2, reference_image=_sdk_image(uploads[1]), config=user_provided
            )
        )
    config = {"edit_mode": request.edit_mode, **_config(request), **_framed(request, traits), **_WITH_REASONS}
    config.pop("image_size", None)
    return {"prompt": request.prompt, "reference_images": references, "config": config}


def _upscale(request: ImageRequest, image: Upload) -> dict[str, Any]:
    return {
        "image": _image(image),
        "upscale_factor": request.upscale_factor,
        "config": {"include_rai_reason": True, **_config(request)},
    }


def _recontext(request: ImageRequest, product: Upload) -> dict[str, Any]:
    products = [{"product_image": _image(product)}]
    return {
        "source": {"prompt": request.prompt, "product_images": products},
        "config": _config(request),
    }


def _segment(request: ImageRequest, image: Upload) -> dict[str, Any]:
    mode = request.params.get("mode") or ("PROMPT" if request.prompt else DEFAULT_SEGMENT_MODE)
    return {
        "source": {"prompt": request.prompt or None, "image": _image(image)},
        "config": {"mode": mode},
    }


def _image(upload: Upload) -> dict[str, Any]:
    return {"image_bytes": upload.placeholder, "mime_type": upload.mime_type}


def _sdk_image(upload: Upload) -> Any:
    from google.genai import types

    return types.Image(image_bytes=upload.placeholder, mime_type=upload.mime_type)
