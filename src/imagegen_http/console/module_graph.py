"""Which modules a page will ask for, so that a browser can be told of all of them at once."""

import posixpath
import re
from collections.abc import Iterable, Mapping

_STATIC_IMPORT = re.compile(r"""\b(?:from|import)\s*["'](\.{1,2}/[^"'\s]+)["']""")
_ENTRY = re.compile(r"""<script\b[^>]*\btype=["']?module\b[^>]*\bsrc=["']/console/([^"']+)["']""")


def entries(html: str) -> tuple[str, ...]:
    """Return the modules that a page starts with, as paths below ``/console/``."""
    return tuple(_ENTRY.findall(html))


def needed(starts: Iterable[str], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Return these modules and all that they import, directly or through others, nearest first.

    Left out is what only ``import()`` asks for, and what is not in ``sources``.
    """
    order = [path for path in starts if path in sources]
    for path in order:
        for specifier in _STATIC_IMPORT.findall(sources[path]):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
            if target in sources and target not in order:
                order.append(target)
    return tuple(order)
