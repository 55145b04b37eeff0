"""The label in a WebP: an ``XMP `` chunk at the end, announced by the ``VP8X`` header at the beginning.

https://developers.google.com/speed/webp/docs/riff_container
"""

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator
from typing import IO

from imagegen_adapters.image_labels.byte_stream import ByteStream
from imagegen_adapters.image_labels.packet import MAX_PACKET_BYTES, AigcLabel
from imagegen_core.images import MAX_IMAGE_BYTES

_RIFF_BYTES = 12
_HEADER_BYTES = 8
_VP8X_BYTES = 18
_XMP_FLAG = 0x04
_ALPHA_FLAG = 0x10
_MAX_IN_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_KEYFRAME_START = b"\x9d\x01\x2a"
_LOSSLESS_START = 0x2F


async def label_webp(chunks: AsyncIterator[bytes], label: AigcLabel) -> AsyncIterator[bytes]:
    """Yield the file with the label in its XMP packet; a file with an implausible header passes unchanged.

    The file begins with its size. A file that already has a packet is therefore written to a temporary file
    first, since the length of that packet is only known at the end.
    """
    source = ByteStream(chunks)
    riff = await source.take(_RIFF_BYTES)
    head = await source.peek(_HEADER_BYTES + 10)
    extended = _extended_header(head)
    lacks_vp8x = head[:4] != b"VP8X"
    # An encoder that could not seek back writes a size of 0 or 4 GiB here.
    body_bytes = int.from_bytes(riff[4:8], "little") - 4 - (0 if lacks_vp8x else _VP8X_BYTES)
    if extended is None or not 0 < body_bytes <= MAX_IMAGE_BYTES:
        yield riff
        async for chunk in source.rest():
            yield chunk
        return
    if not lacks_vp8x:
        await source.take(_VP8X_BYTES)
    flags, rest = extended[_HEADER_BYTES], extended[_HEADER_BYTES + 1 :]
    extended = extended[:_HEADER_BYTES] + bytes((flags | _XMP_FLAG,)) + rest
    body = _with_merged_packet if flags & _XMP_FLAG else _with_appended_packet
    async for chunk in body(source, body_bytes, extended, label):
        yield chunk


async def _with_appended_packet(
    source: ByteStream, body_bytes: int, extended: bytes, label: AigcLabel
) -> AsyncIterator[bytes]:
    padding = b"\0" * (body_bytes % 2)
    label_chunk = padding + _chunk(b"XMP ", label.packet())
    yield _riff(extended, body_bytes + len(label_chunk)) + extended
    async for chunk in source.forward(body_bytes):
        yield chunk
    yield label_chunk


async def _with_merged_packet(
    source: ByteStream, body_bytes: int, extended: bytes, label: AigcLabel
) -> AsyncIterator[bytes]:
    """Yield the same chunks, with the packet moved to the end and merged with the label."""
    packet = None
    remaining = body_bytes
    with tempfile.SpooledTemporaryFile(_MAX_IN_MEMORY_BYTES) as spooled:
        while remaining > 0 and len(header := await source.peek(_HEADER_BYTES)) == _HEADER_BYTES:
            length = int(struct.unpack("<I", header[4:])[0])
            whole = _HEADER_BYTES + length + length % 2
            remaining -= whole
            if header[:4] == b"XMP " and length <= MAX_PACKET_BYTES:
                packet = (await source.take(whole))[_HEADER_BYTES : _HEADER_BYTES + length]
                continue
            async for chunk in source.forward(whole):
                await asyncio.to_thread(spooled.write, chunk)
        merged = label.packet() if packet is None else label.merged_into(packet)
        label_chunk = b"\0" * (spooled.tell() % 2) + _chunk(b"XMP ", merged)
        yield _riff(extended, spooled.tell() + len(label_chunk)) + extended
        async for chunk in _chunks(spooled):
            yield chunk
        yield label_chunk


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
        yield chunk


def _extended_header(head: bytes) -> bytes | None:
    """Return the existing or a new ``VP8X`` chunk; None if the beginning of the file is not understood."""
    kind, data = head[:4], head[_HEADER_BYTES:]
    if len(data) < 10:  # noqa: PLR2004 - the length of the longest of the three headers
        return None
    if kind == b"VP8X":
        return head[:_VP8X_BYTES]
    if kind == b"VP8 " and data[3:6] == _KEYFRAME_START:
        width, height = (value & 0x3FFF for value in struct.unpack("<HH", data[6:10]))
        return _vp8x(width, height, alpha=False) if width and height else None
    if kind == b"VP8L" and data[0] == _LOSSLESS_START:
        (bits,) = struct.unpack("<I", data[1:5])
        return _vp8x((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, alpha=bool(bits >> 28 & 1))
    return None


def _vp8x(width: int, height: int, *, alpha: bool) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _chunk(b"VP8X", bytes((_ALPHA_FLAG if alpha else 0, 0, 0, 0)) + sizes)


def _riff(extended: bytes, body_bytes: int) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(extended) + body_bytes) + b"WEBP"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
