"""Traditional to simplified Chinese with OpenCC's dictionaries."""

from functools import cache
from typing import Protocol, cast


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


def simplify(text: str) -> str:
    """Return ``text`` with traditional characters simplified; the dictionaries are read at the first call.

    ASCII has none of them, so it comes back as it is and the dictionaries stay on the disk.
    """
    return text if text.isascii() else _converter().convert(text)


@cache
def _converter() -> _Converter:
    from opencc import OpenCC

    return cast("_Converter", OpenCC("t2s"))
