"""The long strings of a spooled JSON response: where they are in the file, and what they hold.

An image is such a string; it is decoded chunk by chunk from the file.
"""

import asyncio
import binascii
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import BinaryIO

import attrs

from imagegen_adapters.providers.json_responses import bad_response
from imagegen_adapters.providers.messages import ResponseCode

MAX_INLINE_STRING_BYTES = 64 * 1024
"""The longest string that is read into memory."""

MAX_JSON_BYTES = 4 * 1024 * 1024
"""JSON without its long strings: no response with images has more."""

BLOCK_BYTES = 512 * 1024
_PREVIEW_BYTES = 64
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_PLAIN = re.compile(rb"[ -\[\]-~]*")
_STRING_CONTENT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_MAX_ESCAPE_BYTES = 6
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"
_MAX_DATA_URI_HEAD_BYTES = 256


@attrs.frozen(kw_only=True)
class SpooledString:
    """Where a string's text is in the file; ``length`` is in bytes, escapes included."""

    offset: int
    length: int


def read_without_long_strings(file: BinaryIO, nonce: bytes) -> bytes:
    """Return the JSON with nonce, offset and length in place of what each long string holds. Blocks.

    Raises:
        CallError: ``bad_response``; it is longer than `MAX_JSON_BYTES` without them.
    """
    head = file.read(MAX_INLINE_STRING_BYTES)
    if len(head) < MAX_INLINE_STRING_BYTES:
        return head  # too short for a long string
    scanner = _Scanner(nonce)
    scanner.feed(head)
    while block := file.read(BLOCK_BYTES):
        scanner.feed(block)
        if len(scanner.output) > MAX_JSON_BYTES:
            raise bad_response(ResponseCode.RESPONSE_JSON())
    return bytes(scanner.output + scanner.buffer)


class _Scanner:
    """Copies JSON to ``output``; a string is in ``buffer`` until it ends or turns out to be a long one."""

    def __init__(self, nonce: bytes) -> None:
        self.output = bytearray()
        self.buffer = bytearray()
        self._nonce = nonce
        self._base = 0
        self._start = -1  # offset of the current string's first byte; -1 outside strings
        self._escapes = False  # whether the last block ended with an escaping backslash

    def feed(self, block: bytes) -> None:
        position = 0
        while position < len(block):
            if self._start < 0:
                quote = block.find(b'"', position)
                end = len(block) if quote < 0 else quote + 1
                self.output += block[position:end]
                self._start = -1 if quote < 0 else self._base + end
                position = end
            else:
                end = self._end_of_string(block, position)
                self._buffer(block, position, end)
                if end < len(block):
                    self._close(self._base + end)
                position = end + 1
        self._base += len(block)

    def _end_of_string(self, block: bytes, position: int) -> int:
        """Return the position of the quote that ends the current string, or the length of the block."""
        quote = block.find(b'"', position)
        end = len(block) if quote < 0 else quote
        if not self._escapes and block.find(b"\\", position, end) < 0:
            return end
        begin = position + self._escapes
        within = _STRING_CONTENT.match(block, begin)
        end = within.end() if within else begin
        self._escapes = block[end : end + 1] == b"\\"  # the last byte of the block
        return len(block) if self._escapes else end

    def _buffer(self, block: bytes, start: int, end: int) -> None:
        room = MAX_INLINE_STRING_BYTES + 1 - len(self.buffer)
        if room > 0:
            self.buffer += block[start : min(end, start + room)]

    def _close(self, end: int) -> None:
        length = end - self._start
        if length <= MAX_INLINE_STRING_BYTES:
            self.output += self.buffer
        else:
            head = _PLAIN.match(bytes(self.buffer[:_PREVIEW_BYTES]))
            self.output += (head[0] if head else b"") + self._nonce + f"{self._start}:{length}".encode()
        self.output += b'"'
        self.buffer.clear()
        self._start, self._escapes = -1, False


async def decode_chunks(open_file: Callable[[], BinaryIO], text: str | SpooledString) -> AsyncIterator[bytes]:
    """Yield the bytes of a base64 string of the response in blocks of at most 512 KiB.

    Args:
        open_file: opens the spooled response, which is read in a thread; the file is closed afterwards.
        text: as `SpooledJson.resolve` returns it; at most 64 KiB that are in memory are decoded at once.

    Raises:
        CallError: ``bad_response``; it is not base64, or empty.
    """
    if isinstance(text, str):
        for block in decode_base64([text.encode("utf-8", "replace")]):
            yield block
        return
    with open_file() as file:
        async for block in iterate_in_thread(decode_base64(read_string(file, text))):
            yield block


async def iterate_in_thread(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the items of a blocking iterator, each step in a thread."""
    iterator = iter(blocks)
    while (block := await asyncio.to_thread(next, iterator, None)) is not None:
        yield block


def read_string(file: BinaryIO, string: SpooledString) -> Iterator[bytes]:
    """Yield a spooled string's bytes, unescaped, in blocks of at most 512 KiB. Blocks while reading."""
    position, end, remainder = string.offset, string.offset + string.length, b""
    while position < end:
        file.seek(position)
        block = file.read(min(BLOCK_BYTES, end - position))
        if not block:
            break
        position += len(block)
        block = remainder + block
        cut = len(block) if position >= end else _safe_cut(block)
        remainder, block = block[cut:], block[:cut]
        yield _ESCAPE.sub(_unescaped, block) if b"\\" in block else block


def _safe_cut(block: bytes) -> int:
    """Return where to cut the block without splitting an escape; the block never starts inside one."""
    last = block.rfind(b"\\", max(0, len(block) - _MAX_ESCAPE_BYTES))
    if last < 0:
        return len(block)
    run = len(block[:last].rstrip(b"\\"))
    begins_escape = (last - run) % 2 == 0
    needed = _MAX_ESCAPE_BYTES if block[last + 1 : last + 2] == b"u" else 2
    return last if begins_escape and last + needed > len(block) else len(block)


def _unescaped(match: "re.Match[bytes]") -> bytes:
    if match[1] is not None:
        return chr(int(match[1], 16)).encode("utf-8", "replace")
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}.get(match[2], match[2])


def decode_base64(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of base64 text, holding no more than one block in memory.

    Both alphabets are taken, with or without padding, white space and a data URI's head.

    Raises:
        CallError: ``bad_response``; it is not base64, or empty.
    """
    remainder = b""
    empty = True
    for block in _without_head(blocks):
        text = remainder + block.translate(_URL_SAFE, _SPACE).rstrip(b"=")
        complete = len(text) // 4 * 4
        remainder = text[complete:]
        if complete:
            empty = False
            yield _decoded(text[:complete])
    if remainder:
        empty = False
        yield _decoded(remainder + b"=" * (-len(remainder) % 4))
    if empty:
        raise bad_response(ResponseCode.RESPONSE_IMAGE_EMPTY())


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise bad_response(ResponseCode.RESPONSE_IMAGE_NOT_BASE64()) from error


def _without_head(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks without a leading ``data:image/png;base64,``."""
    rest = iter(blocks)
    start = b""
    for block in rest:
        start += block
        if len(start) >= _MAX_DATA_URI_HEAD_BYTES:
            break
    head, comma, _ = start[:_MAX_DATA_URI_HEAD_BYTES].partition(b",")
    yield start[len(head) + 1 :] if comma and head.lstrip().lower().startswith(b"data:") else start
    yield from rest
