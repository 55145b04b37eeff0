"""Decodes ``Content-Encoding: gzip`` in small pieces: a kilobyte cannot become a gigabyte in memory."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

import httpx

PIECE_BYTES = 65536
ACCEPTED = frozenset({"", "identity", "gzip", "x-gzip"})

_FREE_BYTES = 16 * 1024 * 1024
_MAX_GROWTH = 100


def check_encoding(encoding: str) -> bool:
    """Return whether the body has to be decoded.

    Raises:
        httpx.DecodingError: an encoding that was not requested (deflate, br, zstd, several at once).
    """
    name = encoding.strip().lower()
    if name not in ACCEPTED:
        raise httpx.DecodingError("the body has a Content-Encoding that was not asked for")
    return name.endswith("gzip")


async def gunzipped(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the decoded chunks, at most 64 KiB each.

    Raises:
        httpx.DecodingError: it is not gzip, or it expands more than a hundredfold beyond 16 MiB.
        httpx.RemoteProtocolError: the body is truncated.
    """
    member = _new_member()
    encoded_bytes = decoded_bytes = 0
    async for chunk in chunks:
        encoded_bytes += len(chunk)
        rest = chunk
        while rest:
            if member.eof:
                member = _new_member()
            piece, rest = _step(member, rest)
            decoded_bytes += len(piece)
            if decoded_bytes > _FREE_BYTES and decoded_bytes > _MAX_GROWTH * encoded_bytes:
                raise httpx.DecodingError("the compressed body grows out of all proportion")
            if piece:
                yield piece
    if encoded_bytes and not member.eof:
        raise httpx.RemoteProtocolError("the compressed body ends in the middle")


def _new_member() -> "zlib._Decompress":
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _step(member: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
    """Return one decoded piece and the remaining input."""
    try:
        piece = member.decompress(data, PIECE_BYTES)
    except zlib.error as error:
        raise httpx.DecodingError("the body is not gzip") from error
    return piece, member.unused_data if member.eof else member.unconsumed_tail
