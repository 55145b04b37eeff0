"""What a workflow can do, as the models of its provider."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from imagegen_adapters.providers.comfyui.workflow import Workflow
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.forms import in_pixels
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.models import COMMON, Model, Parameter, common
from imagegen_core.operations import Operation
from imagegen_core.prices import Source

WORKFLOW_MODEL = "workflow"
"""The id of the only model of a workflow that takes none."""

SOURCES = (
    Source(url="https://github.com/Comfy-Org/ComfyUI/blob/master/server.py", read=dt.date(2026, 11, 27)),
)

_SIZES = in_pixels(
    lambda ratio, side: (round(side * ratio**0.5 / 16) * 16, round(side / ratio**0.5 / 16) * 16),
    {"512": 512, "1K": 1024},
)
_NO_PARAMETERS = frozenset({"prompt", "image", "mask", "references", "model"})
_COMMON_NAMES = frozenset(parameter.name for parameter in COMMON)


def models_of(workflow: Workflow, config: ProviderConfig) -> tuple[Model, ...]:
    """Return a model for each entry of the configuration; without any, the one of the workflow itself."""
    parameters = tuple(_parameters(workflow))
    return tuple(_model(entry, workflow, parameters) for entry in config.models or (_own_model(workflow),))


def operation_of(workflow: Workflow) -> Operation:
    """Return the operation that a workflow serves: by the images that it takes."""
    if "references" in workflow.inputs:
        return Operation.REFERENCE
    return Operation.EDIT if "image" in workflow.inputs else Operation.GENERATE


def _own_model(workflow: Workflow) -> ModelEntry:
    model_id = str(workflow.value("model")) if "model" in workflow.inputs else WORKFLOW_MODEL
    return ModelEntry(id=model_id, default=True)


def _model(entry: ModelEntry, workflow: Workflow, parameters: tuple[Parameter, ...]) -> Model:
    served = operation_of(workflow)
    operations = (served,) if entry.capabilities is None else entry.capabilities
    return Model(
        id=entry.id,
        name=entry.name,
        default=entry.default,
        operations=tuple(operation for operation in operations if operation is served),
        parameters=parameters,
        sizes=_SIZES if any(parameter.name == "width" for parameter in parameters) else (),
        sources=SOURCES,
        max_references=len(workflow.inputs.get("references", ())) or MAX_REFERENCES,
    )


def _parameters(workflow: Workflow) -> Iterator[Parameter]:
    names = {"num", *workflow.inputs} - _NO_PARAMETERS
    if {"width", "height"} <= names:
        names.add("size")
    for name in sorted(names):
        if name in _COMMON_NAMES:
            yield from common(name)
        else:
            yield Parameter(name=name, type=_type_of(workflow.value(name)))


def _type_of(value: Any) -> str:
    """Return the type of a parameter by what was exported for it; 1.0 is exported as 1."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"
