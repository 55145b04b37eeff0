"""The A1111 WebUI API on the wire: bodies from requests, images from responses. Pure.

Forge and SD.Next speak the same protocol, except for error responses.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.preflight import check_size
from imagegen_adapters.providers.spooled_json import (
    SpooledString,
    bad_response,
    decode_chunks,
    parse_spooled,
    read_text,
)
from imagegen_adapters.providers.stable_diffusion.json_body import InlineImage
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.operations import (
    DEFAULT_EDIT_MODE,
    UPSCALE_FACTORS,
    ImageRequest,
    InputImage,
    Operation,
)
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.providers.capabilities import Model

DEFAULT_MODEL = "default"
"""The model id for whichever checkpoint the server has loaded."""

DEFAULT_UPSCALER = "R-ESRGAN 4x+"
MAX_REPAINT_SIDE_PIXELS = 2048
"""A larger image is scaled down for repainting unless the caller sets a size: few GPUs could process it."""

PATHS: Mapping[Operation, str] = {
    Operation.GENERATE: "/sdapi/v1/txt2img",
    Operation.REFERENCE: "/sdapi/v1/img2img",
    Operation.EDIT: "/sdapi/v1/img2img",
    Operation.UPSCALE: "/sdapi/v1/extra-single-image",
}

RESERVED_PARAMETERS: Mapping[str, str] = {
    "image": "images come with the request",
    "imageList": "images come with the request",
    "init_images": "images come with the request",
    "firstpass_image": "images come with the request",
    "mask": "the mask comes with the request",
    "latent_mask": "the mask comes with the request",
    "include_init_images": "the answer holds new images only",
    "batch_size": "use num",
    "prompt": "the prompt comes with the request",
    "send_images": "the answer must hold the images",
    "show_extras_results": "the answer must hold the images",
    "save_images": "images are kept here, not on the server",
    "do_not_save_samples": "images are kept here, not on the server",
    "do_not_save_grid": "images are kept here, not on the server",
    "force_task_id": "it is how a running call is recognised",
    "infotext": "it would override the other parameters",
    "override_settings_restore_afterwards": "a call leaves the server's settings alone",
    "script_name": "scripts read files and make any number of images",
    "script_args": "scripts read files and make any number of images",
    "aspect_ratio": "use width and height",
    "image_size": "use width and height",
}
"""Parameters that a caller cannot set, and why."""

OVERRIDABLE_SETTINGS = frozenset(
    {"CLIP_stop_at_last_layers", "sd_vae", "eta_noise_seed_delta", "randn_source"}
)
"""Server settings that a caller may override for a call; the others name files and folders."""

_SERVICE_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "edit_mode", "mode", "n_iter"}
)


@attrs.frozen(kw_only=True)
class Options:
    """The options of this dialect in ``extra_config``."""

    upscaler: str = DEFAULT_UPSCALER
    allow_scripts: frozenset[str] = frozenset()


def invalid_parameter(name: str, message: str) -> ValidationFailed:
    """Return the error for a parameter."""
    return ValidationFailed.of(f"params.{name}", message)


def body(
    request: ImageRequest,
    model: Model,
    *,
    task: str,
    options: Options,
    image: bytes | InputImage | None = None,
    mask: bytes | None = None,
) -> dict[str, Any]:
    """Return the body for the operation's path, images as `InlineImage`; ``mask`` is white where it repaints.

    Raises:
        ValidationFailed: a parameter is reserved, or ``size`` is malformed.
    """
    extras = _extras(request.params, options)
    check_size(request)
    if request.operation is Operation.UPSCALE:
        return _upscale_body(request, extras, options, image or b"")
    document = {**_size(request), **extras, **_count(request), "prompt": request.prompt}
    document |= {"send_images": True, "save_images": False, "force_task_id": task}
    if model.id != DEFAULT_MODEL:
        document["override_settings"] = {
            **document.get("override_settings", {}),
            "sd_model_checkpoint": model.upstream_id,
        }
    if image is not None:
        document["init_images"] = [InlineImage(image)]
    if mask is not None:
        document |= {"mask": InlineImage(mask), "inpainting_mask_invert": 0}
    return document


def _upscale_body(
    request: ImageRequest, extras: dict[str, Any], options: Options, image: bytes | InputImage
) -> dict[str, Any]:
    factor = UPSCALE_FACTORS[request.upscale_factor]
    for name in ("upscaling_resize", "upscaling_resize_w", "upscaling_resize_h", "resize_mode"):
        if name in extras:
            raise invalid_parameter(name, "use upscale_factor")
    owned = {
        "resize_mode": 0,
        "upscaling_resize": factor,
        "show_extras_results": True,
        "image": InlineImage(image),
    }
    return {"upscaler_1": options.upscaler, **extras, **owned}


def _extras(params: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return the parameters that go to the server under their own names."""
    extras = {name: value for name, value in params.items() if name not in _SERVICE_PARAMETERS}
    for name, value in extras.items():
        if name in RESERVED_PARAMETERS:
            raise invalid_parameter(name, RESERVED_PARAMETERS[name])
        if name == "override_settings":
            _check_names(name, value, OVERRIDABLE_SETTINGS)
        elif name == "alwayson_scripts":
            _check_names(name, value, options.allow_scripts)
        elif not _is_plain(value):
            raise invalid_parameter(name, "must be a string, a number, true, false or a list of them")
    return extras


