"""Which modules a page will ask for, so that a browser can be told of all of them at once."""

import posixpath
import re
from collections.abc import Mapping

_STATIC_IMPORT = re.compile(r"""\b(?:from|import)\s*["'](\.{1,2}/[^"'\s]+)["']""")
_ENTRY = re.compile(r"""<script\b[^>]*\btype=["']?module\b[^>]*\bsrc=["']/console/([^"']+)["']""")


def entries(html: str) -> tuple[str, ...]:
    """Return the modules that a page starts with, as paths below ``/console/``."""
    return tuple(_ENTRY.findall(html))


def imported(starts: tuple[str, ...], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Return what these modules import, directly or through others, nearest first.

    Left out are the modules themselves, what only ``import()`` asks for, and what is not in ``sources``.
    """
    order = dict.fromkeys(starts)
    waiting = list(starts)
    for path in waiting:
        for specifier in _STATIC_IMPORT.findall(sources.get(path, "")):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
            if target in sources and target not in order:
                order[target] = None
                waiting.append(target)
    return tuple(path for path in order if path not in starts)
