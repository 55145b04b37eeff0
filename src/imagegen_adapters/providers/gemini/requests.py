"""The settings of ``kind: gemini``, what Google's models can do, and what Google gets for a request."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import configured_model, own_parameter
from imagegen_adapters.providers.common.images import BodyImage, nearest_ratio
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import UnsupportedOperation, ValidationFailed
from imagegen_core.facts import framed
from imagegen_core.limits import MAX_NUM, MAX_REFERENCES
from imagegen_core.messages import JsonType, Message, MessageCode, ProblemCode
from imagegen_core.models import Model, Parameter, common
from imagegen_core.requests import UPSCALE_FACTORS, ImageRequest, InputImage, Operation, parse_size


class GeminiCode(MessageCode, words="imagegen_adapters"):
    """Rules and remarks of the Gemini adapter."""


# ---------------------------------------------------------------- settings

DEVELOPER_BASE = "https://generativelanguage.googleapis.com"
# The long-documented limit of a request with inline images
# (https://ai.google.dev/gemini-api/docs/image-understanding)
DEFAULT_INLINE_MB = 20
_MAX_INLINE_MB = 500

EXTRA_KEYS = frozenset({"backend", "project", "location", "credentials_file", "api_version", "max_inline_mb"})

_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
_VERSION_IN_PATH = re.compile(rf"(.*)/({_VERSION.pattern})")
_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]{0,99}")
_LOCATION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")  # a location becomes one label of a host name
_VERTEX_KEYS = {"project": _NAME, "location": _LOCATION, "credentials_file": None}


class Backend(StrEnum):
    """Google's two services."""

    DEVELOPER = "developer"
    VERTEX = "vertex"


@attrs.frozen(kw_only=True)
class GeminiSettings:
    """The checked ``extra_config``; ``max_inline_bytes`` limits the images of one request, before base64."""

    backend: Backend
    project: str | None
    location: str | None
    credentials_file: str | None
    api_version: str | None
    max_inline_bytes: int

    @classmethod
    def from_config(cls, config: ProviderConfig) -> "GeminiSettings":
        """Read ``config.extra_config``; a mistake is refused with its path, an unknown key is ignored."""
        extra = config.extra_config
        vertex = {name: _text(name, extra.get(name), pattern) for name, pattern in _VERTEX_KEYS.items()}
        backend, megabytes = extra.get("backend"), extra.get("max_inline_mb")
        if backend not in (None, *Backend):
            raise _invalid("backend", ProblemCode.NOT_ONE_OF(choices=tuple(Backend)))
        backend = Backend(backend or Backend.DEVELOPER)
        present = [name for name, value in vertex.items() if value is not None]
        if present and backend is Backend.DEVELOPER:
            raise _invalid(present[0], GeminiCode.VERTEX_ONLY())
        if present and not (vertex["project"] and vertex["location"]):
            missing = "location" if vertex["project"] else "project"
            raise _invalid(missing, GeminiCode.PROJECT_WITHOUT_LOCATION())
        version = _text("api_version", extra.get("api_version"), _VERSION)
        if megabytes is None:
            megabytes = DEFAULT_INLINE_MB
        is_number = isinstance(megabytes, int | float) and not isinstance(megabytes, bool)
        if not is_number or not 0 < megabytes <= _MAX_INLINE_MB:
            raise _invalid("max_inline_mb", GeminiCode.NOT_MEGABYTES(maximum=_MAX_INLINE_MB))
        max_bytes = int(megabytes * 1024 * 1024)
        return cls(backend=backend, api_version=version, max_inline_bytes=max_bytes, **vertex)

    @property
    def uses_credentials(self) -> bool:
        """Whether Google's credentials may replace an API key."""
        return self.project is not None

    @property
    def credentials(self) -> str | None:
        """Describe the credentials in use and their project; None with only a key."""
        if not self.uses_credentials:
            return None
        return f"{self.credentials_file or 'application default'} for {self.project}/{self.location}"

    def foreign_models(self, model_ids: Iterable[str]) -> tuple[str, ...]:
        """Return the models that name another project or location."""
        own = f"projects/{self.project}/locations/{self.location}/"
        return tuple(m for m in model_ids if m.startswith("projects/") and not m.startswith(own))

    @property
    def default_api_base(self) -> str:
        if self.backend is Backend.DEVELOPER:
            return DEVELOPER_BASE
        if self.location in (None, "global"):
            return "https://aiplatform.googleapis.com"
        if self.location in ("us", "eu"):
            return f"https://aiplatform.{self.location}.rep.googleapis.com"
        return f"https://{self.location}-aiplatform.googleapis.com"

    def address(self, api_base: str | None) -> tuple[str, str]:
        """Return base URL and API version; a version at the end of ``api_base`` replaces the default."""
        base = (api_base or self.default_api_base).rstrip("/")
        default = "v1" if self.backend is Backend.DEVELOPER else "v1beta1"
        if match := _VERSION_IN_PATH.fullmatch(base):
            base, default = match[1], match[2]
        return base, self.api_version or default


