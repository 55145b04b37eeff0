"""A JSON answer on disk with pictures inside, read without ever holding a picture.

Long strings are left on disk: `read_skeleton` returns the document with a `Span` in their place, and
`decode` turns one into bytes, a block at a time.
"""

import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import attrs

LONGEST_KEPT = 16_384
"""Strings of more bytes than this stay on disk."""

_BLOCK = 1024 * 1024
_SKELETON_BYTES = 8 * 1024 * 1024
_SPAN_KEY = "\ue000span"
_STOP = re.compile(rb'["\\]')
_ESCAPE = re.compile(rb"\\(?:u00([0-9a-fA-F]{2})|([/nrt]))")
_LONGEST_ESCAPE = 6
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WHITE = b" \t\r\n"


@attrs.frozen
class Span:
    """Where a long string lies in the file: offsets in bytes, without its quotes."""

    start: int
    end: int


def read_skeleton(file: BinaryIO) -> Any:
    """Return the document in ``file`` with each long string replaced by its `Span`.

    Raises:
        ValueError: it is no JSON, or more than 8 MB of it are not long strings.
    """
    scanner = _Scanner()
    while block := file.read(_BLOCK):
        scanner.feed(block)
        if len(scanner.kept) > _SKELETON_BYTES:
            raise ValueError("the answer is too large")
    try:
        return json.loads(bytes(scanner.finished()), object_hook=_spans)
    except RecursionError as error:
        raise ValueError("the answer is nested too deeply") from error


def decode(file: BinaryIO, span: Span) -> Iterator[bytes]:
    """Yield the bytes of a base64 string, standard or URL-safe, in blocks of at most 1 MB.

    Raises:
        ValueError: it is not base64.
    """
    file.seek(span.start)
    left, escaped, rest = span.end - span.start, b"", b""
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        text, escaped = _unescaped(escaped + block, last=left == 0)
        text = rest + text.translate(_URL_SAFE, _WHITE)
        whole = len(text) - len(text) % 4
        rest = text[whole:]
        if whole:
            yield _decoded(text[:whole])
    if rest:
        yield _decoded(rest + b"=" * (-len(rest) % 4))


def decode_text(text: str) -> bytes:
    """Return the bytes of a short base64 string, standard or URL-safe.

    Raises:
        ValueError: it is not base64.
    """
    plain = text.encode("ascii").translate(_URL_SAFE, _WHITE)
    return _decoded(plain + b"=" * (-len(plain) % 4))


def _decoded(text: bytes) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _unescaped(text: bytes, *, last: bool) -> tuple[bytes, bytes]:
    """Return the text without JSON escapes, and an escape that the block cuts off."""
    cut = len(text)
    if not last and (slash := text.rfind(b"\\", max(0, cut - _LONGEST_ESCAPE))) >= 0:
        cut = slash
    head = text[:cut]
    if b"\\" in head:
        head = _ESCAPE.sub(_escaped_byte, head)
    return head, text[cut:]


def _escaped_byte(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 16)])
    return b"/" if match[2] == b"/" else b""


def _spans(pairs: dict[str, Any]) -> Any:
    match pairs.get(_SPAN_KEY):
        case [int(start), int(end)]:
            return Span(start, end)
    return pairs


class _Scanner:
    """Copies JSON into ``kept``, except for the insides of long strings."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self._offset = 0
        self._start: int | None = None
        self._short = bytearray()
        self._skip = False

    def feed(self, block: bytes) -> None:
        """Take the next block of the file."""
        at = 0
        while at < len(block):
            at = self._outside(block, at) if self._start is None else self._inside(block, at)
        self._offset += len(block)

    def finished(self) -> bytearray:
        """Return what was kept; a string that never ended makes it invalid JSON."""
        return self.kept if self._start is None else self.kept + b'"'

    def _outside(self, block: bytes, at: int) -> int:
        quote = block.find(b'"', at)
        if quote < 0:
            self.kept += block[at:]
            return len(block)
        self.kept += block[at:quote]
        self._start = self._offset + quote + 1
        return quote + 1

    def _inside(self, block: bytes, at: int) -> int:
        if self._skip:
            self._skip = False
            self._keep(block[at : at + 1])
            return at + 1
        stop = _STOP.search(block, at)
        if stop is None:
            self._keep(block[at:])
            return len(block)
        self._keep(block[at : stop.start()])
        if stop[0] == b"\\":
            self._keep(b"\\")
            self._skip = True
        else:
            self._close(self._offset + stop.start())
        return stop.end()

    def _keep(self, part: bytes) -> None:
        room = LONGEST_KEPT + 1 - len(self._short)
        self._short += part[:room]

    def _close(self, end: int) -> None:
        start = self._start or 0
        if end - start > LONGEST_KEPT:
            self.kept += json.dumps({_SPAN_KEY: [start, end]}).encode()
        else:
            self.kept += b'"' + self._short + b'"'
        self._start = None
        self._short.clear()
