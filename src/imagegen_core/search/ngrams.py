"""N-grams by which prompts are indexed, so that any substring of a prompt can be found.

A folded prompt is split at white space. Each character of every run is a token, each pair of neighbours is
one, and, because alphabets have few letters, so is each triple of characters below U+2E80 (Latin, Greek,
Cyrillic, digits …). Characters are not otherwise classified: emoji, punctuation and scripts without word
boundaries are found like any other text.

A text that contains a word contains all tokens of the word. The converse holds only for words of a single
token (`Terms.proven`); a longer word has to be verified against the text itself. Tokens fit any index of
plain terms, such as SQLite's FTS5 with the ``ascii`` tokenizer or PostgreSQL's GIN over arrays: no token
contains white space, ASCII punctuation, or an ASCII capital letter.
"""

import re
from operator import add
from typing import TypeVar

import attrs

T = TypeVar("T")

VERSION = 1
"""Version of the tokenisation; an index of another version has to be rebuilt.

The function ``image_tokens`` of the schema for PostgreSQL has the same rules.
"""

MAX_TERMS_PER_WORD = 6
"""A long word is looked up by this many tokens, spread over it: more would cost time and exclude little."""

_PRIVATE = 0xE000
_ESCAPES = {
    # Index tokenizers split text at ASCII punctuation, so it is mapped to private-use characters. Private-use
    # characters of the prompt itself are moved out of the way; the mapping is then ambiguous for them, hence
    # a match on one proves nothing.
    **{code: _PRIVATE + code for code in range(0x80) if not chr(code).isalnum() and not chr(code).isspace()},
    **{_PRIVATE + code: _PRIVATE + 0x80 + code for code in range(0x80)},
}
_UNESCAPES = {escaped: code for code, escaped in _ESCAPES.items() if code < _PRIVATE}
_AMBIGUOUS = re.compile("[\ue000-\ue0ff]")
_ALPHABETIC = re.compile(r"[^\s\u2e80-\U0010ffff]{3,}")


@attrs.frozen(kw_only=True)
class Terms:
    """Index terms for a word. ``proven``: any text that has all ``tokens`` is certain to contain the word."""

    tokens: tuple[str, ...]
    proven: bool


def tokens(folded: str) -> list[str]:
    """Return all tokens of a folded text: strings of one to three characters, each as often as it occurs."""
    escaped = folded.translate(_ESCAPES)
    grams: list[str] = []
    for run in escaped.split():
        grams += run
        grams += map(add, run, run[1:])
    for run in _ALPHABETIC.findall(escaped):
        grams += map(add, map(add, run, run[1:]), run[2:])
    return grams


def terms(word: str) -> Terms:
    """Return a few tokens that every text with this folded word has; none if the word is only white space."""
    longest = longest_tokens(word)
    proven = len(longest) == 1 and len(longest[0]) == len(word) and not _AMBIGUOUS.search(word)
    return Terms(tokens=evenly_spaced(longest, MAX_TERMS_PER_WORD), proven=proven)


def longest_tokens(word: str) -> tuple[str, ...]:
    """Return the tokens of a folded word that no longer token covers, in order, each once."""
    longest: list[str] = []
    for run in word.translate(_ESCAPES).split():
        longest += _longest_tokens_of_run(run)
    return tuple(dict.fromkeys(longest))


def text_of_token(token: str) -> str | None:
    """Return what all texts with a token contain, and no others; None if the token does not say."""
    text = token.translate(_UNESCAPES)
    return None if _AMBIGUOUS.search(text) else text


def without_implied(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tokens, each once, without those that every text has that has the others."""
    distinct = tuple(dict.fromkeys(tokens))
    return tuple(
        token for token in distinct if not any(token in other for other in distinct if other != token)
    )


def evenly_spaced(items: tuple[T, ...], maximum: int) -> tuple[T, ...]:
    """Return at most ``maximum`` (two or more) of the items at even distances, from first to last."""
    if len(items) <= maximum:
        return items
    return tuple(items[number * (len(items) - 1) // (maximum - 1)] for number in range(maximum))


def _longest_tokens_of_run(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    starts_triple = [
        bool(_ALPHABETIC.fullmatch(run, at, at + 3)) and at + 3 <= len(run) for at in range(len(run))
    ]
    longest = []
    for at in range(len(run) - 1):
        if starts_triple[at]:
            longest.append(run[at : at + 3])
        elif at == 0 or not starts_triple[at - 1]:
            longest.append(run[at : at + 2])
    return longest
