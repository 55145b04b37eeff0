"""Prepares a provider's messages for display."""

import re
from collections.abc import Iterable

from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message
from imagegen_core.providers.capabilities import Model

MAX_MESSAGE_CHARS = 500

# Each expression consumes every start that it meets, so that matching takes linear time.
_QUERY = re.compile(
    r"(https?://[^\s?#\"']*)(?:[?#]\S*)?"
)  # up to white space: a key in the query may contain a quote
_TAG = re.compile(r"<(?:(/?)(script|style)\b)?[^<>]*>", re.IGNORECASE)


def shorten(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Return a text on one line, without ``secrets`` and without queries of URLs, cut to 500 characters."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "****")
    bare = _QUERY.sub(r"\1", text)
    line = " ".join("".join(char if char.isprintable() else " " for char in bare).split())
    return line if len(line) <= MAX_MESSAGE_CHARS else line[: MAX_MESSAGE_CHARS - 1] + "…"


def visible_text(page: str) -> str:
    """Return the visible text of an HTML page on one line, without tags and scripts; other text unchanged."""
    text, *tagged = _TAG.split(page)
    visible, hidden_tag = [text], ""
    for slash, name, following in zip(tagged[::3], tagged[1::3], tagged[2::3], strict=True):
        tag = (name or "").lower()
        if not hidden_tag and not slash:
            hidden_tag = tag
        elif slash and tag == hidden_tag:
            hidden_tag = ""
        if not hidden_tag:
            visible.append(following)
    return " ".join(" ".join(visible).split())


def with_model_warning(model: Model | None, code: FailureCode, reason: Message) -> Message:
    """Return why a call failed; if it was rejected, with the successor of a model that is being retired."""
    ending = None if model is None else model.ending
    if ending is None or code is not FailureCode.REJECTED:
        return reason
    return ResponseCode.BLAMED_MODEL(warning=ending, reason=reason)
