"""Text folding that makes search insensitive to case, width, and traditional or simplified Chinese."""

import unicodedata
from collections.abc import Callable

Simplify = Callable[[str], str]
"""Converts traditional Chinese characters to simplified ones; the length may change."""


def fold(text: str, simplify: Simplify) -> str:
    """Return ``text`` in the canonical form in which prompts and keywords are compared.

    Applies NFKC, case folding, traditional-to-simplified conversion, and NFKC again, because folding can
    denormalise (Unicode 15, section 5.18).
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", simplify(folded))
