"""Parses the JSON of a response: a short one, or a long one without its images."""

import json
import re
from typing import Any

from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.upstream_messages import visible_text
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message
from imagegen_core.values.valid_text import valid_json

MAX_VALUES = 100_000
"""Values in a JSON text to be parsed. A million take a hundred megabytes, and block the event loop even from
a thread, since the parser holds the GIL throughout.
"""

_MAY_BE_INVALID = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
"""JSON escapes of half a surrogate pair, or of NUL; only a response with one needs a pass over its tree."""


def parse_json(text: bytes) -> Any:
    """Parse a short response; all text in the result is valid Unicode.

    Raises:
        CallError: ``bad_response``; it is empty, not JSON, or has more than `MAX_VALUES` values.
    """
    if not text.strip():
        raise bad_response(ResponseCode.RESPONSE_EMPTY())
    if sum(map(text.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise bad_response(ResponseCode.RESPONSE_VALUES())
    try:
        tree = json.loads(text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"))
        return valid_json(tree) if _MAY_BE_INVALID.search(text) else tree
    except (ValueError, RecursionError) as error:
        raise bad_response(ResponseCode.RESPONSE_NOT_JSON(text=_excerpt(text))) from error


def bad_response(reason: Message) -> CallError:
    """Return the error for a response that cannot be read; the call may have been charged."""
    return CallError(FailureCode.BAD_RESPONSE, reason)


def _excerpt(text: bytes) -> str:
    return visible_text(text[:2000].decode("utf-8", "replace"))[:200]
