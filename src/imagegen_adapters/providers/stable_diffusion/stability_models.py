"""Stability's models: which exist, what each can do, and which parameters it takes."""

from imagegen_adapters.providers.common.catalogue import facts_of
from imagegen_adapters.providers.stable_diffusion import stability_routes as routes
from imagegen_core.config import ModelEntry
from imagegen_core.forms import PIXELS, FormField, Group, framed
from imagegen_core.models import Model, Parameter, common
from imagegen_core.operations import Operation

_MAX_PROMPT_CHARS = 10_000
_MAX_SEED = 4_294_967_294
_OPERATIONS = (
    Operation.GENERATE,
    Operation.REFERENCE,
    Operation.EDIT,
    Operation.UPSCALE,
    Operation.RECONTEXT,
)

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


def _share(name: str, zh: str, en: str, *, maximum: float = 1) -> Parameter:
    """Return a parameter of editing between 0 and ``maximum``."""
    field = FormField.labelled(zh, en, Group.EDITING)
    return Parameter(name=name, type="number", minimum=0, maximum=maximum, form_field=field)


_PARAMETERS = (
    *common("num", "width", "height", "size", "negative_prompt", "upscale_factor", "edit_mode"),
    Parameter(name="aspect_ratio", enum=routes.ASPECT_RATIOS),
    Parameter(name="seed", type="integer", minimum=-1, maximum=_MAX_SEED),
    Parameter(name="style_preset"),
    Parameter(name="strength", type="number", minimum=0, maximum=1),
    Parameter(
        name="search_prompt",
        form_field=FormField.labelled("要替换的内容", "What to replace", Group.EDITING),
    ),
    Parameter(
        name="grow_mask",
        type="integer",
        minimum=0,
        maximum=20,
        form_field=FormField.labelled("蒙版外扩", "Grow the mask", Group.EDITING, unit=PIXELS),
    ),
    Parameter(
        name="upscale_mode",
        enum=routes.UPSCALE_MODES,
        form_field=FormField.labelled("放大方式", "Upscale mode", Group.EDITING, choices=_UPSCALE_MODES),
    ),
    _share("creativity", "创意程度", "Creativity", maximum=0.5),
    Parameter(
        name="foreground_prompt",
        form_field=FormField.labelled("主体描述", "Foreground prompt", Group.EDITING),
    ),
    _share("preserve_original_subject", "保留主体", "Preserve the subject"),
    _share("original_background_depth", "背景景深", "Background depth"),
    Parameter(
        name="keep_original_background",
        type="boolean",
        form_field=FormField.labelled("保留原背景", "Keep the background", Group.EDITING),
    ),
    Parameter(
        name="light_source_direction",
        enum=tuple(_DIRECTIONS),
        form_field=FormField.labelled("光源方向", "Light from", Group.EDITING, choices=_DIRECTIONS),
    ),
    _share("light_source_strength", "光源强度", "Light strength"),
)


def model(entry: ModelEntry) -> Model:
    """Return a configured model; editing, upscaling and new backgrounds are the same for all of them."""
    family = routes.family(entry.id)
    possible = tuple(
        operation for operation in _OPERATIONS if family != "core" or operation is not Operation.REFERENCE
    )
    operations = possible if entry.capabilities is None else entry.capabilities
    facts = facts_of(entry.id, provider="stability")
    return Model(
        id=entry.id,
        name=entry.name,
        default=entry.default,
        operations=tuple(operation for operation in operations if operation in possible),
        parameters=(*_PARAMETERS, *_family_parameters(family)),
        form=_FORM,
        sizes=framed(routes.ASPECT_RATIOS),
        max_references=1,
        prompt_chars=_MAX_PROMPT_CHARS,
        lifecycle=facts.lifecycle,
        price=facts.price,
        sources=facts.sources,
    )


def _family_parameters(family: str) -> tuple[Parameter, ...]:
    if family == "sd3":
        return (
            Parameter(name="cfg_scale", type="number", minimum=1, maximum=10),
            Parameter(name="output_format", enum=("png", "jpeg")),
        )
    return (Parameter(name="output_format", enum=("png", "jpeg", "webp")),)
