"""Base64 of images in chunks, for the bodies of requests."""

import base64
from collections.abc import AsyncIterator, Iterator

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
