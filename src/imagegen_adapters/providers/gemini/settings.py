"""The settings of ``kind: gemini``, and what Google's image models can do on either service."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import configured_model, own_parameter
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import framed
from imagegen_core.limits import MAX_NUM, MAX_REFERENCES
from imagegen_core.messages import JsonType, Message, MessageCode, ProblemCode
from imagegen_core.models import Model, Parameter, common
from imagegen_core.requests import Operation

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
        max_references=traits.max_references,
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


class GeminiCode(MessageCode, words="imagegen_adapters"):
    """Rules and remarks of the Gemini adapter."""
