"""The query language of a keyword: words that must all occur, and phrases in balanced double quotes."""

import re

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.search.folding import Simplify, fold

MAX_KEYWORD_CHARS = 10_000

_PART = re.compile(r'(?:(?<=\s)|^)"([^"]+)"(?=\s|$)|(\S+)')


@attrs.frozen(kw_only=True)
class SearchQuery:
    """Folded words, each of which must occur in the folded prompt; never empty."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, keyword: str, simplify: Simplify) -> "SearchQuery":
        r"""Parse a keyword as a person types it.

        White space, including U+3000, separates words; a balanced pair of ``"`` around words makes a phrase;
        every other character, including ``%``, ``_``, ``\`` and search operators, is literal.

        Raises:
            ValidationFailed: the keyword is empty or too long.
        """
        if len(keyword) > MAX_KEYWORD_CHARS:
            raise ValidationFailed.for_field("keyword", ProblemCode.TOO_LONG(maximum=MAX_KEYWORD_CHARS))
        parts = (m[1] if m[1] is not None else m[2] for m in _PART.finditer(keyword.strip()))
        words = tuple(dict.fromkeys(w for part in parts if (w := fold(part, simplify)).strip()))
        if not words:
            raise ValidationFailed.for_field("keyword", ProblemCode.EMPTY())
        return cls(words=words)

    def matches(self, folded_prompt: str) -> bool:
        """Return whether a folded prompt contains every word."""
        return all(word in folded_prompt for word in self.words)
