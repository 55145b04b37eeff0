"""Redaction of JSON that came from a provider, before it is stored."""

from collections.abc import Mapping
from typing import Any

from imagegen_core.failures import MAX_MESSAGE_CHARS
from imagegen_core.messages import Message
from imagegen_core.ports.redactor import Redactor


def redacted(value: Any, redactor: Redactor) -> Any:
    """Return the JSON with secrets redacted in strings and keys, at any depth."""
    if isinstance(value, str):
        return redactor.redact(value)
    if isinstance(value, Mapping):
        return {redactor.redact(str(name)): redacted(item, redactor) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item, redactor) for item in value]
    return value


def redacted_message(message: Message, redactor: Redactor) -> Message:
    """Return a message without secrets in its arguments, the texts in them cut to `MAX_MESSAGE_CHARS`."""
    return message.map_text(lambda text: redactor.redact(text, limit=MAX_MESSAGE_CHARS))
