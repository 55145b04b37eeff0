"""Sizes that a request gives in pixels."""

import re
from collections.abc import Mapping
from typing import Any

_SIZE = re.compile(r"(\d{1,6})\s*[xX*×]\s*(\d{1,6})")


def dimensions_of(params: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return width and height in pixels that the parameters give as numbers or as ``size``."""
    width, height = params.get("width"), params.get("height")
    if width is not None and height is not None:
        return int(width), int(height)
    return parse_size(params.get("size"))


def parse_size(size: object) -> tuple[int, int] | None:
    """Return (width, height) of ``"1024x768"``; None for anything else, such as ``"2K"`` or ``"auto"``."""
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    return (int(match[1]), int(match[2])) if match else None
