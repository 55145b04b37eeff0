"""Scans a JSON text without parsing it: how deep it is, how many values it has, where its images are.

A parser creates a value for each comma, blocks the interpreter until it is done, and copies every string.
Sixty megabytes of commas become a gigabyte and block all other callers for seconds. So a text is parsed only
if it can yield few values, and without its images, which stay in the buffer.
"""

import secrets
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from imagegen_core.messages import Message
from imagegen_http.problems.messages import RequestProblem

MAX_VALUES = 20_000
"""The largest configuration of a provider has some thousand values."""

MIN_EXTRACTED_IMAGE_BYTES = 32 * 1024
"""Shorter data URLs are parsed like any other text."""

_MAX_QUOTES = 4 * MAX_VALUES
_MAX_BACKSLASHES = 64 * 1024
_MAX_OUTLINE_BYTES = 2 * 1024 * 1024
_IMAGE_PREFIXES = (b"data:image/", b"data:image\\/", b"DATA:IMAGE/", b"Data:image/")
_MAX_IMAGE_PREFIX_BYTES = 12
_BRACKETS = b"[]{}"
_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(_BRACKETS)))

Text = bytes | bytearray
Span = tuple[int, int]
"""Start and end of a string's bytes."""


class TooComplex(Exception):
    """The text must not be parsed; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


@attrs.frozen(kw_only=True)
class Outline:
    """``text`` is what to parse; ``images`` maps the placeholders in it to the spans of extracted strings."""

    text: Text = attrs.field(repr=False)
    images: Mapping[str, Span] = MappingProxyType({})


def outline(text: Text, *, max_depth: int, extract_images: bool) -> Outline:
    """Return the outline of a JSON text. Invalid JSON has one as well; the parser will refuse it.

    Args:
        text: the text as received.
        max_depth: the maximum number of open brackets, outside strings.
        extract_images: whether data URLs of images are replaced by placeholders.

    Raises:
        TooComplex: it is nested deeper, or has too many values or too many bytes beside its images.
    """
    if len(text) <= MIN_EXTRACTED_IMAGE_BYTES and not _needs_scan(text, max_depth):
        return Outline(text=text)
    scan = _Scan(text, extract_images=extract_images)
    scan.run()
    if is_deeper_than(max_depth, bytes(scan.structure)):
        raise TooComplex(RequestProblem.NESTED_TOO_DEEPLY(maximum=max_depth))
    if not scan.images:
        return Outline(text=text)
    return Outline(text=bytes(scan.out), images=MappingProxyType(scan.images))


def _needs_scan(text: Text, max_depth: int) -> bool:
    """Return whether a short text can break a limit, by what it has in and out of strings; most cannot."""
    openings = text.count(b"[") + text.count(b"{")
    return openings > max_depth or openings + text.count(b",") > MAX_VALUES


def is_deeper_than(limit: int, structure: bytes) -> bool:
    """Return whether more than ``limit`` brackets can be open at once.

    ``structure`` is JSON without its strings, of at most `MAX_VALUES` brackets.
    """
    marks = structure.translate(_BRACES_AS_BRACKETS, _NOT_BRACKETS)
    for _ in range(limit):
        shorter = marks.replace(b"[]", b"")
        if len(shorter) == len(marks):
            break
        marks = shorter
    return b"[]" in marks or marks.count(b"[") > limit


class _Scan:
    """One pass from string to string; all work that grows with the text happens in C, by ``find``."""

    def __init__(self, text: Text, *, extract_images: bool) -> None:
        self.out = bytearray()
        self.structure = bytearray()
        self.images: dict[str, Span] = {}
        self._text = text
        self._extract_images = extract_images
        self._placeholder_prefix = f"image-{secrets.token_hex(16)}-"
        self._quotes = 0
        self._values = 0

    def run(self) -> None:
        at, end = 0, len(self._text)
        while at < end:
            start = self._text.find(b'"', at)
            self._scan_between(at, end if start < 0 else start)
            if start < 0:
                return
            at = self._scan_string(start + 1)

    def _scan_between(self, start: int, end: int) -> None:
        """Take the characters between two strings."""
        self._check_size(end - start)
        piece = self._text[start:end]
        self._values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        if self._values > MAX_VALUES:
            raise TooComplex(RequestProblem.TOO_MANY_VALUES(maximum=MAX_VALUES))
        self.structure += piece
        self.out += piece

    def _scan_string(self, start: int) -> int:
        """Take the string whose first byte is at ``start``; return the position after its closing quote."""
        end = self._string_end(start)
        if self._is_image(start, end):
            placeholder = f"{self._placeholder_prefix}{len(self.images)}"
            self.images[placeholder] = (start, end)
            self.out += f'"{placeholder}"'.encode()
        else:
            self._check_size(end - start)
            self.out += self._text[start - 1 : end + 1]
        return end + 1

    def _string_end(self, start: int) -> int:
        """Return the position of the closing quote, or the end of the text if there is none."""
        at = start
        while True:
            self._quotes += 1
            if self._quotes > _MAX_QUOTES:
                raise TooComplex(RequestProblem.TOO_MANY_QUOTES(maximum=_MAX_QUOTES))
            quote = self._text.find(b'"', at)
            if quote < 0:
                return len(self._text)
            if not self._is_escaped(start, quote):
                return quote
            at = quote + 1

    def _is_escaped(self, start: int, quote: int) -> bool:
        for limit in (1, 64, _MAX_BACKSLASHES):
            before = self._text[max(start, quote - limit) : quote]
            run = len(before) - len(before.rstrip(b"\\"))
            if run < limit:
                return run % 2 == 1
        raise TooComplex(RequestProblem.TOO_MANY_BACKSLASHES(maximum=_MAX_BACKSLASHES))

    def _is_image(self, start: int, end: int) -> bool:
        if not self._extract_images or end - start <= MIN_EXTRACTED_IMAGE_BYTES or end == len(self._text):
            return False
        return bytes(self._text[start : start + _MAX_IMAGE_PREFIX_BYTES]).startswith(_IMAGE_PREFIXES)

    def _check_size(self, more: int) -> None:
        if self._extract_images and len(self.out) + more > _MAX_OUTLINE_BYTES:
            raise TooComplex(RequestProblem.TOO_MUCH_TEXT(maximum=_MAX_OUTLINE_BYTES))
