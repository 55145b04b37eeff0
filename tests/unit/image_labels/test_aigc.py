"""The implicit label of GB 45438-2025: in the file's XMP, with every pixel as it was."""

import io
import json
import struct
import xml.etree.ElementTree as ET
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from imagegen_adapters.images.label import AigcImageLabel
from imagegen_core.images import MediaType

pytestmark = pytest.mark.anyio

PRODUCER = '某某"科技" <& 公司>'
OTHERS = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/x"/>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
UPSTREAMS = OTHERS.replace(
    b"</rdf:RDF>",
    b'<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">'
    b"<TC260:AIGC>{&quot;Label&quot;:&quot;1&quot;,&quot;ContentProducer&quot;:&quot;vendor&quot;}"
    b"</TC260:AIGC></rdf:Description></rdf:RDF>",
)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def image(mode="RGB", size=(37, 23)):
    noise = bytes(zlib.crc32(bytes((i % 251, i % 7))) & 0xFF for i in range(size[0] * size[1] * len(mode)))
    return Image.frombytes(mode, size, noise)


def encoded(kind, *, mode="RGB", size=(37, 23), **options):
    buffer = io.BytesIO()
    image(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def png_with_text(xmp, *, compressed=False):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Title", "还有别的")
    info.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=compressed)
    return encoded("PNG", pnginfo=info)


FILES = {
    "png": encoded("PNG"),
    "png alpha": encoded("PNG", mode="RGBA"),
    "png odd": encoded("PNG", size=(1, 1)),
    "png profile": encoded("PNG", icc_profile=ICC),
    "jpeg": encoded("JPEG"),
    "jpeg progressive": encoded("JPEG", progressive=True),
    "jpeg exif": encoded("JPEG", exif=Image.Exif()),
    "jpeg profile": encoded("JPEG", icc_profile=ICC * 40, comment=b"hello"),
    "webp lossy": encoded("WEBP", quality=80),
    "webp lossless": encoded("WEBP", lossless=True),
    "webp lossless alpha": encoded("WEBP", mode="RGBA", lossless=True),
    "webp lossy alpha": encoded("WEBP", mode="RGBA", quality=50),
    "webp profile": encoded("WEBP", icc_profile=ICC),
    "webp odd": encoded("WEBP", size=(1, 1), quality=1),
    "gif": encoded("GIF", mode="L"),
    "gif odd": encoded("GIF", mode="1", size=(1, 1)),
    "avif": encoded("AVIF"),
    "avif profile": encoded("AVIF", icc_profile=ICC, exif=Image.Exif()),
}
WITH_OTHERS = {
    "png": png_with_text(OTHERS),
    "png compressed": png_with_text(OTHERS, compressed=True),
    "jpeg": encoded("JPEG", xmp=OTHERS),
    "jpeg profile": encoded("JPEG", xmp=OTHERS, icc_profile=ICC, exif=Image.Exif()),
    "webp": encoded("WEBP", xmp=OTHERS, quality=80),
    "webp lossless": encoded("WEBP", xmp=OTHERS, mode="RGBA", lossless=True),
}
WITH_UPSTREAMS = {
    "png": png_with_text(UPSTREAMS),
    "jpeg": encoded("JPEG", xmp=UPSTREAMS),
    "webp": encoded("WEBP", xmp=UPSTREAMS),
    "avif": encoded("AVIF", xmp=UPSTREAMS),
}


async def labelled(content, *, step=1000, producer=PRODUCER):
    async def chunks():
        for start in range(0, len(content), step):
            yield content[start : start + step]

    media_type = MediaType.sniff(content)
    label = AigcImageLabel(producer=producer)
    return b"".join([c async for c in label(chunks(), media_type=media_type, produce_id="task-1-0")])


def opened(content):
    """Return the image, decoded to the end, its checksums compared."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def packet_of(content):
    image = opened(content)
    name, at = image.info.get("extension", (None, 0))
    if name == b"XMP DataXMP":  # of a GIF
        return content[at : content.index(b"\x01\xff\xfe", at)]
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or uuid_box(content)
    return packet.encode() if isinstance(packet, str) else packet


def uuid_box(content):
    """Return the packet in an AVIF's box of XMP; its boxes must fill the file exactly."""
    at, packet = 0, None
    while MediaType.sniff(content) is MediaType.AVIF and at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"uuid" and content[at + 8 : at + 24].hex() == "be7acfcb97a942e89c71999491e3afac":
            packet = content[at + 24 : at + length]
        at += length
    assert packet is None or at == len(content)
    return packet


