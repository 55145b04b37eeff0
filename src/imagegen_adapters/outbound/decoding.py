"""Undoes ``Content-Encoding: gzip`` in small pieces: a kilobyte never becomes a gigabyte in memory."""

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
        httpx.DecodingError: it has an encoding that was not asked for (deflate, br, zstd, several at once).
    """
    name = encoding.strip().lower()
    if name not in ACCEPTED:
        raise httpx.DecodingError("the body has a Content-Encoding that was not asked for")
    return name.endswith("gzip")


async def gunzipped(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield what the chunks decode to, at most 64 KiB at a time.

    Raises:
        httpx.DecodingError: it is not gzip, or it grows more than a hundredfold beyond 16 MiB.
        httpx.RemoteProtocolError: the body ends in the middle.
    """
    member = _new_member()
    taken = given = 0
    async for chunk in chunks:
        taken += len(chunk)
        rest = chunk
        while rest:
            if member.eof:
                member = _new_member()
            piece, rest = _step(member, rest)
            given += len(piece)
            if given > _FREE_BYTES and given > _MAX_GROWTH * taken:
                raise httpx.DecodingError("the compressed body grows out of all proportion")
            if piece:
                yield piece
    if taken and not member.eof:
        raise httpx.RemoteProtocolError("the compressed body ends in the middle")


def _new_member() -> "zlib._Decompress":
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _step(member: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
    """Return one piece and the input that is still to be decoded."""
    try:
        piece = member.decompress(data, PIECE_BYTES)
    except zlib.error as error:
        raise httpx.DecodingError("the body is not gzip") from error
    return piece, member.unused_data if member.eof else member.unconsumed_tail
