"""Finds all mistakes in a value that msgspec refused, by field and code; msgspec stops at the first.

`tests/unit/http/test_shapes.py` compares the two.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import ValidationError, convert, inspect

from imagegen_core.messages import JsonType, Message, Problem, ProblemCode

Check = Callable[["_Reading", Any, Any, str | None], Iterator[Problem]]


def problems_of(
    value: Any, declared: Any, *, path: str | None = None, from_text: bool = False
) -> Iterator[Problem]:
    """Yield the problems of a value decoded from JSON, a number out of range as infinity.

    ``path`` is None for a whole body. With ``from_text``, numbers and booleans are text, as in a query.
    """
    read = _from_text if from_text else lambda value, _: value
    yield from _check(read, value, _bare(inspect.type_info(declared)), path)


_Reading = Callable[[Any, tuple[inspect.Type, ...]], Any]


def _from_text(value: Any, branches: tuple[inspect.Type, ...]) -> Any:
    """Parse a text where no text is declared, as msgspec does when not strict."""
    kinds = [_TEXTUAL[type(branch)] for branch in branches if type(branch) in _TEXTUAL]
    if isinstance(value, str) and inspect.StrType not in map(type, branches):
        for kind in kinds:
            with suppress(ValidationError):
                return convert(value, kind, strict=False)
    return value


_TEXTUAL: Mapping[type[inspect.Type], type] = {
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.BoolType: bool,
}


def _check(read: _Reading, value: Any, info: inspect.Type, path: str | None) -> Iterator[Problem]:
    if isinstance(info, inspect.AnyType):
        yield from _infinities(value, path)
        return
    branches = tuple(map(_bare, info.types if isinstance(info, inspect.UnionType) else (info,)))
    value = read(value, branches)
    kinds = ((branch, _KINDS[type(branch)]) for branch in branches if type(branch) in _KINDS)
    fitting = next(((branch, check) for branch, (_, is_of, check) in kinds if is_of(value)), None)
    if fitting is not None:
        yield from fitting[1](read, value, fitting[0], path)
    elif isinstance(value, float) and not math.isfinite(value):
        yield _problem(path, ProblemCode.NOT_REPRESENTABLE())
    else:
        yield _problem(path, _expected(branches))


def _struct(
    read: _Reading, value: Mapping[str, Any], info: inspect.StructType, path: str | None
) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in info.fields}
    for name, item in value.items():
        if name in fields:
            yield from _check(read, item, _bare(fields[name].type), _join(path, name))
        elif info.forbid_unknown_fields:
            yield _problem(_join(path, name), ProblemCode.UNKNOWN_FIELD())
        else:
            yield from _infinities(item, _join(path, name))
    for name, field in fields.items():
        if field.required and name not in value:
            yield _problem(_join(path, name), ProblemCode.REQUIRED())


def _array(read: _Reading, value: list[Any], info: inspect.ListType, path: str | None) -> Iterator[Problem]:
    if info.min_length is not None and len(value) < info.min_length:
        yield _problem(path, ProblemCode.TOO_FEW_ITEMS(minimum=info.min_length))
    if info.max_length is not None and len(value) > info.max_length:
        yield _problem(path, ProblemCode.TOO_MANY_ITEMS(maximum=info.max_length))
    for index, item in enumerate(value):
        yield from _check(read, item, _bare(info.item_type), _join(path, str(index)))


def _mapping(
    read: _Reading, value: Mapping[str, Any], info: inspect.DictType, path: str | None
) -> Iterator[Problem]:
    for name, item in value.items():
        yield from _check(read, item, _bare(info.value_type), _join(path, name))


def _text(_: _Reading, value: str, info: inspect.StrType, path: str | None) -> Iterator[Problem]:
    if info.min_length is not None and len(value) < info.min_length:
        empty = info.min_length == 1
        yield _problem(path, ProblemCode.EMPTY() if empty else ProblemCode.TOO_SHORT(minimum=info.min_length))
    if info.max_length is not None and len(value) > info.max_length:
        yield _problem(path, ProblemCode.TOO_LONG(maximum=info.max_length))
    if info.pattern is not None and re.search(info.pattern, value) is None:
        yield _problem(path, ProblemCode.NOT_MATCHING(pattern=info.pattern))


def _number(
    _: _Reading, value: float, info: inspect.IntType | inspect.FloatType, path: str | None
) -> Iterator[Problem]:
    if not math.isfinite(value):
        yield _problem(path, ProblemCode.NOT_REPRESENTABLE())
    elif info.ge is not None and value < info.ge:
        yield _problem(path, ProblemCode.TOO_SMALL(minimum=info.ge))
    elif info.gt is not None and value <= info.gt:
        yield _problem(path, ProblemCode.NOT_ABOVE(limit=info.gt))
    elif info.le is not None and value > info.le:
        yield _problem(path, ProblemCode.TOO_LARGE(maximum=info.le))
    elif info.lt is not None and value >= info.lt:
        yield _problem(path, ProblemCode.NOT_BELOW(limit=info.lt))


def _choice(
    _: _Reading, value: Any, info: inspect.LiteralType | inspect.EnumType, path: str | None
) -> Iterator[Problem]:
    values = info.values if isinstance(info, inspect.LiteralType) else [m.value for m in info.cls]
    choices = tuple(map(str, values))
    if value not in choices:
        yield _problem(path, ProblemCode.NOT_ONE_OF(choices=choices))


def _infinities(value: Any, path: str | None) -> Iterator[Problem]:
    """Yield the numbers out of range in a value of any type."""
    if isinstance(value, float) and not math.isfinite(value):
        yield _problem(path, ProblemCode.NOT_REPRESENTABLE())
    elif isinstance(value, Mapping | list):
        for name, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _infinities(item, _join(path, str(name)))


_KINDS: Mapping[type[inspect.Type], tuple[JsonType, Callable[[Any], bool], Check]] = {
    inspect.StructType: (JsonType.OBJECT, lambda v: isinstance(v, Mapping), _struct),
    inspect.DictType: (JsonType.OBJECT, lambda v: isinstance(v, Mapping), _mapping),
    inspect.ListType: (JsonType.ARRAY, lambda v: isinstance(v, list), _array),
    inspect.StrType: (JsonType.STRING, lambda v: isinstance(v, str), _text),
    inspect.LiteralType: (JsonType.STRING, lambda v: isinstance(v, str), _choice),
    inspect.EnumType: (JsonType.STRING, lambda v: isinstance(v, str), _choice),
    inspect.IntType: (JsonType.INTEGER, lambda v: _is_number(v, int), _number),
    inspect.FloatType: (JsonType.NUMBER, lambda v: _is_number(v, int | float), _number),
    inspect.BoolType: (JsonType.BOOLEAN, lambda v: isinstance(v, bool), lambda *_: iter(())),
    inspect.NoneType: (JsonType.NULL, lambda v: v is None, lambda *_: iter(())),
}
"""By declared type: its name, whether a value is of it, and what else may be wrong."""


def _is_number(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _expected(branches: tuple[inspect.Type, ...]) -> Message:
    """Return the type that was expected; that null is allowed as well helps nobody."""
    kinds = dict.fromkeys(_KINDS[type(branch)][0] for branch in branches if type(branch) in _KINDS)
    if len(kinds) > 1:
        kinds.pop(JsonType.NULL, None)
    types = tuple(kind() for kind in kinds)
    return ProblemCode.WRONG_TYPE(types=types) if types else ProblemCode.INVALID()


def _bare(info: inspect.Type) -> inspect.Type:
    return _bare(info.type) if isinstance(info, inspect.Metadata) else info


def _join(path: str | None, name: str) -> str:
    return name if path is None else f"{path}.{name}"


def _problem(path: str | None, reason: Message) -> Problem:
    return Problem(field="body" if path is None else path, reason=reason)