def _invalid(name: str, reason: Message) -> ValidationFailed:
    return ValidationFailed.for_field(f"extra_config.{name}", reason)


def _text(name: str, value: Any, pattern: re.Pattern[str] | None = None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise _invalid(name, ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),)))
    if pattern is not None and not pattern.fullmatch(value):
        raise _invalid(name, GeminiCode.IMPOSSIBLE_CHARACTERS())
    return value


# ---------------------------------------------------------------- models

DEFAULT_MODELS = (
    ModelEntry(id="gemini-nano-banana-2.1", name="Nano Banana 2.1", default=True),
    ModelEntry(id="gemini-3-pro-image", name="Gemini 3 Pro Image"),
    ModelEntry(id="gemini-3.1-flash-lite-image", name="Gemini 3.1 Flash Lite Image"),
)
"""For a configuration without ``models``; all are available as of 2026-11-26."""

EDIT_MODES = (
    *("EDIT_MODE_DEFAULT", "EDIT_MODE_INPAINT_REMOVAL", "EDIT_MODE_INPAINT_INSERTION", "EDIT_MODE_OUTPAINT"),
    *("EDIT_MODE_CONTROLLED_EDITING", "EDIT_MODE_STYLE", "EDIT_MODE_BGSWAP", "EDIT_MODE_PRODUCT_IMAGE"),
)
SEGMENT_MODES = ("FOREGROUND", "BACKGROUND", "PROMPT", "SEMANTIC", "INTERACTIVE")

_BATCH_FACTOR = Decimal("0.5")  # https://ai.google.dev/gemini-api/docs/batch-api, read 2026-11-30
_SAFETY_LEVELS = ("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE")
_FORM = ("size", "num", "negative_prompt", "thinking_level", "seed", "safety", "person_generation")

_TEN_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_FOURTEEN_RATIOS = (*_TEN_RATIOS, "1:4", "4:1", "1:8", "8:1")
_FIVE_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")

_GENERAL_OPERATIONS = tuple(operation for operation in Operation if operation is not Operation.SEGMENT)
_IMAGEN_OPERATIONS = tuple(operation for operation in Operation if operation is not Operation.REFERENCE)


@attrs.frozen(kw_only=True)
class Traits:
    """``imagen`` models use the predict methods, others ``generate_content``."""

    operations: tuple[Operation, ...] = _GENERAL_OPERATIONS
    ratios: tuple[str, ...] = _FOURTEEN_RATIOS
    tiers: tuple[str, ...] = ("1K", "2K", "4K")
    max_references: int = MAX_REFERENCES
    thinking: tuple[str, ...] = ()
    imagen: bool = False


def _fixed_size(**traits: Any) -> Traits:
    """The traits of a model with a single size, which cannot upscale."""
    return Traits(operations=tuple(o for o in _GENERAL_OPERATIONS if o is not Operation.UPSCALE), **traits)


def _imagen(*operations: Operation, tiers: tuple[str, ...] = ()) -> Traits:
    return Traits(operations=operations, ratios=_FIVE_RATIOS, tiers=tiers, imagen=True)


_CATALOGUE: Mapping[str, Traits] = {
    "gemini-nano-banana-2.1": Traits(thinking=("minimal", "medium", "high")),
    "gemini-3-pro-image": Traits(ratios=_TEN_RATIOS),
    "gemini-3-pro-image-preview": Traits(ratios=_TEN_RATIOS),
    "nano-banana-pro-preview": Traits(ratios=_TEN_RATIOS),
    "gemini-3.1-flash-image": Traits(tiers=("512", "1K", "2K", "4K")),
    "gemini-3.1-flash-image-preview": Traits(tiers=("512", "1K", "2K", "4K")),
    "gemini-3.1-flash-lite-image": _fixed_size(tiers=("1K",)),
    "gemini-2.5-flash-image": _fixed_size(ratios=_TEN_RATIOS, tiers=(), max_references=3),
    "gemini-2.5-flash-image-preview": _fixed_size(ratios=_TEN_RATIOS, tiers=(), max_references=3),
    "imagen-3.0-generate-001": _imagen(Operation.GENERATE),
    "imagen-3.0-generate-002": _imagen(Operation.GENERATE),
    "imagen-3.0-fast-generate-001": _imagen(Operation.GENERATE),
    "imagen-3.0-capability-001": _imagen(Operation.EDIT),
    "imagen-4.0-generate-001": _imagen(Operation.GENERATE, tiers=("1K", "2K")),
    "imagen-4.0-ultra-generate-001": _imagen(Operation.GENERATE, tiers=("1K", "2K")),
    "imagen-4.0-fast-generate-001": _imagen(Operation.GENERATE),
    "imagen-4.0-upscale-preview": _imagen(Operation.UPSCALE),
    "imagen-product-recontext-preview-06-30": _imagen(Operation.RECONTEXT),
    "image-segmentation-001": _imagen(Operation.SEGMENT),
}


