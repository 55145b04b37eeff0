"""Redaction of JSON that came from a provider, before it is stored."""

import asyncio
from collections.abc import Mapping
from typing import Any

from imagegen_core.failures import MAX_MESSAGE_CHARS
from imagegen_core.messages import Message
from imagegen_core.ports.redactor import Redactor

_MAX_TEXT_CHARS = 10_000
"""What is redacted on the event loop, which takes a few milliseconds at most."""


async def redacted(value: Any, redactor: Redactor) -> Any:
    """Return the JSON with secrets redacted in strings and keys, at any depth."""
    if _has_less_text(value, _MAX_TEXT_CHARS):
        return _redacted(value, redactor)
    # Redacting a few megabytes of text takes a second, so it is done off the event loop.
    return await asyncio.to_thread(_redacted, value, redactor)


def redacted_message(message: Message, redactor: Redactor) -> Message:
    """Return a message without secrets in its arguments, the texts in them cut to `MAX_MESSAGE_CHARS`."""
    return message.map_text(lambda text: redactor.redact(text, limit=MAX_MESSAGE_CHARS))


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.redact(value)
    if isinstance(value, Mapping):
        return {redactor.redact(str(name)): _redacted(item, redactor) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item, redactor) for item in value]
    return value


def _has_less_text(value: Any, max_chars: int) -> bool:
    """Return whether the JSON has no more than so many characters and values, all together."""
    rest, values = max_chars, [value]
    while values and rest >= 0:
        item = values.pop()
        rest -= 1 + (len(item) if isinstance(item, str | Mapping | list | tuple) else 0)
        if rest >= 0 and isinstance(item, Mapping):
            values += (*item.keys(), *item.values())
        elif rest >= 0 and isinstance(item, list | tuple):
            values += item
    return rest >= 0
