"""Image files that an inspector accepts, that it rejects, and that are labelled."""

import io
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


SMALL = gradient("RGB", (64, 48))


ANIMATION = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]


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
}
"""Images of 640×320 that an inspector accepts, and their types."""


REJECTED = {
    "nothing": b"",
    "a page that is called an image": b"<!doctype html><script>alert(1)</script>",
    "a GIF": encoded(ANIMATION[0], "GIF", save_all=True, append_images=ANIMATION[1:]),
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
