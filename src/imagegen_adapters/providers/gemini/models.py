"""What Google's image models can do, by id, on either backend."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.common.catalogue import facts_of
from imagegen_adapters.providers.gemini.settings import Backend
from imagegen_core.config import ModelEntry
from imagegen_core.forms import FormField, Group, framed
from imagegen_core.limits import MAX_NUM, MAX_REFERENCES
from imagegen_core.models import Model, Parameter, common
from imagegen_core.operations import Operation

DEFAULT_MODELS = (
    ModelEntry(id="gemini-nano-banana-2.1", name="Nano Banana 2.1", default=True),
    ModelEntry(id="gemini-3-pro-image", name="Gemini 3 Pro Image"),
    ModelEntry(id="gemini-3.1-flash-lite-image", name="Gemini 3.1 Flash Lite Image"),
)
"""The models of a configuration without ``models``; all are available as of 2026-11-26."""

MAX_IMAGEN_BATCH = 4
"""The maximum of Imagen's ``sampleCount``."""

EDIT_MODES = tuple(
    f"EDIT_MODE_{name}"
    for name in (
        *("DEFAULT", "INPAINT_REMOVAL", "INPAINT_INSERTION", "OUTPAINT"),
        *("CONTROLLED_EDITING", "STYLE", "BGSWAP", "PRODUCT_IMAGE"),
    )
)
SEGMENT_MODES = ("FOREGROUND", "BACKGROUND", "PROMPT", "SEMANTIC", "INTERACTIVE")
SAFETY_LEVELS = ("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE")

_PERSONS = {
    "DONT_ALLOW": ("不允许", "None"),
    "ALLOW_ADULT": ("仅成人", "Adults"),
    "ALLOW_ALL": ("不限", "All ages"),
}
_SAFETY = FormField.labelled(
    "安全过滤",
    "Safety filter",
    Group.SAFETY,
    description=("各类有害内容的拦截门槛", "threshold of all harm categories"),
    choices={
        "BLOCK_LOW_AND_ABOVE": ("拦截低风险及以上", "Block low and above"),
        "BLOCK_MEDIUM_AND_ABOVE": ("拦截中风险及以上", "Block medium and above"),
        "BLOCK_ONLY_HIGH": ("只拦截高风险", "Block high only"),
        "BLOCK_NONE": ("不拦截", "Block none"),
        "OFF": ("关闭", "Off"),
    },
)
_PERSON_GENERATION = FormField.labelled("人物", "People", Group.SAFETY, choices=_PERSONS)
_EDIT_STEPS = FormField.labelled("步数", "Steps", Group.SAMPLING, description=("编辑时的步数", "of an edit"))
_ADD_WATERMARK = FormField.labelled(
    "水印",
    "Watermark",
    Group.OUTPUT,
    description=("使用种子时须关闭", "a seed needs it to be off"),
)
_FORM = ("size", "num", "negative_prompt", "thinking_level", "seed", "safety", "person_generation")

_TEN_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_FOURTEEN_RATIOS = (*_TEN_RATIOS, "1:4", "4:1", "1:8", "8:1")
_FIVE_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
_MAX_INT32 = 2**31 - 1
_MAX_UINT32 = 2**32 - 1

_GENERAL_OPERATIONS = (
    Operation.GENERATE,
    Operation.REFERENCE,
    Operation.EDIT,
    Operation.UPSCALE,
    Operation.RECONTEXT,
)
_IMAGEN_OPERATIONS = (
    Operation.GENERATE,
    Operation.EDIT,
    Operation.UPSCALE,
    Operation.RECONTEXT,
    Operation.SEGMENT,
)


@attrs.frozen(kw_only=True)
class Traits:
    """``ratios`` and ``tiers`` of a model's images; ``imagen`` ones use predict, others generate_content."""

    operations: tuple[Operation, ...] = _GENERAL_OPERATIONS
    ratios: tuple[str, ...] = _FOURTEEN_RATIOS
    tiers: tuple[str, ...] = ("1K", "2K", "4K")
    max_references: int = MAX_REFERENCES
    thinking: tuple[str, ...] = ()
    imagen: bool = False


