"""Names of files with images, for people."""

import unicodedata

_MAX_FILE_NAME_CHARS = 60
_MAX_FILE_NAME_BYTES = 200  # of 255 that file systems take: number and ending follow
_UNSAFE = frozenset('/\\:*?"<>|')
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that end lines, reverse the reading direction, or are not characters."""

_JOINERS = "\u200c\u200d"
"""Invisible too, but Persian words and emoji sequences fall apart without them."""


def file_name(prompt: str, image_id: int, extension: str) -> str:
    """Return a file name for a downloaded image, derived from its prompt in any script."""
    words = "".join(map(_plain, prompt[: 8 * _MAX_FILE_NAME_CHARS]))
    words = (
        " ".join(words.split())[:_MAX_FILE_NAME_CHARS].encode()[:_MAX_FILE_NAME_BYTES].decode(errors="ignore")
    )
    words = words.strip(f" .{_JOINERS}")
    return f"{words or 'image'}-{image_id}.{extension}"


def _plain(character: str) -> str:
    """Return the character, or a space if file systems refuse it or it could deceive a reader."""
    if character in _JOINERS:
        return character
    unwanted = character in _UNSAFE or unicodedata.category(character) in _INVISIBLE
    return " " if unwanted else character
