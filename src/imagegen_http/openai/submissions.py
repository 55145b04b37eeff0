"""Translates requests in OpenAI's format into submissions."""

from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.models import Model, Parameter, common
from imagegen_core.operations import OPENAI_EDITS, OPENAI_GENERATIONS, Operation
from imagegen_core.problems import ProblemCode
from imagegen_core.requests import parse_size
from imagegen_core.task import Submission
from imagegen_http.openai.image_request import ImageRequest
from imagegen_http.problems.messages import RequestProblem

_PARTIAL_IMAGES = "partial_images"

_LEGACY_VALUES: Mapping[tuple[str, str], str | None] = {
    ("quality", "standard"): None,
    ("quality", "hd"): "high",
}
"""Values from the times of DALL·E, for a model that does not declare them; None is its default."""

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
"""Parameters that a model which accepts extras gets in addition to those that it declares.

They are OpenAI's fields about the image, which may affect its price, and the common parameters. Whatever else
clients put into a body is not meant for the model.
"""


def possible_operations(image_request: ImageRequest) -> tuple[Operation, ...]:
    """Return the operations that `build_submission` may choose, depending on the model."""
    path = OPENAI_GENERATIONS if image_request.images is None else OPENAI_EDITS
    return tuple(operation for operation in Operation if operation.rules.openai_path == path)


def build_submission(image_request: ImageRequest, provider_name: str, model: Model) -> Submission:
    """Return the submission, which the core will check.

    Fields that the model does not declare are dropped, as gateways of this kind do; if the model accepts
    extras, those that OpenAI declares are kept. Several images are references; a single one is edited, or is
    a reference if the model cannot edit.

    Raises:
        ValidationFailed: there is no image to edit, or a mask with several images.
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
        raise ValidationFailed.for_field("image", ProblemCode.REQUIRED())
    if len(images) > 1:
        if image_request.mask is not None:
            raise ValidationFailed.for_field("mask", RequestProblem.MASK_OF_SEVERAL())
        return Operation.REFERENCE
    can_edit = Operation.EDIT in model.operations or Operation.REFERENCE not in model.operations
    return Operation.EDIT if can_edit or image_request.mask is not None else Operation.REFERENCE


def _params(image_request: ImageRequest, model: Model) -> Iterator[tuple[str, Any]]:
    declared = {parameter.name: parameter for parameter in model.parameters}
    if image_request.generation.n is not None:
        yield "num", image_request.generation.n
    yield from _size(image_request.generation.size, declared).items()
    accepted = {**_OPENAI_PARAMETERS, **declared} if model.accepts_extras else declared
    for name, field in image_request.fields.items():
        if name == _PARTIAL_IMAGES and not image_request.generation.stream:
            continue  # nobody would see what each of them costs
        if name in accepted and name != "num" and (name in declared or field != "auto"):
            value = _value(accepted[name], field)
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


def _value(parameter: Parameter, field: Any) -> Any:
    """Return the field's value, converted to the declared type if it is a form's text; None to omit it."""
    if not isinstance(field, str):
        return field
    text: str | None = field
    if parameter.enum and field not in parameter.enum:
        if field == "auto":
            return None
        text = _LEGACY_VALUES.get((parameter.name, field), field)
    if parameter.type == "string" or text is None:
        return text
    if parameter.type == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return int(text) if parameter.type == "integer" else float(text)
    except ValueError:
        return text
