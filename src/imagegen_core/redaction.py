"""Redaction of JSON that came from a provider, before it is stored."""

import asyncio
from collections.abc import Mapping
from typing import Any

from imagegen_core.errors import MAX_MESSAGE_CHARS
from imagegen_core.messages import Message
from imagegen_core.ports.redactor import Redactor

_MAX_TEXT_CHARS = 10_000
"""What is redacted on the event loop, which takes a few milliseconds at most."""

_FLOAT_BYTES = 20


async def redacted(value: Any, redactor: Redactor) -> Any:
    """Return the JSON with secrets redacted in strings and keys, at any depth."""
    if json_size(value, _MAX_TEXT_CHARS) <= _MAX_TEXT_CHARS:
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


def json_size(value: Any, limit: int) -> int:
    """Return roughly the bytes that JSON takes as text, without escapes; of much, more than ``limit``."""
    size, values = 0, [value]
    while values and size <= limit:
        item = values.pop()
        size += 1 + (len(item) if isinstance(item, str | Mapping | list | tuple) else 0)
        if size > limit:
            break
        if isinstance(item, str):
            size += len(item.encode("utf-8", "replace")) - len(item)
        elif isinstance(item, Mapping):
            values += (*item.keys(), *item.values())
        elif isinstance(item, list | tuple):
            values += item
        elif isinstance(item, int):
            size += item.bit_length() // 3
        elif isinstance(item, float):
            size += _FLOAT_BYTES
    return size
