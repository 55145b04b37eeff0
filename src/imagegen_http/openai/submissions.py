"""Says in our words what a client of OpenAI's wants of a model."""

from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.operations import OPENAI_EDITS, OPENAI_GENERATIONS, Operation, parse_size
from imagegen_core.providers.capabilities import Model, Parameter
from imagegen_core.providers.parameters import common
from imagegen_core.tasks.submission import Submission
from imagegen_http.openai.image_request import ImageRequest

_LEGACY_VALUES: Mapping[tuple[str, str], str | None] = {
    ("quality", "standard"): None,
    ("quality", "hd"): "high",
}
"""Values of the DALL·E times, for a model that does not know them; None: its default."""


_OPENAI_PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        *(
            Parameter(name=name)
            for name in ("quality", "style", "background", "moderation", "input_fidelity")
        ),
        Parameter(name="output_format"),
        Parameter(name="output_compression", type="integer"),
        *common("seed", "negative_prompt", "steps", "cfg_scale"),
    )
}
"""What a model that takes anything is told beside what it declares.

OpenAI's fields about the image, which may decide its price, and the common parameters. Whatever else clients
put into a body is not for the model.
"""


def possible_operations(image_request: ImageRequest) -> tuple[Operation, ...]:
    """Return all that `build_submission` may make of it, whatever the model."""
    path = OPENAI_GENERATIONS if image_request.images is None else OPENAI_EDITS
    return tuple(operation for operation in Operation if operation.rules.openai_path == path)


def build_submission(image_request: ImageRequest, provider_name: str, model: Model) -> Submission:
    """Return the request for the core to check.

    Fields that the model does not declare are left out, as gateways of this kind do, but for those that
    OpenAI declares where the model takes more than it says. Several images are references; one is
    edited, or is a reference where the model cannot edit.

    Raises:
        ValidationFailed: no image to edit, or a mask for several.
    """
    params = dict(_params(image_request, model))
    generation, images = image_request.generation, image_request.images
    if images is None:
        return Submission(
            prompt=generation.prompt, params=params, provider_name=provider_name, model_id=model.id
        )
    operation = _operation(image_request, model)
    rules = operation.rules
    return Submission(
        operation=operation,
        prompt=generation.prompt,
        params=params,
        provider_name=provider_name,
        model_id=model.id,
        image=images[0] if rules.takes_image else None,
        references=images if rules.max_references else (),
        mask=image_request.mask,
    )


def _operation(image_request: ImageRequest, model: Model) -> Operation:
    images = image_request.images or ()
    if not images:
        raise ValidationFailed.of("image", "is required")
    if len(images) > 1:
        if image_request.mask is not None:
            raise ValidationFailed.of("mask", "goes with one image only")
        return Operation.REFERENCE
    can_edit = Operation.EDIT in model.operations or Operation.REFERENCE not in model.operations
    return Operation.EDIT if can_edit or image_request.mask is not None else Operation.REFERENCE


def _params(image_request: ImageRequest, model: Model) -> Iterator[tuple[str, Any]]:
    declared = {parameter.name: parameter for parameter in model.parameters}
    if image_request.generation.n is not None:
        yield "num", image_request.generation.n
    yield from _size(image_request.generation.size, declared).items()
    known = {**_OPENAI_PARAMETERS, **declared} if model.accepts_extras else declared
    for name, given in image_request.fields.items():
        if name in known and name != "num" and (name in declared or given != "auto"):
            value = _value(known[name], given)
            if value is not None:
                yield name, value


def _size(size: str | None, declared: Mapping[str, Parameter]) -> dict[str, Any]:
    if not size or size == "auto":
        return {}
    if "size" in declared:
        return {"size": size}
    sides = parse_size(size)
    if sides is not None and {"width", "height"} <= declared.keys():
        return {"width": sides[0], "height": sides[1]}
    return {}


def _value(parameter: Parameter, given: Any) -> Any:
    """Return a value of the declared type where a form's text can be read as one; None: say nothing."""
    if not isinstance(given, str):
        return given
    if parameter.enum and given not in parameter.enum:
        if given == "auto":
            return None
        given = _LEGACY_VALUES.get((parameter.name, given), given)
    if parameter.type == "string" or given is None:
        return given
    if parameter.type == "boolean":
        return {"true": True, "false": False}.get(given.lower(), given)
    try:
        return int(given) if parameter.type == "integer" else float(given)
    except ValueError:
        return given
