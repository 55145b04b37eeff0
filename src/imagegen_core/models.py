"""What a provider's models can do and cost, and the check of a request before it is queued."""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import (
    ModelNotAvailable,
    ReferenceCount,
    UnsupportedOperation,
    ValidationFailed,
    text_problems,
)
from imagegen_core.facts import (
    KNOWN_FIELDS,
    SIZE_NAMES,
    FormField,
    Group,
    Price,
    SizePreset,
    Source,
    form_field_of,
)
from imagegen_core.limits import MAX_IMAGE_PIXELS, MAX_NUM, MAX_PROMPT_CHARS, MAX_REFERENCES, MAX_SIDE_PIXELS
from imagegen_core.messages import JsonType, Message, Problem, ProblemCode, WarningCode, range_problem
from imagegen_core.requests import (
    DEFAULT_EDIT_MODE,
    DEFAULT_UPSCALE_FACTOR,
    RANDOM_SEED,
    UPSCALE_FACTORS,
    ImageRequest,
    InputImage,
    Operation,
    parse_size,
)
from imagegen_core.values import frozen_mapping

_FORMATS = ("png", "jpeg", "jpg", "webp", "gif", "avif", "svg")

_FORMAT_NAMES = frozenset({"format", "mimetype"}) | {
    f"{owner}{kind}"
    for owner in ("output", "image", "file", "outputimage", "outputfile", "responseimage", "samples")
    for kind in ("format", "mimetype", "extension")
}
"""Parameters that choose a file format, without case, hyphens and underscores."""


def format_problems(params: Mapping[str, Any], model: "Model") -> Iterator[Problem]:
    """Yield a problem for each parameter, at any depth, that asks for a format that is not stored.

    A parameter whose ``enum`` names no format means something else.
    """
    choices = {p.name: p.enum for p in model.parameters}
    for name, value in params.items():
        if choices.get(name) and not any(_is_stored(choice) for choice in choices[name]):
            continue
        for path, text in _formats(name, value, chooses=False):
            if not _is_stored(text):
                yield Problem(f"params.{path}", ProblemCode.NOT_ONE_OF(choices=_FORMATS))


def check_result_size(params: Mapping[str, Any], width: float, height: float) -> None:
    """Refuse parameters whose images would have too many pixels to be stored."""
    if width * height > MAX_IMAGE_PIXELS:
        megapixels = MAX_IMAGE_PIXELS // 1_000_000
        reason = ProblemCode.SIZE_NOT_STORED(width=round(width), height=round(height), maximum=megapixels)
        fields = [f"params.{name}" for name in ("size", "width", "height") if name in params]
        raise ValidationFailed(*(Problem(field, reason) for field in fields or ["params"]))


def check_upscaled(image: InputImage, params: Mapping[str, Any], factor: int | None = None) -> None:
    """Refuse an image too large to be stored once enlarged; ``factor`` if the provider has its own."""
    if factor is None:
        factor = UPSCALE_FACTORS[params.get("upscale_factor", DEFAULT_UPSCALE_FACTOR)]
    width, height = image.width * factor, image.height * factor
    if width * height > MAX_IMAGE_PIXELS:
        reason = ProblemCode.UPSCALE_NOT_STORED(
            factor=factor, width=width, height=height, maximum=MAX_IMAGE_PIXELS // 1_000_000
        )
        field = "params.upscale_factor" if "upscale_factor" in params else "image"
        raise ValidationFailed.for_field(field, reason)


def _formats(path: str, value: Any, *, chooses: bool) -> Iterator[tuple[str, str]]:
    """Yield path and value of each text that chooses a format; ``chooses`` if its list does."""
    name = path.rpartition(".")[2]
    chooses = chooses or re.sub("[_-]", "", name).casefold() in _FORMAT_NAMES
    if isinstance(value, str) and chooses:
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _formats(f"{path}.{key}", item, chooses=False)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _formats(f"{path}.{index}", item, chooses=chooses)


def _is_stored(value: Any) -> bool:
    return isinstance(value, str) and value.casefold().removeprefix("image/").removesuffix("+xml") in _FORMATS


