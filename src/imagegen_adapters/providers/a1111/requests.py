"""What an A1111 server, Forge or SD.Next gets: its models, the permitted parameters, and request bodies."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import configured_model, own_parameter
from imagegen_adapters.providers.common.images import check_size
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import Source, form_field_of, in_pixels
from imagegen_core.messages import JsonType, Message, MessageCode, ProblemCode
from imagegen_core.models import Model, Parameter, common
from imagegen_core.requests import DEFAULT_EDIT_MODE, UPSCALE_FACTORS, ImageRequest, InputImage, Operation


class StableDiffusionCode(MessageCode, words="imagegen_adapters"):
    """Rules and remarks of the Stable Diffusion adapter."""


# ---------------------------------------------------------------- its models

DEFAULT_MODEL = "default"  # the model id for whichever checkpoint the server has loaded
SHIPPED_MODELS = (ModelEntry(id=DEFAULT_MODEL, name="Loaded checkpoint", default=True),)

_WIKI = "https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API"
_OPERATIONS = (Operation.GENERATE, Operation.REFERENCE, Operation.EDIT, Operation.UPSCALE)


_PARAMETERS = (
    *common("num", "width", "height", "size", "steps", "cfg_scale", "seed", "negative_prompt"),
    *common("upscale_factor", "edit_mode"),
    Parameter(name="sampler_name"),
    Parameter(name="scheduler"),
    Parameter(
        name="denoising_strength", type="number", minimum=0, maximum=1, form_field=form_field_of("strength")
    ),
    own_parameter("enable_hr", "boolean"),
    own_parameter("hr_scale", "number", minimum=1, maximum=4),
    own_parameter("hr_upscaler"),
    own_parameter("n_iter", "integer", minimum=1, maximum=10),
    own_parameter("upscaler_1"),
)
_FORM = ("size", "num", "negative_prompt", "steps", "cfg_scale", "seed", "sampler_name", "scheduler")
_SIZES = in_pixels(
    lambda ratio, side: (round(side * ratio**0.5 / 8) * 8, round(side / ratio**0.5 / 8) * 8),
    {"512": 512, "1K": 1024},
)


def model_of(entry: ModelEntry) -> Model:
    """All checkpoints take the same parameters."""
    return configured_model(
        entry,
        _OPERATIONS,
        parameters=_PARAMETERS,
        form=_FORM,
        sizes=_SIZES,
        accepts_extras=True,
        max_references=1,
        sources=(Source(url=_WIKI, read=dt.date(2026, 11, 24)),),
    )


# ---------------------------------------------------------------- its options

DEFAULT_UPSCALER = "R-ESRGAN 4x+"


@attrs.frozen(kw_only=True)
class Options:
    """The default ``upscaler``, and the scripts of extensions that callers may run."""

    upscaler: str = DEFAULT_UPSCALER
    allow_scripts: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: ProviderConfig) -> "Options":
        """Read the configuration; a value of another type is refused."""
        upscaler = config.extra_config.get("upscaler", DEFAULT_UPSCALER)
        scripts = config.extra_config.get("allow_scripts", [])
        if not isinstance(upscaler, str) or not upscaler:
            raise ValidationFailed.for_field("extra_config.upscaler", StableDiffusionCode.NOT_AN_UPSCALER())
        if not isinstance(scripts, (list, tuple)) or not all(isinstance(name, str) for name in scripts):
            reason = StableDiffusionCode.NOT_SCRIPT_NAMES()
            raise ValidationFailed.for_field("extra_config.allow_scripts", reason)
        return cls(upscaler=upscaler, allow_scripts=frozenset(scripts))


# ---------------------------------------------------------------- its bodies

# Larger images are scaled down for repainting unless a size is set: few GPUs could process them
MAX_REPAINT_SIDE_PIXELS = 2048
# The server's own defaults
DEFAULT_SIDE_PIXELS = 512
DEFAULT_HIRES_SCALE = 2.0
PATHS: Mapping[Operation, str] = {
    Operation.GENERATE: "/sdapi/v1/txt2img",
    Operation.REFERENCE: "/sdapi/v1/img2img",
    Operation.EDIT: "/sdapi/v1/img2img",
    Operation.UPSCALE: "/sdapi/v1/extra-single-image",
}

RESERVED_PARAMETERS: Mapping[str, Message] = {
    **dict.fromkeys(
        ("image", "imageList", "init_images", "firstpass_image"), StableDiffusionCode.IMAGES_WITH_REQUEST()
    ),
    **dict.fromkeys(("mask", "latent_mask"), StableDiffusionCode.MASK_WITH_REQUEST()),
    "include_init_images": StableDiffusionCode.NEW_IMAGES_ONLY(),
    "batch_size": StableDiffusionCode.USE_OTHER(others=("num",)),
    "prompt": StableDiffusionCode.PROMPT_WITH_REQUEST(),
    **dict.fromkeys(("send_images", "show_extras_results"), StableDiffusionCode.IMAGES_NEEDED()),
    **dict.fromkeys(
        ("save_images", "do_not_save_samples", "do_not_save_grid"), StableDiffusionCode.KEPT_HERE()
    ),
    "force_task_id": StableDiffusionCode.RECOGNISES_CALL(),
    "infotext": StableDiffusionCode.OVERRIDES_OTHERS(),
    "override_settings_restore_afterwards": StableDiffusionCode.LEAVES_SETTINGS(),
    **dict.fromkeys(("script_name", "script_args"), StableDiffusionCode.NO_SCRIPTS()),
    **dict.fromkeys(
        ("aspect_ratio", "image_size"), StableDiffusionCode.USE_OTHER(others=("width", "height"))
    ),
}
"""Parameters that a caller cannot set, and why."""

OVERRIDABLE_SETTINGS = frozenset(
    {"CLIP_stop_at_last_layers", "sd_vae", "eta_noise_seed_delta", "randn_source"}
)
"""Server settings that a caller may override for a call; the others name files and folders."""

_SERVICE_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "edit_mode", "mode", "n_iter"}
)


def _invalid(name: str, reason: Message) -> ValidationFailed:
    return ValidationFailed.for_field(f"params.{name}", reason)


def body(
    request: ImageRequest,
    model: Model,
    *,
    task: str,
    options: Options,
    images: Sequence[Any] = (),
) -> dict[str, Any]:
    """Refuse reserved or malformed parameters; ``images`` end with the mask (white repaints), if any."""
    extras = _extras(request.params, options)
    check_size(request.params)
    if request.operation is Operation.UPSCALE:
        for name in ("upscaling_resize", "upscaling_resize_w", "upscaling_resize_h", "resize_mode"):
            if name in extras:
                raise _invalid(name, StableDiffusionCode.USE_OTHER(others=("upscale_factor",)))
        factor = UPSCALE_FACTORS[request.upscale_factor]
        owned = {"resize_mode": 0, "upscaling_resize": factor, "show_extras_results": True}
        return {"upscaler_1": options.upscaler, **extras, **owned, "image": next(iter(images), None)}
    document = {**_size(request), **extras, **_count(request), "prompt": request.prompt}
    document |= {"send_images": True, "save_images": False, "force_task_id": task}
    if model.id != DEFAULT_MODEL:
        settings = document.get("override_settings", {})
        document["override_settings"] = {**settings, "sd_model_checkpoint": model.upstream_id}
    if images:
        document["init_images"] = [images[0]]
        if request.mask is not None:
            document |= {"mask": images[-1], "inpainting_mask_invert": 0}
    return document


def _extras(params: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return the parameters that go to the server under their own names."""
    extras = {name: value for name, value in params.items() if name not in _SERVICE_PARAMETERS}
    for name, value in extras.items():
        if name in RESERVED_PARAMETERS:
            raise _invalid(name, RESERVED_PARAMETERS[name])
        if name == "override_settings":
            _check_names(name, value, OVERRIDABLE_SETTINGS)
        elif name == "alwayson_scripts":
            _check_names(name, value, options.allow_scripts)
        elif not all(
            isinstance(v, str | int | float) for v in (value if isinstance(value, list) else [value])
        ):
            raise _invalid(name, StableDiffusionCode.NOT_PLAIN())
    return extras