def _fixed_size(**traits: Any) -> Traits:
    """Return the traits of a model with a single size, which cannot upscale."""
    return Traits(operations=tuple(o for o in _GENERAL_OPERATIONS if o is not Operation.UPSCALE), **traits)


def _imagen(*operations: Operation, tiers: tuple[str, ...] = ()) -> Traits:
    return Traits(operations=operations, ratios=_FIVE_RATIOS, tiers=tiers, imagen=True)


_CATALOGUE: Mapping[str, Traits] = MappingProxyType(
    {
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
)


def traits_of(model_id: str) -> Traits:
    """Return the traits of a model; an unknown one gets those of its family in general."""
    name = model_id.rpartition("models/")[2]
    traits = _CATALOGUE.get(name)
    if traits is not None:
        return traits
    if name.startswith(("imagen", "imagegeneration", "image-segmentation")):
        return _imagen(*_IMAGEN_OPERATIONS, tiers=("1K", "2K"))
    return Traits(tiers=("512", "1K", "2K", "4K"))


def model_of(entry: ModelEntry, backend: Backend) -> Model:
    """Return the model for an entry of a configuration.

    ``capabilities`` of the entry select from what the backend can do with such a model; with an API key of
    the developer backend, Imagen can do nothing.
    """
    traits = traits_of(entry.id)
    possible: tuple[Operation, ...] = _IMAGEN_OPERATIONS if traits.imagen else _GENERAL_OPERATIONS
    if traits.imagen and backend is Backend.DEVELOPER:
        possible = ()
    operations = traits.operations if entry.capabilities is None else entry.capabilities
    facts = facts_of(entry.id, provider="google")
    return Model(
        id=entry.id,
        name=entry.name or entry.id,
        default=entry.default,
        operations=tuple(operation for operation in operations if operation in possible),
        parameters=_imagen_parameters(traits) if traits.imagen else _content_parameters(traits),
        form=_FORM,
        sizes=framed(traits.ratios, traits.tiers),
        max_num=MAX_IMAGEN_BATCH if traits.imagen else MAX_NUM,
        max_references=traits.max_references,
        lifecycle=facts.lifecycle,
        price=facts.price,
        sources=facts.sources,
    )


def _framing_parameters(traits: Traits) -> tuple[Parameter, ...]:
    tiers = (Parameter(name="image_size", enum=traits.tiers),) if traits.tiers else ()
    return (
        *common("num", "width", "height", "size"),
        Parameter(name="aspect_ratio", enum=traits.ratios),
        *tiers,
        Parameter(name="edit_mode", enum=EDIT_MODES),
        *common("upscale_factor"),
    )


def _content_parameters(traits: Traits) -> tuple[Parameter, ...]:
    thinking = (Parameter(name="thinking_level", enum=traits.thinking),) if traits.thinking else ()
    return (
        *_framing_parameters(traits),
        Parameter(name="seed", type="integer", minimum=-1, maximum=_MAX_INT32),
        Parameter(name="safety", enum=(*SAFETY_LEVELS, "OFF"), form_field=_SAFETY),
        *thinking,
    )


def _imagen_parameters(traits: Traits) -> tuple[Parameter, ...]:
    return (
        *_framing_parameters(traits),
        *common("negative_prompt"),
        Parameter(name="mode", enum=SEGMENT_MODES),
        Parameter(name="seed", type="integer", minimum=-1, maximum=_MAX_UINT32),
        Parameter(name="cfg_scale", type="number", minimum=0, maximum=100),
        Parameter(name="steps", type="integer", minimum=1, maximum=1000, form_field=_EDIT_STEPS),
        Parameter(name="safety", enum=SAFETY_LEVELS, form_field=_SAFETY),
        Parameter(name="person_generation", enum=tuple(_PERSONS), form_field=_PERSON_GENERATION),
        Parameter(name="enhance_prompt", type="boolean"),
        Parameter(name="add_watermark", type="boolean", form_field=_ADD_WATERMARK),
    )
