"""The label in a PNG: an ``iTXt`` chunk before the first ``IDAT`` [XMP specification part 3, 1.1.5]."""

import struct
import zlib
from collections.abc import AsyncIterator

from imagegen_adapters.image_labels.byte_stream import ByteStream
from imagegen_adapters.image_labels.packet import MAX_PACKET_BYTES, AigcLabel

_SIGNATURE_BYTES = 8
_HEADER_BYTES = 8
_CRC_BYTES = 4
_XMP = b"XML:com.adobe.xmp\0"
_PLAIN = b"\0\0\0\0"  # not compressed, no language, no translated keyword


async def label_png(chunks: AsyncIterator[bytes], label: AigcLabel) -> AsyncIterator[bytes]:
    """Yield the file with the label in its XMP packet; all other chunks pass unchanged."""
    source = ByteStream(chunks)
    yield await source.take(_SIGNATURE_BYTES)
    labelled = False
    while len(header := await source.peek(_HEADER_BYTES)) == _HEADER_BYTES:
        length, kind = struct.unpack(">I4s", header)
        if (
            kind == b"iTXt"
            and length <= MAX_PACKET_BYTES
            and (packet := await _xmp(source, length)) is not None
        ):
            await source.take(_HEADER_BYTES + length + _CRC_BYTES)
            yield _chunk(label.merged_into(packet))
            labelled = True
            continue
        if kind == b"IDAT" and not labelled:
            yield _chunk(label.packet())
            labelled = True
        async for chunk in source.forward(_HEADER_BYTES + length + _CRC_BYTES):
            yield chunk
    async for chunk in source.rest():
        yield chunk


async def _xmp(source: ByteStream, length: int) -> bytes | None:
    """Return the XMP packet in the next text chunk, or None if it holds something else."""
    data = (await source.peek(_HEADER_BYTES + length))[_HEADER_BYTES:]
    if len(data) < length or not data.startswith(_XMP):
        return None
    flags, rest = data[len(_XMP) : len(_XMP) + 2], data[len(_XMP) + 2 :]
    *_, text = rest.split(b"\0", 2)
    if flags[:1] == b"\1":
        return _decompressed(text)
    return text


def _decompressed(text: bytes) -> bytes | None:
    decompressor = zlib.decompressobj()
    try:
        plain = decompressor.decompress(text, MAX_PACKET_BYTES)
    except zlib.error:
        return None
    return None if decompressor.unconsumed_tail else plain


def _chunk(packet: bytes) -> bytes:
    body = b"iTXt" + _XMP + _PLAIN + packet
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
