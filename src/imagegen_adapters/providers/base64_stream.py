"""Base64 in pieces: both alphabets, with or without padding, white space and a data URI's head allowed."""

import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Iterator

from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"
_MAX_DATA_URI_HEAD_BYTES = 256
_PIECE_BYTES = 3 * 64 * 1024  # a multiple of 3, so that no padding comes in between


def encode_base64(data: bytes) -> Iterator[bytes]:
    """Yield the base64 of an image in pieces of 256 KiB, whose length is `encoded_length` together."""
    for start in range(0, len(data), _PIECE_BYTES):
        yield base64.b64encode(data[start : start + _PIECE_BYTES])


async def encode_base64_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the base64 of what comes in pieces of any length."""
    carry = b""
    async for chunk in chunks:
        data = carry + chunk
        whole = len(data) - len(data) % 3
        carry = data[whole:]
        yield base64.b64encode(data[:whole])
    yield base64.b64encode(carry)


def encoded_length(size: int) -> int:
    """Return how many characters ``size`` bytes take."""
    return (size + 2) // 3 * 4


def decode_base64(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the decoded bytes, never more in memory than a block.

    Raises:
        CallError: ``bad_response``; it is no base64, or empty.
    """
    carry = b""
    empty = True
    for block in _without_head(blocks):
        text = carry + block.translate(_URL_SAFE, _SPACE).rstrip(b"=")
        whole = len(text) // 4 * 4
        carry = text[whole:]
        if whole:
            empty = False
            yield _decoded(text[:whole])
    if carry:
        empty = False
        yield _decoded(carry + b"=" * (-len(carry) % 4))
    if empty:
        raise CallError(FailureCode.BAD_RESPONSE, "an image in the provider's answer is empty")


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise CallError(FailureCode.BAD_RESPONSE, "an image in the provider's answer is no base64") from error


def _without_head(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks without ``data:image/png;base64,``."""
    rest = iter(blocks)
    start = b""
    for block in rest:
        start += block
        if len(start) >= _MAX_DATA_URI_HEAD_BYTES:
            break
    head, comma, _ = start[:_MAX_DATA_URI_HEAD_BYTES].partition(b",")
    yield start[len(head) + 1 :] if comma and head.lstrip().lower().startswith(b"data:") else start
    yield from rest
