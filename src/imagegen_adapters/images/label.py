"""The implicit label of GB 45438-2025: an XMP property that names the producer of an image and its id."""

import asyncio
import json
import struct
import sys
import tempfile
import zlib
from collections.abc import AsyncIterator
from xml.sax.saxutils import escape

import attrs

from imagegen_core.images import MAX_IMAGE_BYTES, MediaType

NAMESPACE = b"http://www.tc260.org.cn/ns/AIGC/1.0/"
MAX_PACKET_BYTES = 1024 * 1024  # larger packets pass unchanged

_HEAD = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_OPEN = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
_CLOSE = b'</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
_END_OF_RDF = b"</rdf:RDF>"


def _description(producer: str, produce_id: str) -> bytes:
    value = {
        "Label": "1",
        "ContentProducer": producer,
        "ProduceID": produce_id,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    text = escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")), {'"': "&quot;"})
    opening = b'<rdf:Description rdf:about="" xmlns:TC260="' + NAMESPACE + b'">'
    return opening + f"<TC260:AIGC>{text}</TC260:AIGC></rdf:Description>".encode("utf-8", "replace")


def _packet(label: bytes, packet: bytes = b"") -> bytes:
    """Add the label; a labelled packet stays unchanged, one without a place for the label is replaced."""
    if NAMESPACE in packet:
        return packet
    before, end, after = packet.rpartition(_END_OF_RDF)
    if not end or b"xmlns:rdf=" not in before:
        return _HEAD + _OPEN + label + _CLOSE
    return before + label + end + after


class _ByteStream:
    """A buffered reader over chunks. The stream may end at any byte, so all reads may return less."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks, self._buffer = chunks, bytearray()

    async def peek(self, count: int) -> bytes:
        while len(self._buffer) < count and (chunk := await anext(self._chunks, None)) is not None:
            self._buffer += chunk
        return bytes(self._buffer[:count])

    async def take(self, count: int) -> bytes:
        data = await self.peek(count)
        del self._buffer[: len(data)]
        return data

    async def forward(self, count: int = sys.maxsize) -> AsyncIterator[bytes]:
        while count > 0 and await self.peek(1):
            chunk = await self.take(min(count, len(self._buffer)))
            count -= len(chunk)
            yield chunk


# ---------------------------------------------------------------- jpeg
# JPEG: an ``APP1`` segment after JFIF and Exif [XMP specification part 3, 1.1.3]

_START_OF_IMAGE = b"\xff\xd8"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_SEGMENT_BYTES = 0xFFFF
_MAX_METADATA_BYTES = 4 * 1024 * 1024
"""How much is buffered at the beginning to look for a packet; colour profiles are large."""

_MARKER = 0xFF
_COMMENT = 0xFE
_APP = range(0xE0, 0xF0)
_APP0, _APP1 = 0xE0, 0xE1


async def _labelled_jpeg(chunks: AsyncIterator[bytes], label: bytes) -> AsyncIterator[bytes]:
    """Look for the XMP packet in the segments before the image data."""
    source = _ByteStream(chunks)
    start = await source.take(len(_START_OF_IMAGE))
    yield start
    if start == _START_OF_IMAGE:
        segments = [segment async for segment in _jpeg_metadata(source)]
        for segment in _labelled(segments, label):
            yield segment
    async for chunk in source.forward():
        yield chunk


async def _jpeg_metadata(source: _ByteStream) -> AsyncIterator[bytes]:
    """Yield the application segments and comments at the beginning, each with its marker."""
    size = 0
    while size < _MAX_METADATA_BYTES:
        head = await source.peek(4)
        if len(head) < 4 or head[0] != _MARKER or (head[1] not in _APP and head[1] != _COMMENT):  # noqa: PLR2004 - marker and length
            return
        segment = await source.take(2 + int(struct.unpack(">H", head[2:])[0]))
        size += len(segment)
        yield segment


def _labelled(segments: list[bytes], label: bytes) -> list[bytes]:
    start, own = 4 + len(_JPEG_XMP), _segment(_packet(label)) or b""
    for index, segment in enumerate(segments):
        if segment[1] == _APP1 and segment[4:start] == _JPEG_XMP:
            merged = _segment(_packet(label, segment[start:]))
            return [*segments[:index], merged or own, *segments[index + 1 :]]
    index = 0
    while index < len(segments) and (
        segments[index][1] == _APP0 or (segments[index][1] == _APP1 and segments[index][4:8] == b"Exif")
    ):
        index += 1
    return [*segments[:index], own, *segments[index:]]


def _segment(packet: bytes) -> bytes | None:
    """Return the segment; None if the packet is too long for one."""
    length = 2 + len(_JPEG_XMP) + len(packet)
    if length > _MAX_SEGMENT_BYTES:
        return None
    return bytes((_MARKER, _APP1)) + struct.pack(">H", length) + _JPEG_XMP + packet


# ---------------------------------------------------------------- png
# PNG: an ``iTXt`` chunk before the first ``IDAT`` [XMP specification part 3, 1.1.5]

_SIGNATURE_BYTES = 8
_HEADER_BYTES = 8
_CRC_BYTES = 4
_PNG_XMP = b"XML:com.adobe.xmp\0"
_PLAIN = b"\0\0\0\0"  # not compressed, no language, no translated keyword


async def _labelled_png(chunks: AsyncIterator[bytes], label: bytes) -> AsyncIterator[bytes]:
    source = _ByteStream(chunks)
    yield await source.take(_SIGNATURE_BYTES)
    labelled = False
    while len(header := await source.peek(_HEADER_BYTES)) == _HEADER_BYTES:
        length, kind = struct.unpack(">I4s", header)
        is_text = kind == b"iTXt" and length <= MAX_PACKET_BYTES
        if is_text and (packet := await _xmp(source, length)) is not None:
            await source.take(_HEADER_BYTES + length + _CRC_BYTES)
            yield _png_chunk(_packet(label, packet))
            labelled = True
            continue
        if kind == b"IDAT" and not labelled:
            yield _png_chunk(_packet(label))
            labelled = True
        async for chunk in source.forward(_HEADER_BYTES + length + _CRC_BYTES):
            yield chunk
    async for chunk in source.forward():
        yield chunk


async def _xmp(source: _ByteStream, length: int) -> bytes | None:
    """Return the XMP packet in the next text chunk, or None if it holds something else."""
    data = (await source.peek(_HEADER_BYTES + length))[_HEADER_BYTES:]
    if len(data) < length or not data.startswith(_PNG_XMP):
        return None
    flags, rest = data[len(_PNG_XMP) : len(_PNG_XMP) + 2], data[len(_PNG_XMP) + 2 :]
    *_, text = rest.split(b"\0", 2)
    if flags[:1] != b"\1":
        return text
    decompressor = zlib.decompressobj()
    try:
        plain = decompressor.decompress(text, MAX_PACKET_BYTES)
    except zlib.error:
        return None
    return None if decompressor.unconsumed_tail else plain


def _png_chunk(packet: bytes) -> bytes:
    body = b"iTXt" + _PNG_XMP + _PLAIN + packet
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


# ---------------------------------------------------------------- webp
# WebP: an ``XMP `` chunk at the end, announced by the ``VP8X`` header [developers.google.com/speed/webp]

_RIFF_BYTES = 12
_VP8X_BYTES = 18
_XMP_FLAG = 0x04
_ALPHA_FLAG = 0x10
_MAX_IN_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_KEYFRAME_START = b"\x9d\x01\x2a"
_LOSSLESS_START = 0x2F


async def _labelled_webp(chunks: AsyncIterator[bytes], label: bytes) -> AsyncIterator[bytes]:
    """Add the label to the XMP packet; a file with an implausible header passes unchanged.

    The file begins with its size, so one that has a packet is spooled until its new size is known.
    """
    source = _ByteStream(chunks)
    riff = await source.take(_RIFF_BYTES)
    head = await source.peek(_HEADER_BYTES + 10)
    extended, lacks_vp8x = _extended_header(head), head[:4] != b"VP8X"
    # An encoder that could not seek back writes a size of 0 or 4 GiB here.
    body_bytes = int.from_bytes(riff[4:8], "little") - 4 - (0 if lacks_vp8x else _VP8X_BYTES)
    if extended is None or not 0 < body_bytes <= MAX_IMAGE_BYTES:
        yield riff
        async for chunk in source.forward():
            yield chunk
        return
    if not lacks_vp8x:
        await source.take(_VP8X_BYTES)
    flags, rest = extended[_HEADER_BYTES], extended[_HEADER_BYTES + 1 :]
    extended = extended[:_HEADER_BYTES] + bytes((flags | _XMP_FLAG,)) + rest
    if flags & _XMP_FLAG:
        async for chunk in _with_merged_packet(source, body_bytes, extended, label):
            yield chunk
        return
    label_chunk = b"\0" * (body_bytes % 2) + _webp_chunk(b"XMP ", _packet(label))
    yield _riff(extended, body_bytes + len(label_chunk)) + extended
    async for chunk in source.forward(body_bytes):
        yield chunk
    yield label_chunk


async def _with_merged_packet(
    source: _ByteStream, body_bytes: int, extended: bytes, label: bytes
) -> AsyncIterator[bytes]:
    """Move the packet to the end and merge it with the label."""
    packet, remaining = b"", body_bytes
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
        label_chunk = b"\0" * (spooled.tell() % 2) + _webp_chunk(b"XMP ", _packet(label, packet))
        yield _riff(extended, spooled.tell() + len(label_chunk)) + extended
        spooled.seek(0)
        while chunk := await asyncio.to_thread(spooled.read, _CHUNK_BYTES):
            yield chunk
        yield label_chunk


def _extended_header(head: bytes) -> bytes | None:
    """Return the existing or a new ``VP8X`` chunk; None if the header is not understood."""
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
    return _webp_chunk(b"VP8X", bytes((_ALPHA_FLAG if alpha else 0, 0, 0, 0)) + sizes)


def _riff(extended: bytes, body_bytes: int) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(extended) + body_bytes) + b"WEBP"


def _webp_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


# ---------------------------------------------------------------- gif
# GIF: an application extension after the palette and the loop, which comes first [XMP part 3, 1.1.2]

_GIF_HEADER_BYTES = 13
_LOOP_BYTES = 19
_GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
_GIF_XMP_END = b"\x01" + bytes(range(255, -1, -1)) + b"\0"  # leads any reader of blocks to the end


async def _labelled_gif(chunks: AsyncIterator[bytes], label: bytes) -> AsyncIterator[bytes]:
    """Look for a label only where one would be: a second one further on harms nothing."""
    source = _ByteStream(chunks)
    head = await source.take(_GIF_HEADER_BYTES)
    is_gif = len(head) == _GIF_HEADER_BYTES and head.startswith(b"GIF8")
    if is_gif and head[10] & 0x80:
        head += await source.take(3 << (head[10] & 7) + 1)
    if (await source.peek(14))[3:] == b"NETSCAPE2.0":
        head += await source.take(_LOOP_BYTES)
    yield head
    if is_gif and NAMESPACE not in await source.peek(_MAX_SEGMENT_BYTES):
        yield _GIF_XMP + _packet(label) + _GIF_XMP_END
    async for chunk in source.forward():
        yield chunk


# ---------------------------------------------------------------- avif
# AVIF: a ``uuid`` box at the end, where it moves nothing that others point at [XMP part 3, 1.1.4]

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


async def _labelled_avif(chunks: AsyncIterator[bytes], label: bytes) -> AsyncIterator[bytes]:
    """A file whose last box is cut off, or has no length, passes unchanged."""
    source, before, is_labelled = _ByteStream(chunks), b"", False
    while head := await source.peek(16):
        length = int.from_bytes(head[8:] if head[:4] == b"\0\0\0\1" else head[:4], "big")
        async for chunk in source.forward(length or sys.maxsize):
            is_labelled = is_labelled or NAMESPACE in before + chunk
            before, length = chunk[-len(NAMESPACE) :], length - len(chunk)
            yield chunk
        if length:
            return
    if before and not is_labelled:
        box = b"uuid" + _XMP_UUID + _packet(label)
        yield struct.pack(">I", 4 + len(box)) + box


# ---------------------------------------------------------------- any of them

_WRITERS = {
    MediaType.PNG: _labelled_png,
    MediaType.JPEG: _labelled_jpeg,
    MediaType.WEBP: _labelled_webp,
    MediaType.GIF: _labelled_gif,
    MediaType.AVIF: _labelled_avif,
}


@attrs.frozen(kw_only=True)
class AigcImageLabel:
    """The `ImageLabel` of a content provider, given by name or unified social credit code.

    An SVG passes unchanged.
    """

    producer: str

    def __call__(
        self, chunks: AsyncIterator[bytes], media_type: MediaType, produce_id: str
    ) -> AsyncIterator[bytes]:
        if media_type is MediaType.SVG:
            return chunks
        return _WRITERS[media_type](chunks, _description(self.producer, produce_id))