def traits_of(model_id: str) -> Traits:
    """Return the traits of a model; an unknown id gets those of its family."""
    name = model_id.rpartition("models/")[2]
    if name in _CATALOGUE:
        return _CATALOGUE[name]
    if name.startswith(("imagen", "imagegeneration", "image-segmentation")):
        return _imagen(*_IMAGEN_OPERATIONS, tiers=("1K", "2K"))
    return Traits(tiers=("512", "1K", "2K", "4K"))


def model_of(entry: ModelEntry, backend: Backend) -> Model:
    """Return the model of an entry, whose ``capabilities`` select from what the backend can do with it."""
    traits = traits_of(entry.id)
    family: tuple[Operation, ...] = _IMAGEN_OPERATIONS if traits.imagen else _GENERAL_OPERATIONS
    possible = () if traits.imagen and backend is Backend.DEVELOPER else family
    if entry.capabilities is None:
        possible = tuple(operation for operation in traits.operations if operation in possible)
    return configured_model(
        attrs.evolve(entry, name=entry.name or entry.id),
        possible,
        provider="google",
        parameters=tuple(_parameters(traits)),
        form=_FORM,
        sizes=framed(traits.ratios, traits.tiers),
        max_num=4 if traits.imagen else MAX_NUM,  # Imagen's ``sampleCount``
        batch_factor=None if traits.imagen or backend is Backend.VERTEX else _BATCH_FACTOR,
        max_references=traits.max_references,
        default_size="1K" if "1K" in traits.tiers and not traits.imagen else None,
        takes_mask=traits.imagen,
    )


def _parameters(traits: Traits) -> Iterator[Parameter]:
    yield from common("num", "width", "height", "size")
    yield Parameter(name="aspect_ratio", enum=traits.ratios)
    if traits.tiers:
        yield Parameter(name="image_size", enum=traits.tiers)
    yield Parameter(name="edit_mode", enum=EDIT_MODES)
    yield from common("upscale_factor")
    if traits.imagen:
        yield from common("negative_prompt")
        yield Parameter(name="mode", enum=SEGMENT_MODES)
        yield Parameter(name="seed", type="integer", minimum=-1, maximum=2**32 - 1)
        yield Parameter(name="cfg_scale", type="number", minimum=0, maximum=100)
        yield own_parameter("steps", "integer", words="edit_steps", minimum=1, maximum=1000)
        yield own_parameter("safety", enum=_SAFETY_LEVELS)
        yield own_parameter("person_generation")
        yield Parameter(name="enhance_prompt", type="boolean")
        yield own_parameter("add_watermark", "boolean")
    else:
        yield Parameter(name="seed", type="integer", minimum=-1, maximum=2**31 - 1)
        yield own_parameter("safety", enum=(*_SAFETY_LEVELS, "OFF"))
        if traits.thinking:
            yield Parameter(name="thinking_level", enum=traits.thinking)


# ---------------------------------------------------------------- requests


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


def batch_request(request: ImageRequest, model: Model) -> Any:
    """Return the body of a ``generateContent`` without images, as the SDK would write it."""
    _, arguments = _content_call(request, traits_of(model.id), ())
    config = {name: v for name, v in arguments["config"].items() if not name.startswith("automatic_")}
    safety = {"safety_settings": config.pop("safety_settings")} if "safety_settings" in config else {}
    return _camel_case({"contents": arguments["contents"], "generation_config": config, **safety})


def _camel_case(value: Any) -> Any:
    """Return JSON with the names of its objects in camel case."""
    if isinstance(value, Mapping):
        return {_LETTER.sub(lambda m: m[1].upper(), name): _camel_case(v) for name, v in value.items()}
    return [_camel_case(item) for item in value] if isinstance(value, list) else value


_LETTER = re.compile(r"_([a-z])")


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
        yield GeminiCode.PARAMETERS_NOT_TAKEN(names=tuple(sorted(ignored)), operation=request.operation)


def _needs_no_watermark(request: ImageRequest) -> bool:
    has_seed = "seed" in _METHOD_PARAMETERS[request.operation] and request.seed not in (None, -1)
    return has_seed and request.params.get("add_watermark") is not False
