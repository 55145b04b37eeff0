"""What a model can do, and the check of a request against it before anything is queued."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import (
    ModelNotAvailable,
    ReferenceCount,
    UnsupportedOperation,
    ValidationFailed,
)
from imagegen_core.limits import MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.problems.fields import JsonType, Problem, ProblemCode, range_problem
from imagegen_core.problems.tasks import WarningCode
from imagegen_core.providers.form_fields import FormField
from imagegen_core.providers.known_fields import form_field_of
from imagegen_core.providers.prices import Price
from imagegen_core.providers.size_presets import SizePreset
from imagegen_core.providers.sources import Source
from imagegen_core.providers.storable_results import format_problems
from imagegen_core.requests.image_request import RANDOM_SEED, ImageRequest
from imagegen_core.values.frozen_mappings import frozen_mapping


@attrs.frozen(kw_only=True)
class Parameter:
    """One parameter that a model declares.

    ``type`` is ``string``, ``integer``, ``number`` or ``boolean``; ``enum`` lists all allowed values;
    ``minimum`` and ``maximum`` are inclusive; ``multiple_of`` applies to integers. ``form_field`` is what a
    form says of it; by its name if nothing else is.
    """

    name: str
    type: str = "string"
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: int | None = None
    default: Any = None
    form_field: FormField = attrs.field(
        default=attrs.Factory(lambda self: form_field_of(self.name), takes_self=True)
    )

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations that it belongs to alone; empty for a parameter of all."""
        owners = ((operation, operation.rules.own) for operation in Operation)
        return tuple(operation for operation, own in owners if own is not None and own.name == self.name)

    def problem(self, value: Any) -> Message | None:
        """Return what is wrong with ``value``, or None."""
        if not _TYPES[self.type](value):
            return ProblemCode.WRONG_TYPE(types=(JsonType[self.type.upper()](),))
        if self.enum and value not in self.enum:
            return ProblemCode.NOT_ONE_OF(choices=tuple(map(str, self.enum)))
        if reason := range_problem(value, minimum=self.minimum, maximum=self.maximum):
            return reason
        if self.multiple_of and value % self.multiple_of:
            return ProblemCode.NOT_A_MULTIPLE(factor=self.multiple_of)
        return None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or isinstance(value, float)


_TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "string": lambda v: isinstance(v, str),
        "integer": _is_integer,
        "number": _is_number,
        "boolean": lambda v: isinstance(v, bool),
    }
)


class LifecycleStatus(StrEnum):
    """Where a model is in its life with the provider."""

    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


@attrs.frozen(kw_only=True)
class Lifecycle:
    """``retires`` is the first day without the model, ``replaced_by`` the model to use instead.

    A model that has a replacement and no day is deprecated: its provider has not said when it ends.
    """

    retires: dt.date | None = None
    replaced_by: str | None = None

    def status_on(self, day: dt.date) -> LifecycleStatus:
        """Return where the model is in its life on that day."""
        if self.retires is not None and self.retires <= day:
            return LifecycleStatus.RETIRED
        ends = self.retires is not None or self.replaced_by is not None
        return LifecycleStatus.DEPRECATED if ends else LifecycleStatus.ACTIVE


