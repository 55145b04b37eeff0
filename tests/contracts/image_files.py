"""Image files that an inspector accepts, that it rejects, and that are labelled."""

import io
import random
import struct
import zlib

from PIL import Image

from imagegen_core.images import MediaType


async def in_chunks(data, size=64 * 1024):
    """Yield ``data`` in chunks, as it comes from a disk or a network."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def encoded(image, format, **options):
    """Return ``image`` as a file of ``format``."""
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def gradient(mode, size=(640, 320)):
    """Return an image in ``mode`` that is black on the left and white on the right."""
    return Image.linear_gradient("L").rotate(90).resize(size).convert(mode)


def pixel_bomb(width=30000, height=30000):
    """Return a small PNG whose header claims a huge image."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><path d="M0 0h64v48z"/></svg>'
ENTITIES = b'<!DOCTYPE svg [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'

BROKEN_SVGS = {
    "half an SVG": SVG[:-5],
    "an SVG with entities": ENTITIES + SVG.replace(b"<path", b"&b;<path"),
    "an SVG with an entity of a file": b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG,
    "a page that says it is an SVG": b"<!DOCTYPE svg><html><body/></html>",
    "an SVG with an unknown encoding": b'<?xml version="1.0" encoding="klingon"?>' + SVG,
}


SMALL = gradient("RGB", (64, 48))


ANIMATION = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]


LATER_FRAMES = {
    "save_all": True,
    "append_images": [Image.new("RGB", (640, 320), "blue")] * 2,
    "duration": 100,
}


def gif_of(frames, size=(64, 48)):
    """Return a GIF of so many frames, each of its own."""
    noise = random.Random(frames)
    first, *more = (Image.frombytes("P", size, noise.randbytes(size[0] * size[1])) for _ in range(frames))
    return encoded(first, "GIF", save_all=True, append_images=more, duration=20, loop=0)


def large_frame(width, height):
    """Return a small GIF whose second frame claims to be so large."""
    whole = encoded(SMALL.convert("P"), "GIF")
    frame = b",\0\0\0\0" + struct.pack("<HHB", width, height, 0) + b"\x08\x02\0\1\0"
    return whole[:-1] + frame + whole[-1:]


ACCEPTED = {
    "RGB PNG": (encoded(gradient("RGB"), "PNG"), MediaType.PNG),
    "RGBA PNG": (encoded(gradient("RGBA"), "PNG"), MediaType.PNG),
    "palette PNG": (encoded(gradient("P"), "PNG", transparency=0), MediaType.PNG),
    "grey PNG with alpha": (encoded(gradient("LA"), "PNG"), MediaType.PNG),
    "bilevel PNG": (encoded(gradient("1"), "PNG"), MediaType.PNG),
    "16-bit PNG": (encoded(gradient("I").point(lambda v: v * 257).convert("I;16"), "PNG"), MediaType.PNG),
    "RGB JPEG": (encoded(gradient("RGB"), "JPEG"), MediaType.JPEG),
    "progressive JPEG": (encoded(gradient("RGB"), "JPEG", progressive=True), MediaType.JPEG),
    "grey JPEG": (encoded(gradient("L"), "JPEG"), MediaType.JPEG),
    "CMYK JPEG": (encoded(gradient("CMYK"), "JPEG"), MediaType.JPEG),
    "lossy WebP": (encoded(gradient("RGB"), "WEBP"), MediaType.WEBP),
    "lossless WebP": (encoded(gradient("RGBA"), "WEBP", lossless=True), MediaType.WEBP),
    "GIF": (encoded(gradient("P"), "GIF"), MediaType.GIF),
    "transparent GIF": (encoded(gradient("P"), "GIF", transparency=3), MediaType.GIF),
    "animated GIF": (encoded(gradient("P"), "GIF", **LATER_FRAMES), MediaType.GIF),
    "AVIF": (encoded(gradient("RGB"), "AVIF"), MediaType.AVIF),
    "AVIF with alpha": (encoded(gradient("RGBA"), "AVIF"), MediaType.AVIF),
    "animated AVIF": (encoded(gradient("RGB"), "AVIF", **LATER_FRAMES), MediaType.AVIF),
}
"""Images of 640×320 that an inspector accepts, and their types."""


REJECTED = {
    "nothing": b"",
    "a page that is called an image": b"<!doctype html><script>alert(1)</script>",
    "a TIFF": encoded(SMALL, "TIFF"),
    "a JPEG XL": b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a" + bytes(500),
    "a JPEG XL without its box": b"\xff\x0a" + bytes(500),
    "an HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500),
    "random bytes": random.Random(7).randbytes(5000),
    "a GIF with half a frame": gif_of(3)[:-1500],
    "a GIF that ends between frames": encoded(ANIMATION[0], "GIF")[:-1],
    "a GIF with a frame of too many pixels": large_frame(8001, 5000),
    "a GIF signature": b"GIF89a",
    "half an AVIF": encoded(SMALL, "AVIF")[:-200],
    "an AVIF without its end": encoded(SMALL, "AVIF")[:-1],
    "an AVIF signature": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    **BROKEN_SVGS,
    "a BMP": encoded(SMALL, "BMP"),
    "a pixel bomb": pixel_bomb(),
    "slightly too many pixels": pixel_bomb(8001, 5000),
    "half a JPEG": encoded(SMALL, "JPEG")[:-400],
    "a JPEG without its end": encoded(SMALL, "JPEG")[:-2],
    "half a PNG": encoded(SMALL, "PNG")[:100],
    "a PNG without its end": encoded(SMALL, "PNG")[:-12],
    "a WebP without its end": encoded(SMALL, "WEBP")[:-2],
    "a PNG signature": b"\x89PNG\r\n\x1a\n",
    "a broken WebP": b"RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00abcd",
}
"""Bytes that an inspector rejects."""
