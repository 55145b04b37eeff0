"""JSON answers with pictures inside, read from disk without ever holding a picture in memory."""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, BinaryIO

import attrs

from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

_BLOCK = 256 * 1024
_PIECE = 768 * 1024
"""Bytes of base64 that are decoded at a time."""

INLINE = 16 * 1024
"""Strings up to this many bytes stay in memory, longer ones become a `Span`."""

SKELETON_BYTES = 8 * 1024 * 1024
"""Most that an answer may hold beside its long strings, and most that `text` reads of one."""

_QUOTE = re.compile(rb'["\\]')
_BLANKS = b"\r\n\t "
_ESCAPE = re.compile(rb"\\(?:u00([0-9a-fA-F]{2})|([/nrt]))")
_LONGEST_ESCAPE = 6
_SPAN = "\x00span"


@attrs.frozen
class Span:
    """A long string of the answer: the bytes from ``start`` to ``stop`` of its file, without the quotes."""

    start: int
    stop: int


def bad_response(why: str) -> CallError:
    """Return the error for an answer that cannot be read; the call may have been charged."""
    return CallError(FailureCode.BAD_RESPONSE, why)


def load(file: BinaryIO) -> Any:
    """Return the parsed answer, with a `Span` in place of each string longer than `INLINE`.

    It reads the whole file: call it in a thread.

    Raises:
        CallError: ``bad_response``, it is no JSON, or is too large beside its long strings.
    """
    try:
        return json.loads(_Skeleton().read(file), object_pairs_hook=_object)
    except (ValueError, TypeError, RecursionError) as error:
        raise bad_response("the answer is not valid JSON") from error


def _object(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) == 1 and pairs[0][0] == _SPAN:
        start, stop = pairs[0][1]
        return Span(int(start), int(stop))
    return dict(pairs)


class _Skeleton:
    """Copies JSON without its long strings; knows only quotes and backslashes of the grammar."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._string: bytearray | None = None
        self._start = 0
        self._escaped = False

    def read(self, file: BinaryIO) -> bytes:
        offset = 0
        while block := file.read(_BLOCK):
            self._feed(block, offset)
            offset += len(block)
            if len(self._kept) > SKELETON_BYTES:
                raise bad_response("the answer is too large beside its pictures")
        if self._string is not None:
            raise bad_response("the answer was cut off")
        return bytes(self._kept)

    def _feed(self, block: bytes, offset: int) -> None:
        position = 0
        while position < len(block):
            if self._string is None:
                position = self._outside(block, position, offset)
            else:
                position = self._inside(self._string, block, position, offset)

    def _outside(self, block: bytes, position: int, offset: int) -> int:
        quote = block.find(b'"', position)
        if quote < 0:
            self._kept += block[position:]
            return len(block)
        self._kept += block[position:quote]
        self._string, self._start = bytearray(), offset + quote + 1
        return quote + 1

    def _inside(self, string: bytearray, block: bytes, position: int, offset: int) -> int:
        if self._escaped:
            self._escaped = False
            _append(string, block[position : position + 1])
            return position + 1
        match = _QUOTE.search(block, position)
        end = len(block) if match is None else match.start()
        _append(string, block[position:end])
        if match is None:
            return end
        if match[0] == b"\\":
            self._escaped = True
            _append(string, b"\\")
        else:
            self._close(string, offset + end)
        return end + 1

    def _close(self, string: bytearray, stop: int) -> None:
        if stop - self._start > INLINE:
            self._kept += json.dumps({_SPAN: [self._start, stop]}).encode()
        else:
            self._kept += b'"' + string + b'"'
        self._string = None


def _append(string: bytearray, piece: bytes) -> None:
    if len(string) <= INLINE:
        string += piece[: INLINE + 1]


def text(file: BinaryIO, value: Any) -> str | None:
    """Return a string of the answer, wherever it is kept; None for anything that is not a string."""
    if not isinstance(value, Span):
        return value if isinstance(value, str) else None
    if value.stop - value.start > SKELETON_BYTES:
        raise bad_response("the answer holds a text that is too long")
    file.seek(value.start)
    try:
        return str(json.loads(b'"' + file.read(value.stop - value.start) + b'"'))
    except ValueError as error:
        raise bad_response("the answer is not valid JSON") from error


async def decoded(opened: Callable[[], BinaryIO], value: str | Span) -> AsyncIterator[bytes]:
    """Yield the bytes of a base64 string of the answer, with or without a ``data:`` prefix, piece by piece.

    Raises:
        CallError: ``bad_response``, it is not base64.
    """
    decoder = _Base64()
    if isinstance(value, str):
        yield decoder.next(value.encode()) + decoder.last()
        return
    with opened() as file:
        unescape = _Unescape()
        for position in range(value.start, value.stop, _PIECE):
            size = min(_PIECE, value.stop - position)
            yield await asyncio.to_thread(_decode_piece, file, position, size, unescape, decoder)
        yield decoder.next(unescape.last()) + decoder.last()


def _decode_piece(
    file: BinaryIO, position: int, size: int, unescape: "_Unescape", decoder: "_Base64"
) -> bytes:
    file.seek(position)
    return decoder.next(unescape.next(file.read(size)))


class _Unescape:
    """Undoes JSON's escapes in pieces of any length; some servers escape a slash, a plus or a line break."""

    def __init__(self) -> None:
        self._carried = b""

    def next(self, piece: bytes) -> bytes:
        raw = self._carried + piece
        cut = raw.find(b"\\", max(0, len(raw) - _LONGEST_ESCAPE + 1))
        if cut < 0:
            cut = len(raw)
        self._carried = raw[cut:]
        return self._plain(raw[:cut])

    def last(self) -> bytes:
        return self._plain(self._carried)

    @staticmethod
    def _plain(raw: bytes) -> bytes:
        return _ESCAPE.sub(_meant, raw) if b"\\" in raw else raw


def _meant(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 16)])
    return b"/" if match[2] == b"/" else b""


class _Base64:
    """Decodes base64 that comes in pieces of any length."""

    def __init__(self) -> None:
        self._carried = b""
        self._first = True

    def next(self, piece: bytes) -> bytes:
        clean = self._carried + self._without_prefix(piece).translate(None, _BLANKS)
        whole = len(clean) - len(clean) % 4
        self._carried = clean[whole:]
        return _b64decode(clean[:whole])

    def last(self) -> bytes:
        return _b64decode(self._carried + b"=" * (-len(self._carried) % 4))

    def _without_prefix(self, piece: bytes) -> bytes:
        first, self._first = self._first, False
        return piece[piece.find(b",") + 1 :] if first and piece.startswith(b"data:") else piece


def _b64decode(data: bytes) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise bad_response("the answer holds a picture that is not base64") from error