@attrs.frozen(kw_only=True)
class Parameter:
    """One parameter that a model declares.

    ``type`` is ``string``, ``integer``, ``number`` or ``boolean``; ``enum`` lists all allowed values.
    ``minimum`` and ``maximum`` are inclusive; ``multiple_of`` applies to integers.
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
        """The operations that alone have it; empty for a parameter of all."""
        owners = ((operation, operation.rules.own) for operation in Operation)
        return tuple(operation for operation, own in owners if own is not None and own.name == self.name)

    def problem(self, value: Any) -> Message | None:
        if not _TYPES[self.type](value):
            return ProblemCode.WRONG_TYPE(types=(JsonType[self.type.upper()](),))
        if self.enum and value not in self.enum:
            return ProblemCode.NOT_ONE_OF(choices=tuple(map(str, self.enum)))
        if reason := range_problem(value, minimum=self.minimum, maximum=self.maximum):
            return reason
        if self.multiple_of and value % self.multiple_of:
            return ProblemCode.NOT_A_MULTIPLE(factor=self.multiple_of)
        return None


_TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": lambda value: isinstance(value, bool),
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

    With a replacement and no day it is deprecated: its provider has not said when it ends.
    """

    retires: dt.date | None = None
    replaced_by: str | None = None

    def status_on(self, day: dt.date) -> LifecycleStatus:
        if self.retires is not None and self.retires <= day:
            return LifecycleStatus.RETIRED
        ends = self.retires is not None or self.replaced_by is not None
        return LifecycleStatus.DEPRECATED if ends else LifecycleStatus.ACTIVE


@attrs.frozen(kw_only=True)
class Model:
    """A model of a provider, with all that a caller may ask of it.

    ``sources`` are where that was read; a ``price`` of None is not known. ``default_size`` is the size of an
    image whose request says none. ``accepts_extras`` lets undeclared parameters through to the provider.
    ``takes_mask``: an edit repaints what its mask shows and nothing else; else a mask is advice, or refused.
    ``form`` names the parameters of a form in order; empty for all. ``details`` are the adapter's own.
    ``batch_factor`` is the part of its price that a call in a batch job costs; None without such jobs.
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
    takes_mask: bool = False
    max_num: int = MAX_NUM
    max_references: int = MAX_REFERENCES
    prompt_chars: int = MAX_PROMPT_CHARS
    default_size: str | None = None
    lifecycle: Lifecycle = Lifecycle()
    price: Price | None = None
    batch_factor: Decimal | None = None
    sources: tuple[Source, ...] = ()
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)

    @property
    def upstream_id(self) -> str:
        return self.remote_id or self.id

    @property
    def facts_read(self) -> dt.date | None:
        """The oldest day on which one of its facts was read, its price included."""
        price = () if self.price is None or self.price.source is None else (self.price.source,)
        return min((source.read for source in (*self.sources, *price)), default=None)

    @property
    def in_batch(self) -> "Model":
        """The model at the price of a batch job."""
        if self.price is None or self.batch_factor is None:
            return self
        return attrs.evolve(self, price=self.price.times(self.batch_factor))

    def warning_on(self, day: dt.date | None) -> Message | None:
        """Warn of a model that is retired on that day or will be; None means an unknown day."""
        retires, replaced_by = self.lifecycle.retires, self.lifecycle.replaced_by
        if retires is None and replaced_by is None:
            return None
        status = WarningCode.ENDING() if day is None else WarningCode[self.lifecycle.status_on(day).name]()
        if retires is not None:
            status = WarningCode.STATUS_SINCE(status=status, date=retires.isoformat())
        if replaced_by is not None:
            return WarningCode.MODEL_REPLACED(model=self.id, status=status, replacement=replaced_by)
        return WarningCode.MODEL_ENDS(model=self.id, status=status)


def choose_model(models: tuple[Model, ...], model_id: str | None) -> Model:
    """Return the named model, or the default one."""
    named = (m for m in models if m.id == model_id)
    chosen = next(named, None) if model_id is not None else default_of(models)
    if chosen is None:
        raise ModelNotAvailable(model_id or "", tuple(m.id for m in models))
    return chosen


def default_of(models: Sequence[Model]) -> Model | None:
    """Return the model that says it is the default, else the first."""
    return next((m for m in models if m.default), models[0] if models else None)


def check_operation(operation: Operation, references: int, model: Model) -> None:
    """Check what can be told before any image is decoded."""
    if operation not in model.operations:
        raise UnsupportedOperation(operation, tuple(map(str, model.operations)))
    maximum = min(model.max_references, operation.rules.max_references)
    if operation.rules.max_references > 0 and not 1 <= references <= maximum:
        raise ReferenceCount(references, maximum)


def check_request(request: ImageRequest, model: Model) -> None:
    check_operation(request.operation, len(request.references), model)
    if problems := tuple(_problems(request, model)):
        raise ValidationFailed(*problems)


def _problems(request: ImageRequest, model: Model) -> Iterator[Problem]:
    if len(request.prompt) > model.prompt_chars:
        yield Problem("prompt", ProblemCode.TOO_LONG_FOR_MODEL(maximum=model.prompt_chars, model=model.id))
    if request.num > model.max_num:
        yield Problem("params.num", ProblemCode.TOO_LARGE_FOR_MODEL(maximum=model.max_num, model=model.id))
    declared = {p.name: p for p in model.parameters}
    yield from format_problems(request.params, model)
    for name, value in request.params.items():
        if name == "num" or request.operation.rules.implies(name, value):
            continue
        if name not in declared:
            problem = None if model.accepts_extras else ProblemCode.NOT_A_PARAMETER(model=model.id)
        else:
            problem = None if (name, value) == ("seed", RANDOM_SEED) else declared[name].problem(value)
        if problem is not None:
            yield Problem(f"params.{name}", problem)


EDIT_MODES = (
    *(DEFAULT_EDIT_MODE, "EDIT_MODE_INPAINT_REMOVAL", "EDIT_MODE_OUTPAINT", "EDIT_MODE_BGSWAP"),
    *("EDIT_MODE_CONTROLLED_EDITING", "EDIT_MODE_STYLE", "EDIT_MODE_PRODUCT_IMAGE", "EDIT_MODE_DEFAULT"),
)
"""What an edit does with the masked part; the first is every provider's default."""

