"""Conversion of traditional to simplified Chinese with OpenCC's dictionaries."""

from collections.abc import Callable
from functools import cache
from typing import cast


def simplify(text: str) -> str:
    """Return ``text`` with traditional characters simplified; the dictionaries are loaded on demand.

    ASCII text is returned unchanged, without loading them.
    """
    return text if text.isascii() else _converter()(text)


def release_dictionaries() -> None:
    """Free the 2 MB of the dictionaries; the next conversion loads them again in a few milliseconds."""
    _converter.cache_clear()


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC

    return cast("Callable[[str], str]", OpenCC("t2s").convert)
