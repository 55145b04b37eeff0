"""Stability's models: which exist, what each can do, and which parameters it takes."""

from imagegen_adapters.model_catalogue import facts_of
from imagegen_adapters.providers.stable_diffusion import stability_wire as wire
from imagegen_core.operations import Operation
from imagegen_core.providers.capabilities import Model, Parameter
from imagegen_core.providers.config import ModelEntry
from imagegen_core.providers.parameters import common

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

_DIRECTIONS = ("above", "below", "left", "right")
_PARAMETERS = (
    *common("num", "width", "height", "size", "negative_prompt", "upscale_factor", "edit_mode"),
    Parameter(name="aspect_ratio", enum=wire.ASPECT_RATIOS),
    Parameter(name="seed", type="integer", minimum=-1, maximum=_MAX_SEED),
    Parameter(name="style_preset"),
    Parameter(name="strength", type="number", minimum=0, maximum=1),
    Parameter(name="search_prompt"),
    Parameter(name="grow_mask", type="integer", minimum=0, maximum=20),
    Parameter(name="upscale_mode", enum=wire.UPSCALE_MODES),
    Parameter(name="creativity", type="number", minimum=0, maximum=0.5),
    Parameter(name="foreground_prompt"),
    Parameter(name="preserve_original_subject", type="number", minimum=0, maximum=1),
    Parameter(name="original_background_depth", type="number", minimum=0, maximum=1),
    Parameter(name="keep_original_background", type="boolean"),
    Parameter(name="light_source_direction", enum=_DIRECTIONS),
    Parameter(name="light_source_strength", type="number", minimum=0, maximum=1),
)


def model(entry: ModelEntry) -> Model:
    """Return a configured model; editing, upscaling and new backgrounds are the same for all of them."""
    family = wire.family(entry.id)
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
