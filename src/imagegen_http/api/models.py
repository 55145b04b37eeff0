"""Models: what each can do, its parameters, sizes, price and end."""

import datetime as dt
from typing import Annotated

from msgspec import UNSET, UnsetType

from imagegen_core.facts import Group, TokenKind, Unit
from imagegen_core.models import LifecycleStatus, form_of
from imagegen_core.models import Model as CoreModel
from imagegen_core.models import Parameter as CoreParameter
from imagegen_core.requests import Operation
from imagegen_http.schemas import Answer, JsonObject, Scalar, doc, if_any


class Label(Answer, frozen=True, kw_only=True):
    """A few words for people, in each language."""

    zh: Annotated[str, doc("Chinese", "步数")]
    en: Annotated[str, doc("English", "Steps")]


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
        field = parameter.form_field
        return cls.from_attributes(
            parameter,
            minimum=_bound(parameter, parameter.minimum),
            maximum=_bound(parameter, parameter.maximum),
            default=if_any(parameter.default),
            label=Label.from_attributes(field.label),
            group=field.group,
            unit=UNSET if field.unit is None else Label.from_attributes(field.unit),
            description=UNSET if field.description is None else Label.from_attributes(field.description),
            value_labels={
                value: Label.from_attributes(label)
                for value, label in field.choices.items()
                if not parameter.enum or value in map(str, parameter.enum)
            }
            or UNSET,
        )


def _bound(parameter: CoreParameter, bound: float | None) -> float | UnsetType:
    """Return a bound in the parameter's type; a document may write 1.0 for an integer."""
    return int(bound) if bound is not None and parameter.type == "integer" else if_any(bound)


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


class ModelLimits(Answer, frozen=True, kw_only=True):
    """How much one request to a model may ask for."""

    max_num: Annotated[int, doc("images", 10)]
    max_references: Annotated[int, doc("reference images", 14)]
    prompt_chars: Annotated[int, doc("characters of the prompt", 32000)]


class ModelLifecycle(Answer, frozen=True, kw_only=True):
    """When a model is or was switched off, and what to use instead."""

    status: Annotated[LifecycleStatus, doc("whether it is gone already", "deprecated")]
    date: Annotated[str | None, doc("the day of its end", "2026-12-31", format="date")]
    replacement: Annotated[str | None, doc("the model to use instead", "demo-2")]


class ModelRate(Answer, frozen=True, kw_only=True):
    """What a provider charges for a unit; conditions that are left out apply to all."""

    amount: Annotated[str, doc("a decimal number", "0.20")]
    per: Annotated[Unit, doc("what it buys", "image")]
    tokens: Annotated[TokenKind | UnsetType, doc("which tokens it is for", "image_output")] = UNSET
    sizes: Annotated[list[str] | UnsetType, doc("sizes that it is for", ["2K"])] = UNSET
    qualities: Annotated[list[str] | UnsetType, doc("qualities that it is for", ["high"])] = UNSET
    max_pixels: Annotated[int | UnsetType, doc("the largest area of an image that it is for", 1048576)] = (
        UNSET
    )
    free: Annotated[int | UnsetType, doc("how many input images of a call cost nothing", 1)] = UNSET
    operations: Annotated[list[Operation] | UnsetType, doc("operations that it is for", ["edit"])] = UNSET


class ModelPrice(Answer, frozen=True, kw_only=True):
    """A price list; of several rates for images, the first that applies counts."""

    currency: Annotated[str, doc("in which the provider bills", "CNY")]
    rates: Annotated[list[ModelRate], doc("its lines")]


class Model(Answer, frozen=True, kw_only=True):
    """A model and what it can do."""

    id: Annotated[str, doc("what `model_id` names it by", "demo")]
    name: Annotated[str, doc("its name for people", "Demo")]
    default: Annotated[bool, doc("whether a task that names no model goes to it", example=True)]
    capabilities: Annotated[list[Operation], doc("the operations that it takes", ["generate"])]
    limits: Annotated[ModelLimits, doc("how much one request may ask for")]
    parameters: Annotated[list[ModelParameter], doc("the parameters that it takes")]
    form: Annotated[
        list[str],
        doc(
            "the fields that a form shows, in order; `size` is one for all that sets a size", ["size", "num"]
        ),
    ]
    sizes: Annotated[list[SizePreset], doc("the sizes to choose from; empty where there is no choice")]
    accepts_extras: Annotated[bool, doc("whether other parameters go to the provider, too", example=False)]
    price: Annotated[ModelPrice | None, doc("null where no price is known", None)]
    lifecycle: Annotated[ModelLifecycle | None, doc("null while it goes on", None)]
    facts_read: Annotated[
        str | None, doc("the oldest day on which its facts were read", "2026-11-26", format="date")
    ]

    @classmethod
    def from_model(cls, model: CoreModel, today: dt.date) -> "Model":
        end, status = model.lifecycle, model.lifecycle.status_on(today)
        lifecycle = ModelLifecycle.from_attributes(
            end, status=status, date=end.retires, replacement=end.replaced_by
        )
        rates = model.price.rates if model.price else ()
        lines = [ModelRate.from_attributes(rate, amount=format(rate.amount, "f")) for rate in rates]
        return cls.from_attributes(
            model,
            name=model.name or model.id,
            capabilities=model.operations,
            limits=ModelLimits.from_attributes(model),
            parameters=[ModelParameter.from_parameter(parameter) for parameter in model.parameters],
            form=form_of(model),
            sizes=[SizePreset.from_attributes(size, params=dict(size.params)) for size in model.sizes],
            price=ModelPrice(currency=model.price.currency, rates=lines) if model.price else None,
            lifecycle=None if status is LifecycleStatus.ACTIVE else lifecycle,
        )
