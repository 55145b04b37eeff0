"""The tokens that Google counts for a call of ``generateContent``, by the lines of its price list."""

from collections.abc import Mapping
from typing import Any

from imagegen_core.costs import MAX_TOKENS, ReportedUsage
from imagegen_core.prices import TokenKind


def read_usage(response: Mapping[str, Any]) -> ReportedUsage | None:
    """Return the tokens of a response, None if it has none.

    Text and images of the input have one price (https://ai.google.dev/gemini-api/docs/pricing), and thoughts
    that of text. Output that is not said to be text is images.
    """
    usage = response.get("usageMetadata")
    if not isinstance(usage, Mapping):
        return None
    output, text = (
        _count(usage.get("candidatesTokenCount")),
        _text_tokens(usage.get("candidatesTokensDetails")),
    )
    tokens = {
        TokenKind.TEXT_INPUT: _count(usage.get("promptTokenCount")),
        TokenKind.TEXT_OUTPUT: _count(usage.get("thoughtsTokenCount")) + min(text, output),
        TokenKind.IMAGE_OUTPUT: max(0, output - text),
    }
    return ReportedUsage.from_values(tokens=tokens) if output else None


def _text_tokens(details: Any) -> int:
    parts = details if isinstance(details, list) else []
    return sum(
        _count(part.get("tokenCount"))
        for part in parts[:10]
        if isinstance(part, Mapping) and part.get("modality") == "TEXT"
    )


def _count(value: Any) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
    return value if is_count else 0
