"""A vendor's sentence as it may be shown."""

import re
from collections.abc import Iterable

from imagegen_core.capabilities import Model

LONGEST_MESSAGE = 500

_QUERY = re.compile(r"(https?://[^\s?#\"']+)[?#]\S*")  # whole: a quote may be part of a key in it


def shorten(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Return a text on one line, without ``secrets`` and queries of URLs, cut to 500 characters."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "****")
    bare = _QUERY.sub(r"\1", text)
    line = " ".join("".join(char if char.isprintable() else " " for char in bare).split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


def blaming(model: Model, message: str) -> str:
    """Return why a vendor did not take a request, with the successor of a model that goes or is gone."""
    return message if model.warning is None else shorten(f"{model.warning}: {message}")