COUNT_NAMES = ("num", "n", "number_of_images")

_WAYS_TO_SIZE = tuple(map(frozenset, (("size",), ("width", "height"), ("aspect_ratio", "image_size"))))
"""A request gives the size in one of these ways."""

_KEY_NAMES = frozenset({"apikey", "authorization"})
"""A key among parameters is refused, even where a provider passes all on: they are stored and shown."""

_MAX_SEED = 2**63 - 1

_DIGITS = re.compile(r"-?[0-9]{1,19}")
"""A seed may be a text, since JavaScript has no whole numbers beyond 2^53."""

COMMON: tuple[Parameter, ...] = (
    Parameter(name="num", type="integer", minimum=1, maximum=MAX_NUM, default=1),
    Parameter(name="width", type="integer", minimum=1, maximum=MAX_SIDE_PIXELS),
    Parameter(name="height", type="integer", minimum=1, maximum=MAX_SIDE_PIXELS),
    Parameter(name="steps", type="integer", minimum=1, maximum=1000),
    Parameter(name="cfg_scale", type="number", minimum=0, maximum=100),
    Parameter(name="seed", type="integer", minimum=-1, maximum=_MAX_SEED),
    Parameter(name="size"),
    Parameter(name="aspect_ratio"),
    Parameter(name="image_size"),
    Parameter(name="negative_prompt"),
    Parameter(name="edit_mode", enum=EDIT_MODES),
    Parameter(name="upscale_factor", enum=tuple(UPSCALE_FACTORS)),
    Parameter(name="mode"),
)
"""What every provider means alike; a model narrows it or leaves it out."""

_COMMON = {parameter.name: parameter for parameter in COMMON}


def common(*names: str) -> tuple[Parameter, ...]:
    return tuple(_COMMON[name] for name in names)