def label_of(content):
    """Return the label as a stranger's XML reader finds it."""
    packet = packet_of(content)
    inside = packet[packet.index(b"<x:xmpmeta") : packet.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")]
    elements = ET.fromstring(inside).findall(  # noqa: S314 - our own
        ".//{http://www.tc260.org.cn/ns/AIGC/1.0/}AIGC"
    )
    assert 1 == len(elements)
    return json.loads(elements[0].text)


def png_chunks(content):
    """Return the kinds of the chunks in order; every checksum must be right."""
    kinds, at = [], 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        (crc,) = struct.unpack(">I", content[at + 8 + length : at + 12 + length])
        assert zlib.crc32(content[at + 4 : at + 8 + length]) == crc
        kinds.append(kind)
        at += 12 + length
    return kinds


def webp_chunks(content):
    """Return kind and flags of the chunks; the sizes must fill the file exactly."""
    assert struct.unpack("<I", content[4:8])[0] + 8 == len(content)
    kinds, at = [], 12
    while at < len(content):
        (length,) = struct.unpack("<I", content[at + 4 : at + 8])
        kinds.append(content[at : at + 4])
        at += 8 + length + length % 2
    assert at == len(content)
    return kinds


@pytest.mark.parametrize("name", FILES)
async def test_every_kind_of_file_shows_the_label(name):
    """All seven fields, with whatever the producer is called."""
    label = label_of(await labelled(FILES[name]))

    assert label == {
        "Label": "1",
        "ContentProducer": PRODUCER,
        "ProduceID": "task-1-0",
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }


@pytest.mark.parametrize("name", FILES)
async def test_pixels_and_profile_are_what_they_were(name):
    """Nothing is encoded anew."""
    before, after = opened(FILES[name]), opened(await labelled(FILES[name]))

    assert (before.mode, before.size, before.tobytes()) == (after.mode, after.size, after.tobytes())
    assert before.info.get("icc_profile") == after.info.get("icc_profile")


@pytest.mark.parametrize("name", WITH_OTHERS)
async def test_xmp_that_is_there_keeps_what_it_says(name):
    """The label is joined to it, in one packet."""
    before, content = opened(WITH_OTHERS[name]), await labelled(WITH_OTHERS[name])

    assert PRODUCER == label_of(content)["ContentProducer"]
    assert b'dc:format="image/x"' in packet_of(content)
    assert before.tobytes() == opened(content).tobytes()
    assert 1 == content.count(b"<x:xmpmeta")


@pytest.mark.parametrize("name", WITH_UPSTREAMS)
async def test_a_label_of_the_upstream_stays_the_only_one(name):
    """Who made the image has said so already."""
    content = await labelled(WITH_UPSTREAMS[name])

    assert {"Label": "1", "ContentProducer": "vendor"} == label_of(content)
    assert opened(WITH_UPSTREAMS[name]).tobytes() == opened(content).tobytes()


async def test_a_png_has_it_before_its_data():
    """Checksums of all chunks are right."""
    kinds = png_chunks(await labelled(FILES["png profile"]))

    assert kinds.index(b"iTXt") == kinds.index(b"IDAT") - 1


async def test_a_jpeg_has_it_after_jfif_and_exif():
    """Readers expect those first."""
    plain = await labelled(FILES["jpeg"])
    exif = await labelled(encoded("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"))

    assert (b"JFIF", b"http") == (plain[6:10], plain[plain.index(b"\xff\xe1") + 4 :][:4])
    assert exif.index(b"Exif") < exif.index(b"http://ns.adobe.com")


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("webp")])
async def test_a_webp_has_it_last_and_announces_it(name):
    """VP8X is made where it was missing, with the alpha flag where there is alpha."""
    content = await labelled(FILES[name])
    kinds = webp_chunks(content)

    assert (b"VP8X", b"XMP ") == (kinds[0], kinds[-1])
    assert (0x04, "alpha" in name) == (content[20] & 0x04, bool(content[20] & 0x10))


@pytest.mark.parametrize("name", WITH_OTHERS)
async def test_a_packet_in_an_unusual_form_gives_way(name):
    """A label that nobody finds is none."""
    odd = OTHERS.replace(b"rdf:", b"r:").replace(b"xmlns:rdf", b"xmlns:r")
    kind = name.partition(" ")[0].upper()
    content = png_with_text(odd) if kind == "PNG" else encoded(kind, xmp=odd)

    assert PRODUCER == label_of(await labelled(content))["ContentProducer"]


async def test_a_packet_that_would_be_too_long_for_a_jpeg_gives_way():
    """A segment has 64 KiB at most."""
    full = OTHERS.replace(b"image/x", b"x" * (65500 - len(OTHERS)))
    content = await labelled(encoded("JPEG", xmp=full))

    assert PRODUCER == label_of(content)["ContentProducer"]


async def test_xmp_after_the_data_of_a_png_is_labelled_too():
    """Readers differ in which of two they take."""
    late = png_with_text(OTHERS)
    at = late.index(b"XML:com.adobe.xmp") - 8
    length = struct.unpack(">I", late[at : at + 4])[0] + 12
    moved = late[:at] + late[at + length : -12] + late[at : at + length] + late[-12:]
    content = await labelled(moved)

    assert 2 == content.count(b"<TC260:AIGC>") == png_chunks(content).count(b"iTXt") - 1
    assert opened(late).tobytes() == opened(content).tobytes()


