"""What can be told of a JSON text without parsing it: its depth, how much it says, where its pictures are.

A parser makes a value of each comma, holds the interpreter until it is done, and copies every string. Sixty
megabytes of commas become a gigabyte and stop all other callers for seconds; so a text is parsed only when
few values can come of it, and without its pictures, which stay where they are.
"""

import secrets
from collections.abc import Mapping
from types import MappingProxyType

import attrs

MAX_VALUES = 20_000
"""Values that a body may have; the largest configuration of a provider has some thousand."""

PICTURE_BYTES = 32 * 1024
"""Shorter data URLs are parsed like any other text."""

_MAX_QUOTES = 4 * MAX_VALUES
_MOST_BACKSLASHES = 64 * 1024
_MAX_OUTLINE = 2 * 1024 * 1024
_PICTURE_START = (b"data:image/", b"data:image\\/", b"DATA:IMAGE/", b"Data:image/")
_LONGEST_START = 12
_BRACKETS = b"[]{}"
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_REST = bytes(sorted(set(range(256)) - set(_BRACKETS)))

Text = bytes | bytearray
Place = tuple[int, int]
"""Where a string's bytes begin and end."""


class TooMuch(Exception):
    """The text is not to be parsed; the message says why."""


@attrs.frozen(kw_only=True)
class Outline:
    """``text`` is what to parse; ``pictures`` are the places of strings that it only names."""

    text: Text = attrs.field(repr=False)
    pictures: Mapping[str, Place] = MappingProxyType({})


def outline(text: Text, *, max_depth: int, with_pictures: bool) -> Outline:
    """Return the outline of a JSON text. What is no JSON has one as well: a parser will say so.

    Args:
        text: as it came.
        max_depth: open brackets at once, strings not counted.
        with_pictures: whether data URLs of pictures are left out.

    Raises:
        TooMuch: it is nested deeper, or has too many values or too much beside its pictures.
    """
    scan = _Scan(text, with_pictures=with_pictures)
    scan.run()
    if deeper_than(max_depth, bytes(scan.structure)):
        raise TooMuch(f"is nested deeper than {max_depth} levels")
    if not scan.pictures:
        return Outline(text=text)
    return Outline(text=bytes(scan.out), pictures=MappingProxyType(scan.pictures))


def deeper_than(limit: int, structure: bytes) -> bool:
    """Return whether a parser could meet more than ``limit`` open brackets at once.

    ``structure`` is JSON without its strings, of at most `MAX_VALUES` brackets.
    """
    marks = structure.translate(_ONE_KIND, _REST)
    for _ in range(limit):
        shorter = marks.replace(b"[]", b"")
        if len(shorter) == len(marks):
            break
        marks = shorter
    return b"[]" in marks or marks.count(b"[") > limit


class _Scan:
    """One pass from string to string; everything that grows with the text is a search in C."""

    def __init__(self, text: Text, *, with_pictures: bool) -> None:
        self.out = bytearray()
        self.structure = bytearray()
        self.pictures: dict[str, Place] = {}
        self._text = text
        self._with_pictures = with_pictures
        self._mark = f"picture-{secrets.token_hex(16)}-"
        self._quotes = 0
        self._values = 0

    def run(self) -> None:
        at, end = 0, len(self._text)
        while at < end:
            start = self._text.find(b'"', at)
            self._beside(at, end if start < 0 else start)
            if start < 0:
                return
            at = self._string(start + 1)

    def _beside(self, start: int, end: int) -> None:
        """Take what stands between two strings."""
        self._check_size(end - start)
        piece = self._text[start:end]
        self._values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        if self._values > MAX_VALUES:
            raise TooMuch(f"has more than {MAX_VALUES} values")
        self.structure += piece
        self.out += piece

    def _string(self, start: int) -> int:
        """Take the string whose first byte is at ``start``; return where the rest begins."""
        end = self._end_of(start)
        if self._is_picture(start, end):
            mark = f"{self._mark}{len(self.pictures)}"
            self.pictures[mark] = (start, end)
            self.out += f'"{mark}"'.encode()
        else:
            self._check_size(end - start)
            self.out += self._text[start - 1 : end + 1]
        return end + 1

    def _end_of(self, start: int) -> int:
        """Return where the closing quote is, or the text's end when there is none."""
        at = start
        while True:
            self._quotes += 1
            if self._quotes > _MAX_QUOTES:
                raise TooMuch(f"has more than {_MAX_QUOTES} quotes")
            quote = self._text.find(b'"', at)
            if quote < 0:
                return len(self._text)
            if not self._is_escaped(start, quote):
                return quote
            at = quote + 1

    def _is_escaped(self, start: int, quote: int) -> bool:
        for most in (1, 64, _MOST_BACKSLASHES):
            before = self._text[max(start, quote - most) : quote]
            run = len(before) - len(before.rstrip(b"\\"))
            if run < most:
                return run % 2 == 1
        raise TooMuch(f"has more than {_MOST_BACKSLASHES} backslashes in a row")

    def _is_picture(self, start: int, end: int) -> bool:
        if not self._with_pictures or end - start <= PICTURE_BYTES or end == len(self._text):
            return False
        return bytes(self._text[start : start + _LONGEST_START]).startswith(_PICTURE_START)

    def _check_size(self, more: int) -> None:
        if self._with_pictures and len(self.out) + more > _MAX_OUTLINE:
            raise TooMuch("has too much beside its pictures")