def _check_names(name: str, value: object, allowed: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        raise _invalid(name, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    if unknown := [str(key) for key in value if key not in allowed]:
        reason = StableDiffusionCode.NOT_ALLOWED(allowed=tuple(sorted(allowed)))
        raise _invalid(f"{name}.{unknown[0]}", reason)


def _count(request: ImageRequest) -> dict[str, int]:
    """``n_iter`` says how many of the ``num`` images are generated one after another."""
    rounds = request.params.get("n_iter", 1)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1 or request.num % rounds:
        raise _invalid("n_iter", StableDiffusionCode.NOT_A_DIVISOR(num=request.num))
    return {"batch_size": request.num // rounds, "n_iter": rounds}


def _size(request: ImageRequest) -> dict[str, int]:
    """A repainted image keeps its own size, in steps of 8 pixels."""
    names, source = ("width", "height"), source_of(request)
    size = {} if source is None else dict(zip(names, _repaint_size(source), strict=True))
    if request.dimensions is not None:
        return dict(zip(names, request.dimensions, strict=True))
    return size | {name: int(request.params[name]) for name in names if name in request.params}


def result_size(request: ImageRequest) -> tuple[float, float]:
    """Return width and height of the result, after a second pass (hires) too."""
    size = _size(request)
    width, height = size.get("width", DEFAULT_SIDE_PIXELS), size.get("height", DEFAULT_SIDE_PIXELS)
    params = request.params
    if request.operation is not Operation.GENERATE or not params.get("enable_hr"):
        return width, height
    values = (params.get(name) for name in ("hr_resize_x", "hr_resize_y", "hr_scale"))
    x, y, scale = (value if isinstance(value, int | float) else 0 for value in values)
    scale = scale or DEFAULT_HIRES_SCALE
    return (x or width * y / height, y or height * x / width) if x or y else (width * scale, height * scale)


def source_of(request: ImageRequest) -> InputImage | None:
    """Return the image to repaint or enlarge."""
    return request.references[0] if request.references else request.image


def _repaint_size(source: InputImage) -> tuple[int, int]:
    scale = min(1.0, MAX_REPAINT_SIDE_PIXELS / max(source.width, source.height))
    width, height = (max(64, round(side * scale / 8) * 8) for side in (source.width, source.height))
    return width, height


def warnings(request: ImageRequest) -> Iterator[Message]:
    source = source_of(request)
    has_size = not request.params.keys().isdisjoint({"width", "height", "size"})
    is_repainted = request.operation in (Operation.REFERENCE, Operation.EDIT) and not has_size
    if is_repainted and source is not None and max(source.width, source.height) > MAX_REPAINT_SIDE_PIXELS:
        width, height = _repaint_size(source)
        yield StableDiffusionCode.REPAINTED_AT(size=f"{width}x{height}")
    if request.edit_mode != DEFAULT_EDIT_MODE:
        yield StableDiffusionCode.NO_EFFECT(names=("edit_mode",))
    if request.operation is Operation.UPSCALE and request.num > 1:
        yield StableDiffusionCode.ONE_UPSCALED()
