"""A provider's sentence as it may be shown."""

import re
from collections.abc import Iterable

from imagegen_core.providers.capabilities import Model

MAX_MESSAGE_CHARS = 500

# Each expression takes in every beginning that it meets, so that none is looked through twice.
_QUERY = re.compile(r"(https?://[^\s?#\"']*)(?:[?#]\S*)?")  # whole: a quote may be part of a key in it
_TAG = re.compile(r"<(?:(/?)(script|style)\b)?[^<>]*>", re.IGNORECASE)


def shorten(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Return a text on one line, without ``secrets`` and queries of URLs, cut to 500 characters."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "****")
    bare = _QUERY.sub(r"\1", text)
    line = " ".join("".join(char if char.isprintable() else " " for char in bare).split())
    return line if len(line) <= MAX_MESSAGE_CHARS else line[: MAX_MESSAGE_CHARS - 1] + "…"


def visible_text(page: str) -> str:
    """Return what a page of HTML shows, on one line: no tags, no scripts; other text stays as it is."""
    text, *tagged = _TAG.split(page)
    shown, hiding = [text], ""
    for slash, name, following in zip(tagged[::3], tagged[1::3], tagged[2::3], strict=True):
        tag = (name or "").lower()
        if not hiding and not slash:
            hiding = tag
        elif slash and tag == hiding:
            hiding = ""
        if not hiding:
            shown.append(following)
    return " ".join(" ".join(shown).split())


def with_model_warning(model: Model, message: str) -> str:
    """Return why a provider did not take a request, with the successor of a model that goes or is gone."""
    return message if model.warning is None else shorten(f"{model.warning}: {message}")
