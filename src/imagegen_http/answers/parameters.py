"""Parameters of a model, and what a form needs to show them."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from imagegen_core.operations import Operation
from imagegen_core.providers.capabilities import Parameter as CoreParameter
from imagegen_core.providers.form_fields import Group
from imagegen_core.providers.form_fields import Label as CoreLabel
from imagegen_core.providers.size_presets import SizePreset as CoreSizePreset
from imagegen_http.answers.fields import Answer, JsonObject, Scalar, doc, if_any


class Label(Answer, frozen=True, kw_only=True):
    """A few words for people, in each language."""

    zh: Annotated[str, doc("Chinese", "步数")]
    en: Annotated[str, doc("English", "Steps")]

    @classmethod
    def from_label(cls, label: CoreLabel) -> "Label":
        """Return a label."""
        return cls(zh=label.zh, en=label.en)


class ParameterGroup(Answer, frozen=True, kw_only=True):
    """A group of parameters in a form."""

    id: Annotated[Group, doc("what `group` of a parameter names it by", "sampling")]
    label: Annotated[Label, doc("its heading", {"zh": "采样", "en": "Sampling"})]

    @classmethod
    def all(cls) -> "list[ParameterGroup]":
        """Return every group, in the order of a form."""
        return [cls(id=group, label=Label.from_label(group.label)) for group in Group]


class ModelParameter(Answer, frozen=True, kw_only=True):
    """A parameter that a model takes; what does not limit it is left out."""

    name: Annotated[str, doc("its key in `params`", "steps")]
    type: Annotated[
        str, doc("type of its values", "integer", enum=["string", "integer", "number", "boolean"])
    ]
    enum: Annotated[list[Scalar] | UnsetType, doc("all values that are taken", [20, 30])] = UNSET
    minimum: Annotated[float | UnsetType, doc("the least value", 1)] = UNSET
    maximum: Annotated[float | UnsetType, doc("the greatest value", 50)] = UNSET
    multiple_of: Annotated[int | UnsetType, doc("values are multiples of it", 1)] = UNSET
    default: Annotated[Scalar | UnsetType, doc("what holds when it is left out", 30)] = UNSET
    label: Annotated[Label, doc("its name for people", {"zh": "步数", "en": "Steps"})]
    group: Annotated[Group, doc("where a form puts it, one of `groups`", "sampling")]
    unit: Annotated[Label | UnsetType, doc("of its values", {"zh": "像素", "en": "px"})] = UNSET
    description: Annotated[
        Label | UnsetType, doc("what it does", {"zh": "越多越慢", "en": "the more, the slower"})
    ] = UNSET
    value_labels: Annotated[
        dict[str, Label] | UnsetType,
        doc(
            "names of values for people; a value without one speaks for itself",
            {"hd": {"zh": "高清", "en": "HD"}},
        ),
    ] = UNSET
    operations: Annotated[
        list[Operation] | UnsetType, doc("the only operations that it belongs to", ["upscale"])
    ] = UNSET

    @classmethod
    def from_parameter(cls, parameter: CoreParameter) -> "ModelParameter":
        """Return a parameter."""
        field = parameter.form_field
        return cls(
            name=parameter.name,
            type=parameter.type,
            enum=list(parameter.enum) or UNSET,
            minimum=_bound(parameter, parameter.minimum),
            maximum=_bound(parameter, parameter.maximum),
            multiple_of=if_any(parameter.multiple_of),
            default=if_any(parameter.default),
            label=Label.from_label(field.label),
            group=field.group,
            unit=UNSET if field.unit is None else Label.from_label(field.unit),
            description=UNSET if field.description is None else Label.from_label(field.description),
            value_labels=_value_labels(parameter) or UNSET,
            operations=list(parameter.operations) or UNSET,
        )


def _bound(parameter: CoreParameter, bound: float | None) -> float | UnsetType:
    """Return a bound as a number of the parameter's type, however a document wrote it."""
    return int(bound) if bound is not None and parameter.type == "integer" else if_any(bound)


def _value_labels(parameter: CoreParameter) -> dict[str, Label]:
    """Return the labels of the values that the parameter has."""
    choices = parameter.form_field.choices
    values = {str(value) for value in parameter.enum} if parameter.enum else set(choices)
    return {value: Label.from_label(label) for value, label in choices.items() if value in values}


class SizePreset(Answer, frozen=True, kw_only=True):
    """A size to choose, and the parameters that ask for it."""

    label: Annotated[str, doc("what tells it from the others", "16:9 2K")]
    ratio: Annotated[str | None, doc("its shape; null where the model chooses", "16:9")]
    resolution: Annotated[str | None, doc("about how large, if the model has several", "2K")]
    width: Annotated[int | None, doc("pixels, where they are known", 2048)]
    height: Annotated[int | None, doc("pixels, where they are known", 1152)]
    params: Annotated[JsonObject, doc("what a request's `params` contain for it", {"size": "2048x1152"})]
    operations: Annotated[
        list[Operation] | UnsetType, doc("the only operations that make it", ["generate"])
    ] = UNSET

    @classmethod
    def from_preset(cls, preset: CoreSizePreset) -> "SizePreset":
        """Return a size."""
        return cls(
            label=preset.label,
            ratio=preset.ratio,
            resolution=preset.resolution,
            width=preset.width,
            height=preset.height,
            params=dict(preset.params),
            operations=list(preset.operations) or UNSET,
        )