def _check_names(name: str, value: object, allowed: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        raise invalid_parameter(name, "must be an object")
    if unknown := [str(key) for key in value if key not in allowed]:
        listed = ", ".join(sorted(allowed)) or "none"
        raise invalid_parameter(f"{name}.{unknown[0]}", f"is not among those allowed here: {listed}")


def _is_plain(value: object) -> bool:
    plain = (str, int, float, bool)
    return isinstance(value, plain) or (isinstance(value, list) and all(isinstance(v, plain) for v in value))


def _count(request: ImageRequest) -> dict[str, int]:
    """Return the batch; ``n_iter`` only chooses how many of ``num`` are generated one after another."""
    rounds = request.params.get("n_iter", 1)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1 or request.num % rounds:
        raise invalid_parameter("n_iter", f"must divide num, which is {request.num}")
    return {"batch_size": request.num // rounds, "n_iter": rounds}


def _size(request: ImageRequest) -> dict[str, int]:
    """Return width and height; a repainted image keeps its own size, in steps of 8 pixels."""
    size = {k: int(request.params[k]) for k in ("width", "height") if k in request.params}
    if request.dimensions is not None:
        size = dict(zip(("width", "height"), request.dimensions, strict=True))
    source = _source_size(request)
    return size if source is None else {"width": source[0], "height": source[1], **size}


def _source_size(request: ImageRequest) -> tuple[int, int] | None:
    source = request.references[0] if request.references else request.image
    if source is None:
        return None
    scale = min(1.0, MAX_REPAINT_SIDE_PIXELS / max(source.width, source.height))
    width, height = (max(64, round(side * scale / 8) * 8) for side in (source.width, source.height))
    return width, height


def warnings(request: ImageRequest) -> tuple[str, ...]:
    """Return what the caller should know about how the request was served."""
    messages = []
    source = request.references[0] if request.references else request.image
    has_size = {"width", "height", "size"} & request.params.keys()
    is_repainted = request.operation in (Operation.REFERENCE, Operation.EDIT)
    if (
        is_repainted
        and not has_size
        and source
        and max(source.width, source.height) > MAX_REPAINT_SIDE_PIXELS
    ):
        width, height = _source_size(request) or (0, 0)
        messages.append(
            f"the image was repainted at {width}x{height}; give width and height for another size"
        )
    if request.edit_mode != DEFAULT_EDIT_MODE:
        messages.append("edit_mode has no effect here")
    if request.operation is Operation.UPSCALE and request.num > 1:
        messages.append("upscaling makes one image, whatever num says")
    return tuple(messages)


def parse_result(
    open_file: Callable[[], BinaryIO], request: ImageRequest, *, interrupted: bool
) -> ProviderResult:
    """Return the images of a spooled response, without grids and without what extensions appended.

    It reads the file: call it in a thread.

    Raises:
        CallError: ``bad_response``, or ``cancelled`` if an interrupted call generated no image.
    """
    with open_file() as file:
        document = parse_spooled(file).resolved()
        if not isinstance(document, dict):
            raise bad_response("the answer is not a JSON object")
        info = _info(read_text(file, document.get("info")))
    if request.operation is Operation.UPSCALE:
        candidates, info = [document.get("image")], {}
    else:
        candidates = _generated_images(document.get("images"), info)
    encoded_images = [value for value in candidates if isinstance(value, (str, SpooledString)) and value]
    if not encoded_images and interrupted:
        raise CallError(FailureCode.CANCELLED, "the server was interrupted before it made an image")
    if not encoded_images:
        raise bad_response("the answer holds no image")
    images = tuple(
        GeneratedImage(
            chunks=_chunks(open_file, value), metadata=_metadata(info, position, interrupted=interrupted)
        )
        for position, value in enumerate(encoded_images)
    )
    return ProviderResult(images=images, warnings=warnings(request))


def _chunks(open_file: Callable[[], BinaryIO], value: str | SpooledString) -> Any:
    return lambda: decode_chunks(open_file, value)


def _info(encoded: str | None) -> dict[str, Any]:
    """Return ``info``, which is JSON inside a JSON string; if it cannot be read, only metadata is lost."""
    try:
        info = json.loads(encoded or "{}")
    except (ValueError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}


def _generated_images(images: object, info: dict[str, Any]) -> list[Any]:
    if not isinstance(images, list):
        raise bad_response("the answer has no list of images")
    first, seeds = info.get("index_of_first_image", 0), info.get("all_seeds")
    first = first if isinstance(first, int) and 0 <= first < len(images) else 0
    return images[first : first + len(seeds)] if isinstance(seeds, list) and seeds else images[first:]


_METADATA_NAMES = {"sd_model_name": "model", "sd_model_hash": "model_hash", "sampler_name": "sampler_name"}


def _metadata(info: dict[str, Any], position: int, *, interrupted: bool) -> dict[str, Any]:
    metadata = {
        name: info[upstream_name]
        for upstream_name, name in _METADATA_NAMES.items()
        if isinstance(info.get(upstream_name), str)
    }
    seeds = info.get("all_seeds")
    seed = seeds[position] if isinstance(seeds, list) and position < len(seeds) else None
    if isinstance(seed, int):
        metadata["seed"] = seed
    if interrupted:
        metadata["interrupted"] = True
    return metadata
