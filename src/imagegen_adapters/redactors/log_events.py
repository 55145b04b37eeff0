"""Prepares log events for rendering: without secrets, and on one line each."""

import re
from collections.abc import Callable, MutableMapping
from typing import Any

from imagegen_adapters.redactors.patterns import PatternRedactor

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def redact_event(
    redactor: PatternRedactor,
) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """Return a structlog processor that redacts every field and escapes line breaks.

    Its result has only what JSON has: text, numbers, booleans, None, lists and dictionaries.

    Place it right before the renderer and after `structlog.processors.format_exc_info`, since a traceback
    object cannot be redacted.
    """

    def process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: on_one_line(value) for name, value in redactor.redact_mapping(event).items()}

    return process


def on_one_line(value: Any) -> Any:
    """Return the value with line breaks, control characters and bidi marks in all of its text escaped."""
    if isinstance(value, str):
        return value if value.isprintable() else _CONTROL.sub(lambda match: ascii(match[0])[1:-1], value)
    if isinstance(value, dict):
        return {on_one_line(name): on_one_line(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [on_one_line(inner) for inner in value]
    return value
