"""What a configuration of a provider may say; `ProviderConfig` checks itself by it when it is made."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import (
    MAX_CONCURRENCY,
    MAX_MODEL_ID_CHARS,
    MAX_MODEL_NAME_CHARS,
    MAX_MODELS,
    MAX_PROVIDER_NAME_CHARS,
    MAX_RETRIES,
    MAX_TIMEOUT_SECONDS,
)
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.problems.fields import JsonType, ProblemCode
from imagegen_core.providers.addresses import Proxy
from imagegen_core.text_problems import check_text

if TYPE_CHECKING:
    from imagegen_core.providers.config import ModelEntry

PROVIDER_NAME_PATTERN = f"[a-z0-9._-]{{1,{MAX_PROVIDER_NAME_CHARS}}}"

SERVICE_KEYS = ("headers", "proxy", "max_concurrency", "on_unknown", "prices")
"""Keys of ``extra_config`` that mean the same for every kind."""

SERVICE_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that no configuration sets.

Where many sites share an address, another ``Host`` would take a key to another site than its own; the others
say where a request ends.
"""

_NAME = re.compile(PROVIDER_NAME_PATTERN)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED_HEADERS = SERVICE_HEADERS | {"content-type"}
_ON_UNKNOWN = ("fail", "retry")


def check_provider_name(name: str, field: str = "provider_name") -> str:
    """Return the name.

    Raises:
        ValidationFailed: naming ``field``: it is not 1 to 64 of ``a-z 0-9 . _ -``.
    """
    if not _NAME.fullmatch(name):
        reason = ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS)
        raise ValidationFailed.for_field(field, reason)
    return name


def check_timeout(seconds: float, field: str = "timeout_seconds") -> None:
    """Refuse a time-out that is not above 0 and at most an hour.

    Raises:
        ValidationFailed: naming ``field``.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValidationFailed.for_field(field, ProblemCode.WRONG_TYPE(types=(JsonType.NUMBER(),)))
    if not math.isfinite(seconds):
        raise ValidationFailed.for_field(field, ProblemCode.NOT_FINITE())
    if seconds <= 0:
        raise ValidationFailed.for_field(field, ProblemCode.NOT_ABOVE(limit=0))
    if seconds > MAX_TIMEOUT_SECONDS:
        raise ValidationFailed.for_field(field, ProblemCode.TOO_LARGE(maximum=MAX_TIMEOUT_SECONDS))


def check_retries(count: int, field: str = "max_retries") -> None:
    """Refuse a number of retries that is not 0 to 10.

    Raises:
        ValidationFailed: naming ``field``.
    """
    _check_integer(field, count, minimum=0, maximum=MAX_RETRIES)


def check_models(models: "Sequence[ModelEntry]") -> None:
    """Refuse models that cannot be told apart, or of which two are the default.

    Raises:
        ValidationFailed: with the path, such as ``models.1.id``.
    """
    if len(models) > MAX_MODELS:
        raise ValidationFailed.for_field("models", ProblemCode.TOO_MANY_ITEMS(maximum=MAX_MODELS))
    ids: set[str] = set()
    has_default = False
    for index, model in enumerate(models):
        path = f"models.{index}"
        check_text(f"{path}.id", model.id, minimum=1, maximum=MAX_MODEL_ID_CHARS)
        check_text(f"{path}.name", model.name, maximum=MAX_MODEL_NAME_CHARS)
        if model.id in ids:
            raise ValidationFailed.for_field(f"{path}.id", ProblemCode.DUPLICATE())
        if model.default and has_default:
            raise ValidationFailed.for_field(f"{path}.default", ProblemCode.SECOND_DEFAULT())
        ids.add(model.id)
        has_default = has_default or model.default


def parse_operations(names: Iterable[str], field: str) -> tuple[Operation, ...]:
    """Return the operations with these names, each once.

    Raises:
        ValidationFailed: naming ``field``: there is no such operation.
    """
    try:
        return tuple(dict.fromkeys(Operation(name) for name in names))
    except ValueError as error:
        choices = tuple(sorted(str(operation) for operation in Operation))
        raise ValidationFailed.for_field(field, ProblemCode.NOT_ONE_OF(choices=choices)) from error


def check_service_settings(extra: Mapping[str, Any]) -> None:
    """Check the parts of ``extra_config`` that mean the same for every kind.

    Raises:
        ValidationFailed: with the path.
    """
    headers, proxy = extra.get("headers"), extra.get("proxy")
    if headers is not None and (reason := _headers_problem(headers)):
        raise ValidationFailed.for_field("extra_config.headers", reason)
    if proxy is not None:
        Proxy.parse(proxy)
    if (concurrency := extra.get("max_concurrency")) is not None:
        _check_integer("extra_config.max_concurrency", concurrency, minimum=1, maximum=MAX_CONCURRENCY)
    if extra.get("on_unknown") not in (None, *_ON_UNKNOWN):
        reason = ProblemCode.NOT_ONE_OF(choices=_ON_UNKNOWN)
        raise ValidationFailed.for_field("extra_config.on_unknown", reason)


def _headers_problem(headers: Any) -> Message | None:
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for text in headers.values()):
        return ProblemCode.NOT_STRINGS()
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
            return ProblemCode.HEADER_NOT_SETTABLE(name=name)
        if not (text.isascii() and text.isprintable()):
            return ProblemCode.HEADER_NOT_PRINTABLE(name=name)
    return None


def _check_integer(field: str, number: Any, *, minimum: int, maximum: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValidationFailed.for_field(field, ProblemCode.WRONG_TYPE(types=(JsonType.INTEGER(),)))
    ValidationFailed.check_range(field, number, minimum=minimum, maximum=maximum)
