"""The label in a JPEG: an ``APP1`` segment after JFIF and Exif [XMP specification part 3, 1.1.3]."""

import struct
from collections.abc import AsyncIterator

from imagegen_adapters.image_labels.byte_stream import ByteStream
from imagegen_adapters.image_labels.packet import AigcLabel

_START_OF_IMAGE = b"\xff\xd8"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_SEGMENT_BYTES = 0xFFFF
_MAX_METADATA_BYTES = 4 * 1024 * 1024
"""The metadata at the beginning that is buffered to look for a packet in it; colour profiles are large."""

_MARKER = 0xFF
_COMMENT = 0xFE
_APP = range(0xE0, 0xF0)
_APP0, _APP1 = 0xE0, 0xE1


async def label_jpeg(chunks: AsyncIterator[bytes], label: AigcLabel) -> AsyncIterator[bytes]:
    """Yield the file with the label in its XMP packet, looked up in the segments before the image data."""
    source = ByteStream(chunks)
    start = await source.take(len(_START_OF_IMAGE))
    yield start
    if start == _START_OF_IMAGE:
        segments = [segment async for segment in _metadata(source)]
        for segment in _labelled(segments, label):
            yield segment
    async for chunk in source.rest():
        yield chunk


async def _metadata(source: ByteStream) -> AsyncIterator[bytes]:
    """Yield the application segments and comments at the beginning, each with its marker."""
    size = 0
    while size < _MAX_METADATA_BYTES:
        head = await source.peek(4)
        if len(head) < 4 or head[0] != _MARKER or (head[1] not in _APP and head[1] != _COMMENT):  # noqa: PLR2004 - marker and length
            return
        segment = await source.take(2 + int(struct.unpack(">H", head[2:])[0]))
        size += len(segment)
        yield segment


def _labelled(segments: list[bytes], label: AigcLabel) -> list[bytes]:
    start = 4 + len(_XMP)
    for index, segment in enumerate(segments):
        if segment[1] == _APP1 and segment[4:start] == _XMP:
            merged = _segment(label.merged_into(segment[start:]))
            return [*segments[:index], merged or _label_segment(label), *segments[index + 1 :]]
    index = 0
    while index < len(segments) and _precedes_xmp(segments[index]):
        index += 1
    return [*segments[:index], _label_segment(label), *segments[index:]]


def _precedes_xmp(segment: bytes) -> bool:
    return segment[1] == _APP0 or (segment[1] == _APP1 and segment[4:8] == b"Exif")


def _label_segment(label: AigcLabel) -> bytes:
    return _segment(label.packet()) or b""


def _segment(packet: bytes) -> bytes | None:
    """Return the segment with a packet; None if the packet is too long for one."""
    length = 2 + len(_XMP) + len(packet)
    if length > _MAX_SEGMENT_BYTES:
        return None
    return bytes((_MARKER, _APP1)) + struct.pack(">H", length) + _XMP + packet
