"""Base64 in chunks: both alphabets, with or without padding, white space and a data URI prefix."""

import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Iterator

from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"
_MAX_DATA_URI_HEAD_BYTES = 256
_PIECE_BYTES = 3 * 64 * 1024  # a multiple of 3, so that only the last piece has padding


def encode_base64(data: bytes) -> Iterator[bytes]:
    """Yield the base64 of an image in chunks of 256 KiB, of `encoded_length` characters altogether."""
    for start in range(0, len(data), _PIECE_BYTES):
        yield base64.b64encode(data[start : start + _PIECE_BYTES])


async def encode_base64_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the base64 of chunks of any length."""
    remainder = b""
    async for chunk in chunks:
        data = remainder + chunk
        complete = len(data) - len(data) % 3
        remainder = data[complete:]
        yield base64.b64encode(data[:complete])
    yield base64.b64encode(remainder)


def encoded_length(size: int) -> int:
    """Return the number of characters that ``size`` bytes take in base64."""
    return (size + 2) // 3 * 4


def decode_base64(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the decoded bytes, holding no more than one block in memory.

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
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_IMAGE_EMPTY())


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_IMAGE_NOT_BASE64()) from error


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
