"""Folding, so that case, width and traditional or simplified Chinese make no difference to a search."""

import unicodedata
from collections.abc import Callable

Simplify = Callable[[str], str]
"""Turns traditional Chinese characters into simplified ones; length may change."""


def fold(text: str, simplify: Simplify) -> str:
    """Return ``text`` in the one form under which prompts and keywords are compared.

    NFKC, then case folding, then traditional to simplified, then NFKC again, since folding can
    denormalise (Unicode 15, section 5.18).
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", simplify(folded))
