"""Reads single values, from YAML or from the text of environment variables."""

import json
import math
from typing import Any

from imagegen_core.problems.fields import JsonType, ProblemCode
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.validators import InvalidValue


class EnvText(str):
    """A value from the environment, whose type depends on its key."""

    __slots__ = ()


def is_null(value: Any) -> bool:
    """Return whether the value means "not set"."""
    return value is None or (isinstance(value, EnvText) and value in ("", "null", "~"))


def read_typed(value: Any, kind: type) -> Any:
    """Return the value as text (or as ``kind``).

    Raises:
        InvalidValue: it is something else.
    """
    if not isinstance(value, kind):
        raise _wrong_type(JsonType.STRING)
    return str(value) if kind is str else value


def read_boolean(value: Any) -> bool:
    """Return true or false.

    Raises:
        InvalidValue: it is something else.
    """
    if isinstance(value, EnvText):
        value = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
            value.lower()
        )
    if not isinstance(value, bool):
        raise _wrong_type(JsonType.BOOLEAN)
    return value


def read_integer(value: Any) -> int:
    """Return a whole number.

    Raises:
        InvalidValue: it is something else.
    """
    value = _converted(value, int)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(JsonType.INTEGER)
    return value


def read_number(value: Any) -> float:
    """Return a number.

    Raises:
        InvalidValue: it is something else.
    """
    value = _converted(value, float)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _wrong_type(JsonType.NUMBER)
    if not math.isfinite(value):
        raise InvalidValue(ProblemCode.NOT_FINITE())
    return float(value)


def read_list(value: Any) -> list[Any]:
    """Return a list; in a variable it is JSON or separated by commas.

    Raises:
        InvalidValue: it is something else.
    """
    if isinstance(value, EnvText):
        return _items(value)
    if not isinstance(value, (list, tuple)):
        raise InvalidValue(SettingCode.NOT_A_LIST())
    return list(value)


def read_mapping(value: Any) -> dict[str, Any]:
    """Return a mapping; in a variable it is JSON.

    Raises:
        InvalidValue: it is something else.
    """
    if isinstance(value, EnvText):
        value = _json(value)
    if not isinstance(value, dict):
        raise InvalidValue(SettingCode.NOT_A_MAPPING())
    return value


def _items(text: EnvText) -> list[Any]:
    items = _json(text)
    return items if isinstance(items, list) else [item.strip() for item in text.split(",") if item.strip()]


def _converted(value: Any, kind: type[int | float]) -> Any:
    """Return the number in a variable, None if there is none; other values as they are."""
    if not isinstance(value, EnvText):
        return value
    try:
        return kind(value)
    except ValueError:
        return None


def _json(text: EnvText) -> Any:
    """Return the parsed JSON, None if it is not JSON: ``[::1]`` is an address."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _wrong_type(expected: JsonType) -> InvalidValue:
    return InvalidValue(ProblemCode.WRONG_TYPE(types=(expected(),)))
