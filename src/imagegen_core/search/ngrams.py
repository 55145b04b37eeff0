"""Pieces of text by which prompts are indexed, so that any part of a prompt can be found.

A folded prompt is parted at white space. Of every run that is left, each character is a token, each two
neighbours are, and, since alphabets have few letters, so are three neighbours below U+2E80 (Latin, Greek,
Cyrillic, digits …). Nothing else is asked of the characters: emoji, punctuation and scripts that have no
words are found as any other text is.

A text that contains a word contains all tokens of the word. The reverse holds for words of one token, which
are `Terms.proven`; any longer one has to be looked for in the text itself. Tokens fit every index of plain
terms, such as SQLite's FTS5 with the ``ascii`` tokenizer or PostgreSQL's ``tsvector`` made by
``array_to_tsvector``: no token holds white space, ASCII punctuation, or a capital letter of ASCII.
"""

import re
from operator import add
from typing import TypeVar

import attrs

T = TypeVar("T")

VERSION = 1
"""Changes whenever the tokens of any text do; an index of another version has to be made anew."""

MAX_TERMS_PER_WORD = 6
"""A long word is looked for by so many tokens, spread over it: more cost time and exclude little."""

_PRIVATE = 0xE000
_ESCAPES = {
    # Index tokenizers part text at ASCII punctuation; here it becomes characters of private use. Those
    # which a prompt holds itself make room: two of them may look like one, hence they prove nothing.
    **{code: _PRIVATE + code for code in range(0x80) if not chr(code).isalnum() and not chr(code).isspace()},
    **{_PRIVATE + code: _PRIVATE + 0x80 + code for code in range(0x80)},
}
_AMBIGUOUS = re.compile("[\ue000-\ue0ff]")
_ALPHABETIC = re.compile(r"[^\s\u2e80-\U0010ffff]{3,}")


@attrs.frozen(kw_only=True)
class Terms:
    """What to ask an index for. ``proven``: whatever has all ``tokens`` contains the word for certain."""

    tokens: tuple[str, ...]
    proven: bool


def tokens(folded: str) -> list[str]:
    """Return all tokens of a folded text, strings of one to three characters, each as often as it occurs."""
    escaped = folded.translate(_ESCAPES)
    found: list[str] = []
    for run in escaped.split():
        found += run
        found += map(add, run, run[1:])
    for run in _ALPHABETIC.findall(escaped):
        found += map(add, map(add, run, run[1:]), run[2:])
    return found


def terms(word: str) -> Terms:
    """Return a few tokens that every text with this folded word has; none for nothing but white space."""
    found = longest_tokens(word)
    proven = len(found) == 1 and len(found[0]) == len(word) and not _AMBIGUOUS.search(word)
    return Terms(tokens=evenly_spaced(found, MAX_TERMS_PER_WORD), proven=proven)


def longest_tokens(word: str) -> tuple[str, ...]:
    """Return the tokens of a folded word that lie within no longer one, in their order, each once."""
    found: list[str] = []
    for run in word.translate(_ESCAPES).split():
        found += _longest_tokens_of_run(run)
    return tuple(dict.fromkeys(found))


def evenly_spaced(found: tuple[T, ...], maximum: int) -> tuple[T, ...]:
    """Return at most ``most`` (two or more) of them at even distances, the first and the last among them."""
    if len(found) <= maximum:
        return found
    return tuple(found[number * (len(found) - 1) // (maximum - 1)] for number in range(maximum))


def _longest_tokens_of_run(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    three = [bool(_ALPHABETIC.fullmatch(run, at, at + 3)) and at + 3 <= len(run) for at in range(len(run))]
    found = []
    for at in range(len(run) - 1):
        if three[at]:
            found.append(run[at : at + 3])
        elif at == 0 or not three[at - 1]:
            found.append(run[at : at + 2])
    return found