@given(name=st.sampled_from(sorted(FILES)), step=st.integers(1, 64))
def test_chunks_of_any_size_give_the_same_file(name, step):
    """The network decides how bytes arrive."""
    import asyncio

    content = FILES[name]

    async def both():
        return await labelled(content), await labelled(content, step=step)

    one, other = asyncio.run(both())

    assert one == other


@given(
    name=st.sampled_from(sorted({**FILES, **{f"x {k}": v for k, v in WITH_OTHERS.items()}})),
    at=st.integers(0, 4000),
    value=st.integers(0, 255),
    cut=st.booleans(),
)
def test_damaged_files_end_and_do_not_become_readable(name, at, value, cut):
    """Whatever comes, it comes to an end without an exception, and the beginning shows the same type."""
    import asyncio

    content = bytearray(FILES.get(name) or WITH_OTHERS[name.removeprefix("x ")])
    at = at % len(content)
    if cut:
        del content[max(at, 16) :]
    elif at >= 12:
        content[at] = value

    assert MediaType.sniff(bytes(content)) is MediaType.sniff(asyncio.run(labelled(bytes(content))))


SIZES = st.sampled_from((0, 1, 3, 4, 10, 22, 23, 2**16, 2**31 - 1, 2**31, 2**32 - 9, 2**32 - 2, 2**32 - 1))
KINDS = st.sampled_from((b"VP8X", b"VP8 ", b"VP8L", b"XMP ", b"ICCP", b"iTXt", b"IDAT", b"IHDR", b"\0\0\0\0"))
DATA = st.binary(max_size=40) | st.sampled_from(
    (
        *(bytes(40), b"\0\0\0\x9d\x01\x2a" + bytes(20), b"\x2f" + bytes(20), b"\x2f" + b"\xff" * 20),
        *(b"XML:com.adobe.xmp\0\x01\0\0\0", b"XML:com.adobe.xmp\0" + bytes(9), b"\xff" * 30),
    )
)
BLOCKS = st.lists(st.tuples(KINDS, SIZES | st.none(), DATA), max_size=5)


@given(size=SIZES | st.none(), blocks=BLOCKS)
@example(size=None, blocks=[(b"VP8 ", None, b"\0\0\0\x9d\x01\x2a" + bytes(20))])
@example(size=2**32 - 1, blocks=[(b"VP8X", None, bytes(10)), (b"VP8L", 2**32 - 1, b"\x2f")])
def test_a_webp_of_any_sizes_comes_to_an_end(size, blocks):
    """Also one that says 4 GiB of itself, or is nothing wide; what is not understood passes as it is."""
    body = b"".join(k + struct.pack("<I", len(d) if n is None else n) + d for k, n, d in blocks)
    whole = len(body) + 4 if size is None else size
    content = b"RIFF" + struct.pack("<I", whole) + b"WEBP" + body

    _check_end(content, MediaType.WEBP)


@given(blocks=BLOCKS)
def test_a_png_of_any_sizes_comes_to_an_end(blocks):
    """Likewise."""
    body = b"".join(struct.pack(">I", len(d) if n is None else n) + k + d + bytes(4) for k, n, d in blocks)

    _check_end(b"\x89PNG\r\n\x1a\n" + body, MediaType.PNG)


@given(
    blocks=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**16 - 1) | st.none(), DATA), max_size=5)
)
def test_a_jpeg_of_any_sizes_comes_to_an_end(blocks):
    """Likewise."""
    body = b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(d) + 2 if n is None else n) + d
        for marker, n, d in blocks
    )

    _check_end(b"\xff\xd8" + body, MediaType.JPEG)


@given(content=st.binary(max_size=60), kind=st.sampled_from(MediaType))
def test_any_bytes_come_to_an_end(content, kind):
    """Whoever called them an image."""
    _check_end(content, kind)


def _check_end(content, kind):
    import asyncio

    async def run():
        label = AigcImageLabel(producer=PRODUCER)

        async def chunks():
            yield content

        return b"".join([c async for c in label(chunks(), media_type=kind, produce_id="1")])

    output = asyncio.run(run())
    assert output == content or b"TC260" in output


@pytest.mark.parametrize("size", [0, 2**32 - 1])
async def test_a_webp_that_does_not_know_its_size_is_passed_on(size):
    """As an encoder writes it that cannot look back; whether it is an image, the decoder says."""
    content = FILES["webp lossy"]
    odd = content[:4] + struct.pack("<I", size) + content[8:]

    assert odd == await labelled(odd)


async def test_an_exception_of_the_stream_goes_on():
    """A broken download is begun again by the caller."""

    async def chunks():
        yield FILES["webp lossy"][:20]
        raise ConnectionError

    label = AigcImageLabel(producer="p")

    with pytest.raises(ConnectionError):
        [c async for c in label(chunks(), media_type=MediaType.WEBP, produce_id="1")]