@attrs.frozen(kw_only=True)
class Model:
    """A model of a provider, with all that a caller may ask of it.

    ``sources`` are where all of that was read, none if nobody wrote it down; ``price`` None is not known.
    ``default_size`` is the size of an image whose request says none, in the terms of its price.
    ``accepts_extras`` lets undeclared parameters through to the provider. ``form`` names the parameters that
    a form shows, in order, as far as the model has them; empty for all of them. ``sizes`` are those to choose
    from. ``details`` is the provider adapter's own data about the model and means nothing to anybody else.
    """

    id: str
    name: str = ""
    default: bool = False
    remote_id: str = ""
    operations: tuple[Operation, ...] = (Operation.GENERATE,)
    parameters: tuple[Parameter, ...] = ()
    form: tuple[str, ...] = ()
    sizes: tuple[SizePreset, ...] = ()
    accepts_extras: bool = False
    max_num: int = MAX_NUM
    max_references: int = MAX_REFERENCES
    prompt_chars: int = MAX_PROMPT_CHARS
    default_size: str | None = None
    lifecycle: Lifecycle = Lifecycle()
    price: Price | None = None
    sources: tuple[Source, ...] = ()
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)

    @property
    def upstream_id(self) -> str:
        """The id that goes to the provider."""
        return self.remote_id or self.id

    @property
    def facts_read(self) -> dt.date | None:
        """The oldest day on which one of its facts was read, its price included; None if no day is known."""
        price = () if self.price is None or self.price.source is None else (self.price.source,)
        return min((source.read for source in (*self.sources, *price)), default=None)

    def warning_on(self, day: dt.date) -> Message | None:
        """Return what to know on that day of a model that is retired or will be, naming its replacement."""
        status = self.lifecycle.status_on(day)
        return None if status is LifecycleStatus.ACTIVE else self._warning(WarningCode[status.name]())

    @property
    def ending(self) -> Message | None:
        """The same on a day that is not known."""
        return self._warning(WarningCode.ENDING())

    def _warning(self, status: Message) -> Message | None:
        retires, replaced_by = self.lifecycle.retires, self.lifecycle.replaced_by
        if retires is None and replaced_by is None:
            return None
        if retires is not None:
            status = WarningCode.STATUS_SINCE(status=status, date=retires.isoformat())
        if replaced_by is not None:
            return WarningCode.MODEL_REPLACED(model=self.id, status=status, replacement=replaced_by)
        return WarningCode.MODEL_ENDS(model=self.id, status=status)


def choose_model(models: tuple[Model, ...], model_id: str | None) -> Model:
    """Return the named model, or the default one (the first that says so, else the first).

    Raises:
        ModelNotAvailable: no such model, or no model at all.
    """
    if model_id is None:
        chosen = next((m for m in models if m.default), models[0] if models else None)
    else:
        chosen = next((m for m in models if m.id == model_id), None)
    if chosen is None:
        raise ModelNotAvailable(model_id or "", tuple(m.id for m in models))
    return chosen


def check_operation(operation: Operation, references: int, model: Model) -> None:
    """Check against the model what can be told before any image is decoded.

    Raises:
        UnsupportedOperation: the model cannot do that operation.
        ReferenceCount: no references where some are needed, or too many.
    """
    if operation not in model.operations:
        raise UnsupportedOperation(operation, tuple(str(o) for o in model.operations))
    maximum = min(model.max_references, operation.rules.max_references)
    if operation.rules.max_references > 0 and not 1 <= references <= maximum:
        raise ReferenceCount(references, maximum)


def check_request(request: ImageRequest, model: Model) -> None:
    """Check a request against the model that will serve it.

    Raises:
        UnsupportedOperation: the model cannot do that operation.
        ReferenceCount: no references, or too many.
        ValidationFailed: a parameter is undeclared, of the wrong type or out of range.
    """
    check_operation(request.operation, len(request.references), model)
    problems = tuple(_problems(request, model))
    if problems:
        raise ValidationFailed(*problems)


def _problems(request: ImageRequest, model: Model) -> Iterator[Problem]:
    if len(request.prompt) > model.prompt_chars:
        reason = ProblemCode.TOO_LONG_FOR_MODEL(maximum=model.prompt_chars, model=model.id)
        yield Problem(field="prompt", reason=reason)
    if request.num > model.max_num:
        reason = ProblemCode.TOO_LARGE_FOR_MODEL(maximum=model.max_num, model=model.id)
        yield Problem(field="params.num", reason=reason)
    declared = {p.name: p for p in model.parameters}
    yield from format_problems(request.params, model.upstream_id, {p.name: p.enum for p in model.parameters})
    for name, value in request.params.items():
        if name == "num" or request.operation.rules.implies(name, value):
            continue
        parameter = declared.get(name)
        if parameter is None:
            if not model.accepts_extras:
                reason = ProblemCode.NOT_A_PARAMETER(model=model.id)
                yield Problem(field=f"params.{name}", reason=reason)
        elif (name, value) != ("seed", RANDOM_SEED) and (problem := parameter.problem(value)):
            yield Problem(field=f"params.{name}", reason=problem)
