"""The common parameters: their canonical names and the ranges that hold for every provider."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_NUM, MAX_SIDE_PIXELS
from imagegen_core.operations import DEFAULT_EDIT_MODE, UPSCALE_FACTORS
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.providers.capabilities import Parameter
from imagegen_core.requests.sizes import parse_size
from imagegen_core.text_problems import text_problems

EDIT_MODES = (
    DEFAULT_EDIT_MODE,
    "EDIT_MODE_INPAINT_REMOVAL",
    "EDIT_MODE_OUTPAINT",
    "EDIT_MODE_BGSWAP",
    "EDIT_MODE_CONTROLLED_EDITING",
    "EDIT_MODE_STYLE",
    "EDIT_MODE_PRODUCT_IMAGE",
    "EDIT_MODE_DEFAULT",
)
"""What an edit does with the masked part; the first is what every provider does when nothing is said."""

COUNT_NAMES = ("num", "n", "number_of_images")

_WAYS_TO_SIZE = (
    frozenset({"size"}),
    frozenset({"width", "height"}),
    frozenset({"aspect_ratio", "image_size"}),
)
"""A request gives the size in one of these ways."""

_KEY_NAMES = frozenset({"apikey", "authorization"})
"""Parameters are stored and shown, so a key among them is refused even where a provider passes all on."""

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
    """Return the common parameters with these names, for a model's declaration."""
    return tuple(_COMMON[name] for name in names)


def canonical(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``params`` under canonical names, without nulls, with the common ranges checked.

    A seed that is a text of digits becomes the number.

    Raises:
        ValidationFailed: a common parameter is of the wrong type, out of range or given twice.
    """
    problems = list(_count_conflicts(params))
    cleaned = {k: v for k, v in params.items() if v is not None and k not in COUNT_NAMES}
    count = next((params[k] for k in COUNT_NAMES if params.get(k) is not None), None)
    if count is not None:
        cleaned["num"] = count
    if isinstance(seed := cleaned.get("seed"), str) and _DIGITS.fullmatch(seed):
        cleaned["seed"] = int(seed)
    problems += [
        Problem(field=f"params.{name}", reason=ProblemCode.KEY_AS_PARAMETER())
        for name in cleaned
        if re.sub("[_-]", "", name).lower() in _KEY_NAMES
    ]
    for name, value in cleaned.items():
        problems += _value_problems(name, value, _COMMON.get(name))
    problems += _size_problems(cleaned)
    problems += _seed_problems(cleaned)
    if problems:
        raise ValidationFailed(*problems)
    return cleaned


def changed(params: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return canonical ``params`` with changes, which take the place of what says the same in another way.

    A change of None takes a parameter back. The result is to be made `canonical` again.
    """
    replaced = {"num"} if any(name in changes for name in COUNT_NAMES) else set()
    chosen = [way for way in _WAYS_TO_SIZE if any(changes.get(name) is not None for name in way)]
    if chosen:
        replaced.update(*(way for way in _WAYS_TO_SIZE if way not in chosen))
    return {**{name: value for name, value in params.items() if name not in replaced}, **changes}


def _count_conflicts(params: Mapping[str, Any]) -> Iterator[Problem]:
    counts = [(k, params[k]) for k in COUNT_NAMES if params.get(k) is not None]
    for name, value in counts[1:]:
        if value != counts[0][1]:
            yield Problem(field=f"params.{name}", reason=ProblemCode.CONFLICT(other=counts[0][0]))


def _value_problems(name: str, value: Any, parameter: Parameter | None) -> Iterator[Problem]:
    reason = None
    if isinstance(value, float) and not math.isfinite(value):
        reason = ProblemCode.NOT_FINITE()
    elif parameter is not None:
        reason = parameter.problem(value)
    if reason is None:
        reason = next((problem for _, problem in text_problems({name: value})), None)
    if reason is not None:
        yield Problem(field=f"params.{name}", reason=reason)


def _seed_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem if one of several images would have a seed that is too large: they count up."""
    seed, count = params.get("seed"), params.get("num")
    if isinstance(seed, int) and isinstance(count, int) and seed <= _MAX_SEED < seed + count - 1:
        reason = ProblemCode.TOO_LARGE(maximum=_MAX_SEED - count + 1)
        yield Problem(field="params.seed", reason=reason)


def _size_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    size = parse_size(params.get("size"))
    if size is None:
        return
    if not all(1 <= side <= MAX_SIDE_PIXELS for side in size):
        yield Problem(
            field="params.size", reason=ProblemCode.SIDES_OUT_OF_RANGE(minimum=1, maximum=MAX_SIDE_PIXELS)
        )
    for name, side in zip(("width", "height"), size, strict=True):
        if params.get(name) not in (None, side):
            yield Problem(field=f"params.{name}", reason=ProblemCode.DIFFERS(other="size"))
