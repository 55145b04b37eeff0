"""Bodies of requests to the A1111 WebUI API. Pure.

Forge and SD.Next speak the same protocol, except for error responses.
"""

from collections.abc import Mapping
from typing import Any

from imagegen_adapters.providers.common.images import check_size
from imagegen_adapters.providers.stable_diffusion.a1111_models import DEFAULT_MODEL
from imagegen_adapters.providers.stable_diffusion.a1111_options import Options
from imagegen_adapters.providers.stable_diffusion.json_body import InlineImage
from imagegen_adapters.providers.stable_diffusion.messages import StableDiffusionCode
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.models import Model
from imagegen_core.operations import DEFAULT_EDIT_MODE, UPSCALE_FACTORS, Operation
from imagegen_core.problems import JsonType, ProblemCode
from imagegen_core.requests import ImageRequest, InputImage

MAX_REPAINT_SIDE_PIXELS = 2048
"""A larger image is scaled down for repainting unless the caller sets a size: few GPUs could process it."""

DEFAULT_SIDE_PIXELS = 512
DEFAULT_HIRES_SCALE = 2.0
"""The server's own, where a request says nothing."""

PATHS: Mapping[Operation, str] = {
    Operation.GENERATE: "/sdapi/v1/txt2img",
    Operation.REFERENCE: "/sdapi/v1/img2img",
    Operation.EDIT: "/sdapi/v1/img2img",
    Operation.UPSCALE: "/sdapi/v1/extra-single-image",
}

RESERVED_PARAMETERS: Mapping[str, Message] = {
    "image": StableDiffusionCode.IMAGES_WITH_REQUEST(),
    "imageList": StableDiffusionCode.IMAGES_WITH_REQUEST(),
    "init_images": StableDiffusionCode.IMAGES_WITH_REQUEST(),
    "firstpass_image": StableDiffusionCode.IMAGES_WITH_REQUEST(),
    "mask": StableDiffusionCode.MASK_WITH_REQUEST(),
    "latent_mask": StableDiffusionCode.MASK_WITH_REQUEST(),
    "include_init_images": StableDiffusionCode.NEW_IMAGES_ONLY(),
    "batch_size": StableDiffusionCode.USE_OTHER(others=("num",)),
    "prompt": StableDiffusionCode.PROMPT_WITH_REQUEST(),
    "send_images": StableDiffusionCode.IMAGES_NEEDED(),
    "show_extras_results": StableDiffusionCode.IMAGES_NEEDED(),
    "save_images": StableDiffusionCode.KEPT_HERE(),
    "do_not_save_samples": StableDiffusionCode.KEPT_HERE(),
    "do_not_save_grid": StableDiffusionCode.KEPT_HERE(),
    "force_task_id": StableDiffusionCode.RECOGNISES_CALL(),
    "infotext": StableDiffusionCode.OVERRIDES_OTHERS(),
    "override_settings_restore_afterwards": StableDiffusionCode.LEAVES_SETTINGS(),
    "script_name": StableDiffusionCode.NO_SCRIPTS(),
    "script_args": StableDiffusionCode.NO_SCRIPTS(),
    "aspect_ratio": StableDiffusionCode.USE_OTHER(others=("width", "height")),
    "image_size": StableDiffusionCode.USE_OTHER(others=("width", "height")),
}
"""Parameters that a caller cannot set, and why."""

OVERRIDABLE_SETTINGS = frozenset(
    {"CLIP_stop_at_last_layers", "sd_vae", "eta_noise_seed_delta", "randn_source"}
)
"""Server settings that a caller may override for a call; the others name files and folders."""

_SERVICE_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "edit_mode", "mode", "n_iter"}
)


def invalid_parameter(name: str, reason: Message) -> ValidationFailed:
    """Return the error for a parameter."""
    return ValidationFailed.for_field(f"params.{name}", reason)


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
    check_size(request.params)
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
            raise invalid_parameter(name, StableDiffusionCode.USE_OTHER(others=("upscale_factor",)))
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
            raise invalid_parameter(name, StableDiffusionCode.NOT_PLAIN())
    return extras


def _check_names(name: str, value: object, allowed: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        raise invalid_parameter(name, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    if unknown := [str(key) for key in value if key not in allowed]:
        reason = StableDiffusionCode.NOT_ALLOWED(allowed=tuple(sorted(allowed)))
        raise invalid_parameter(f"{name}.{unknown[0]}", reason)


def _is_plain(value: object) -> bool:
    plain = (str, int, float, bool)
    return isinstance(value, plain) or (isinstance(value, list) and all(isinstance(v, plain) for v in value))


def _count(request: ImageRequest) -> dict[str, int]:
    """Return the batch; ``n_iter`` only chooses how many of ``num`` are generated one after another."""
    rounds = request.params.get("n_iter", 1)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1 or request.num % rounds:
        raise invalid_parameter("n_iter", StableDiffusionCode.NOT_A_DIVISOR(num=request.num))
    return {"batch_size": request.num // rounds, "n_iter": rounds}


def _size(request: ImageRequest) -> dict[str, int]:
    """Return width and height; a repainted image keeps its own size, in steps of 8 pixels."""
    size = {k: int(request.params[k]) for k in ("width", "height") if k in request.params}
    if request.dimensions is not None:
        size = dict(zip(("width", "height"), request.dimensions, strict=True))
    source = _source_size(request)
    return size if source is None else {"width": source[0], "height": source[1], **size}


def result_size(request: ImageRequest) -> tuple[float, float]:
    """Return width and height of the images that a request makes, also after a second pass (hires)."""
    size = _size(request)
    width, height = size.get("width", DEFAULT_SIDE_PIXELS), size.get("height", DEFAULT_SIDE_PIXELS)
    params = request.params
    if request.operation is not Operation.GENERATE or not params.get("enable_hr"):
        return width, height
    x, y, scale = (_number(params.get(name)) for name in ("hr_resize_x", "hr_resize_y", "hr_scale"))
    if x or y:
        return x or width * y / height, y or height * x / width
    return width * (scale or DEFAULT_HIRES_SCALE), height * (scale or DEFAULT_HIRES_SCALE)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _source_size(request: ImageRequest) -> tuple[int, int] | None:
    source = request.references[0] if request.references else request.image
    if source is None:
        return None
    scale = min(1.0, MAX_REPAINT_SIDE_PIXELS / max(source.width, source.height))
    width, height = (max(64, round(side * scale / 8) * 8) for side in (source.width, source.height))
    return width, height


def warnings(request: ImageRequest) -> tuple[Message, ...]:
    """Return what the caller should know about how the request was served."""
    messages: list[Message] = []
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
        messages.append(StableDiffusionCode.REPAINTED_AT(size=f"{width}x{height}"))
    if request.edit_mode != DEFAULT_EDIT_MODE:
        messages.append(StableDiffusionCode.NO_EFFECT(names=("edit_mode",)))
    if request.operation is Operation.UPSCALE and request.num > 1:
        messages.append(StableDiffusionCode.ONE_UPSCALED())
    return tuple(messages)
