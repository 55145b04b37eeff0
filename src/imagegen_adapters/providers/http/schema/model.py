"""A model: what it takes, within which limits, until when and for how much."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.http.schema.size import SizeSpec
from imagegen_core.limits import MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES
from imagegen_core.operations import Operation
from imagegen_core.providers.capabilities import Lifecycle
from imagegen_core.providers.form_fields import Group, Label
from imagegen_core.providers.prices import Price
from imagegen_core.providers.sources import Source


@attrs.frozen(kw_only=True)
class ParamSpec:
    """One parameter of a model; ``default`` is sent if the caller omits it.

    What a form says of it (``label``, ``group``, ``unit``, ``description``, and ``choices`` as labels of its
    values) is that of a known parameter of its name, as far as nothing else is given here.
    """

    type: str = "string"
    enum: tuple[Any, ...] = ()
    min: float | None = None
    max: float | None = None
    multiple_of: int | None = None
    default: Any = None
    label: Label | None = None
    group: Group | None = None
    unit: Label | None = None
    description: Label | None = None
    choices: Mapping[str, Label] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Limits:
    """What a model accepts.

    For each image but the mask: ``ref_mimes`` (empty: all), ``ref_bytes_max``, ``min_px`` and
    ``max_px`` (width times height), ``side_min`` and ``side_max`` (each of them), ``ratio`` (width by height,
    lowest and highest). For all together: ``total_bytes_max``. Bytes are counted before any encoding.
    """

    prompt_chars: int = MAX_PROMPT_CHARS
    n_max: int = MAX_NUM
    refs_max: int = MAX_REFERENCES
    ref_mimes: tuple[str, ...] = ()
    ref_bytes_max: int | None = None
    total_bytes_max: int | None = None
    min_px: int | None = None
    max_px: int | None = None
    side_min: int | None = None
    side_max: int | None = None
    ratio: tuple[float, float] | None = None


@attrs.frozen(kw_only=True)
class ModelSpec:
    """A model: what it can do, by which operation, within which limits, until when and for how much.

    ``size_for`` are the sizes of operations that have others than ``size``. ``refuses`` names parameters that
    the operation's request has and this model does not take; ``excludes`` are values of declared parameters
    that it does not take together. ``sources`` are those of this model, beside the
    document's.
    """

    id: str
    name: str = ""
    default: bool = False
    remote_id: str = ""
    vars: Mapping[str, Any] = attrs.field(factory=dict)
    capabilities: tuple[Operation, ...] = (Operation.GENERATE,)
    operation: Mapping[Operation, str] = attrs.field(factory=dict)
    limits: Limits = Limits()
    size: SizeSpec | None = None
    size_for: Mapping[Operation, SizeSpec] = attrs.field(factory=dict)
    params: Mapping[str, ParamSpec] = attrs.field(factory=dict)
    refuses: tuple[str, ...] = ()
    excludes: tuple[Mapping[str, Any], ...] = ()
    extras: str | None = None
    retires: dt.date | None = None
    replaced_by: str | None = None
    price: Price | None = None
    sources: tuple[Source, ...] = ()

    @property
    def lifecycle(self) -> Lifecycle:
        """How long it lives."""
        return Lifecycle(retires=self.retires, replaced_by=self.replaced_by)

    def size_of(self, operation: Operation) -> SizeSpec | None:
        """Return the sizes that the model makes by an operation."""
        return self.size_for.get(operation, self.size)