def canonical(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``params`` under canonical names, without nulls, ranges checked, a seed in digits as number."""
    counts = {name: params[name] for name in COUNT_NAMES if params.get(name) is not None}
    cleaned = {k: v for k, v in params.items() if v is not None and k not in COUNT_NAMES}
    conflicts: list[Problem] = []
    if counts:
        first, *others = counts
        cleaned["num"], reason = counts[first], ProblemCode.CONFLICT(other=first)
        conflicts = [Problem(f"params.{name}", reason) for name in others if counts[name] != counts[first]]
    if isinstance(seed := cleaned.get("seed"), str) and _DIGITS.fullmatch(seed):
        cleaned["seed"] = int(seed)
    if problems := [*conflicts, *_common_problems(cleaned)]:
        raise ValidationFailed(*problems)
    return cleaned


def changed(params: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return canonical ``params`` with changes, which also replace the same thing said in another way.

    None removes a parameter. The result is to be made `canonical` again.
    """
    replaced = {"num"} if any(name in changes for name in COUNT_NAMES) else set()
    chosen = [way for way in _WAYS_TO_SIZE if any(changes.get(name) is not None for name in way)]
    if chosen:
        replaced.update(*(way for way in _WAYS_TO_SIZE if way not in chosen))
    return {**{name: value for name, value in params.items() if name not in replaced}, **changes}


def _common_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    for name in params:
        if re.sub("[_-]", "", name).lower() in _KEY_NAMES:
            yield Problem(f"params.{name}", ProblemCode.KEY_AS_PARAMETER())
    for name, value in params.items():
        if reason := _value_problem(name, value):
            yield Problem(f"params.{name}", reason)
    if size := parse_size(params.get("size")):
        if not all(1 <= side <= MAX_SIDE_PIXELS for side in size):
            yield Problem("params.size", ProblemCode.SIDES_OUT_OF_RANGE(minimum=1, maximum=MAX_SIDE_PIXELS))
        for name, side in zip(("width", "height"), size, strict=True):
            if params.get(name) not in (None, side):
                yield Problem(f"params.{name}", ProblemCode.DIFFERS(other="size"))
    seed, count = params.get("seed"), params.get("num")
    if isinstance(seed, int) and isinstance(count, int) and seed <= _MAX_SEED < seed + count - 1:
        # The seeds of several images count up.
        yield Problem("params.seed", ProblemCode.TOO_LARGE(maximum=_MAX_SEED - count + 1))


def _value_problem(name: str, value: Any) -> Message | None:
    if isinstance(value, float) and not math.isfinite(value):
        return ProblemCode.NOT_FINITE()
    reason = _COMMON[name].problem(value) if name in _COMMON else None
    return reason or next((problem for _, problem in text_problems({name: value})), None)


@attrs.frozen(kw_only=True)
class ProviderProfile:
    """What a configuration of this kind provides and needs.

    ``default_timeout`` is in seconds; None for the usual one. ``max_concurrency`` None: as many calls at once
    as workers; ``extra_config.max_concurrency`` overrides it. ``free``: no call ever costs money, so one that
    a dying process interrupted is repeated. If not ``billed``, calls of models without a price cost nothing;
    else nobody knows how much. ``key_hosts`` may receive the key besides ``api_base``; the adapter may note
    other targets of secrets there. ``key_url`` gets the key in place of ``api_base``, which then gets a
    token. ``ambient_credentials`` names the machine's own credentials that calls use instead of a key, and
    what they give access to; only the operator may configure them.
    """

    models: tuple[Model, ...]
    display_name: str | None = None
    default_api_base: str | None = None
    default_timeout: float | None = None
    needs_api_base: bool = True
    needs_api_key: bool = True
    max_concurrency: int | None = None
    free: bool = False
    billed: bool = True
    key_hosts: tuple[str, ...] = ()
    key_problem: Message | None = None
    key_url: str | None = None
    ambient_credentials: str | None = None

    def with_default_on(self, day: dt.date) -> "ProviderProfile":
        """Return the profile with exactly one default model, which is not retired while another lives.

        It is the one that says so, else the first.
        """
        alive = [m for m in self.models if m.lifecycle.status_on(day) is not LifecycleStatus.RETIRED]
        default = default_of(alive or self.models)
        if all(model.default is (model is default) for model in self.models):
            return self
        models = tuple(attrs.evolve(model, default=model is default) for model in self.models)
        return attrs.evolve(self, models=models)

    def with_prices(self, prices: Mapping[str, Price]) -> "ProviderProfile":
        models = tuple(attrs.evolve(m, price=prices[m.id]) if m.id in prices else m for m in self.models)
        return attrs.evolve(self, models=models) if prices else self


SIZE_CONTROL = "size"  # the one control for all parameters that set the size


def form_of(model: Model) -> tuple[str, ...]:
    """Return a form's controls: names of parameters, and ``size`` for all that set it.

    First those that the model names, then what belongs to one operation; all, by group, if it names none.
    """
    groups, names = tuple(Group), tuple(KNOWN_FIELDS)

    def place(parameter: Parameter) -> tuple[int, int]:
        name = parameter.name
        return groups.index(parameter.form_field.group), names.index(name) if name in names else len(names)

    ordered = sorted(model.parameters, key=place)
    controls = tuple(dict.fromkeys(control_of(parameter.name) for parameter in ordered))
    if not model.form:
        return controls
    own = (parameter.name for parameter in ordered if parameter.operations)
    return tuple(dict.fromkeys(name for name in (*model.form, *own) if name in controls))


def control_of(name: str) -> str:
    return SIZE_CONTROL if name in SIZE_NAMES else name
