"""The models of an A1111 server: its checkpoints, which all take the same."""

import datetime as dt

from imagegen_core.config import ModelEntry
from imagegen_core.forms import FormField, Group, form_field_of, in_pixels
from imagegen_core.models import Model, Parameter, common
from imagegen_core.operations import Operation
from imagegen_core.prices import Source

DEFAULT_MODEL = "default"
"""The model id for whichever checkpoint the server has loaded."""

SHIPPED_MODELS = (ModelEntry(id=DEFAULT_MODEL, name="Loaded checkpoint", default=True),)
"""The models of a configuration that lists none."""

SOURCES = (
    Source(
        url="https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API",
        read=dt.date(2026, 11, 24),
    ),
)

_OPERATIONS = (Operation.GENERATE, Operation.REFERENCE, Operation.EDIT, Operation.UPSCALE)
_PARAMETERS = (
    *common("num", "width", "height", "size", "steps", "cfg_scale", "seed", "negative_prompt"),
    *common("upscale_factor", "edit_mode"),
    Parameter(name="sampler_name"),
    Parameter(name="scheduler"),
    Parameter(
        name="denoising_strength",
        type="number",
        minimum=0,
        maximum=1,
        form_field=form_field_of("strength"),
    ),
    Parameter(
        name="enable_hr",
        type="boolean",
        form_field=FormField.labelled("高清修复", "High-resolution fix", Group.SAMPLING),
    ),
    Parameter(
        name="hr_scale",
        type="number",
        minimum=1,
        maximum=4,
        form_field=FormField.labelled("高清修复倍数", "High-resolution factor", Group.SAMPLING),
    ),
    Parameter(
        name="hr_upscaler",
        form_field=FormField.labelled("高清修复放大算法", "High-resolution upscaler", Group.SAMPLING),
    ),
    Parameter(
        name="n_iter",
        type="integer",
        minimum=1,
        maximum=10,
        form_field=FormField.labelled("批次数", "Batches", Group.SAMPLING),
    ),
    Parameter(name="upscaler_1", form_field=FormField.labelled("放大算法", "Upscaler", Group.EDITING)),
)
_FORM = ("size", "num", "negative_prompt", "steps", "cfg_scale", "seed", "sampler_name", "scheduler")
_SIZES = in_pixels(
    lambda ratio, side: (round(side * ratio**0.5 / 8) * 8, round(side / ratio**0.5 / 8) * 8),
    {"512": 512, "1K": 1024},
)


def model(entry: ModelEntry) -> Model:
    """Return a configured model."""
    operations = _OPERATIONS if entry.capabilities is None else entry.capabilities
    return Model(
        id=entry.id,
        name=entry.name,
        default=entry.default,
        operations=tuple(o for o in operations if o in _OPERATIONS),
        parameters=_PARAMETERS,
        form=_FORM,
        sizes=_SIZES,
        accepts_extras=True,
        max_references=1,
        sources=SOURCES,
    )
