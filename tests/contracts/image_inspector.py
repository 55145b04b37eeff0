"""The contract of an `ImageInspector`, as a suite to subclass."""

import io
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from imagegen_core.images import MediaType
from imagegen_core.ports.image_inspector import ImageInspector, ImageRejected


async def in_chunks(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    """Yield ``data`` in chunks, as it comes from a disk or a network."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return ``image`` as a file of ``format``."""
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def gradient(mode: str, size: tuple[int, int] = (640, 320)) -> Image.Image:
    """Return an image in ``mode`` that is black on the left and white on the right."""
    return Image.linear_gradient("L").rotate(90).resize(size).convert(mode)


def pixel_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """Return a small PNG whose header claims a huge image."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


_SMALL = gradient("RGB", (64, 48))
_ANIMATION = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]

ACCEPTED: dict[str, tuple[bytes, MediaType]] = {
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

REJECTED: dict[str, bytes] = {
    "nothing": b"",
    "a page that is called an image": b"<!doctype html><script>alert(1)</script>",
    "a GIF": encoded(_ANIMATION[0], "GIF", save_all=True, append_images=_ANIMATION[1:]),
    "a BMP": encoded(_SMALL, "BMP"),
    "a pixel bomb": pixel_bomb(),
    "slightly too many pixels": pixel_bomb(8001, 5000),
    "half a JPEG": encoded(_SMALL, "JPEG")[:-400],
    "a JPEG without its end": encoded(_SMALL, "JPEG")[:-2],
    "half a PNG": encoded(_SMALL, "PNG")[:100],
    "a PNG without its end": encoded(_SMALL, "PNG")[:-12],
    "a WebP without its end": encoded(_SMALL, "WEBP")[:-2],
    "a PNG signature": b"\x89PNG\r\n\x1a\n",
    "a broken WebP": b"RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00abcd",
}
"""Bytes that an inspector rejects."""


class ImageInspectorContract:
    """Subclass it and override the fixture `inspector`."""

    @pytest.fixture
    def inspector(self) -> ImageInspector:
        """Return the inspector under test."""
        raise NotImplementedError

    @pytest.mark.parametrize("name", ACCEPTED)
    async def test_returns_type_and_size(self, inspector: ImageInspector, name: str) -> None:
        """An image's type comes from its bytes, its size from its pixels."""
        data, mime_type = ACCEPTED[name]

        inspection = await inspector.inspect(in_chunks(data))

        assert (mime_type, 640, 320) == (inspection.mime_type, inspection.width, inspection.height)

    @pytest.mark.parametrize("name", ACCEPTED)
    async def test_thumbnail_shows_the_image(self, inspector: ImageInspector, name: str) -> None:
        """The thumbnail is a WebP of 512 pixels that goes from dark to light like the image."""
        data, _ = ACCEPTED[name]

        inspection = await inspector.inspect(in_chunks(data))

        thumbnail = Image.open(io.BytesIO(inspection.thumbnail))
        grey = thumbnail.convert("RGB").convert("L").resize((4, 1), Image.Resampling.BOX)
        shades = list(grey.tobytes())
        assert ("WEBP", (512, 256)) == (thumbnail.format, thumbnail.size)
        assert sorted(shades) == shades
        assert shades[3] - shades[0] > 100

    @pytest.mark.parametrize("name", REJECTED)
    async def test_rejects(self, inspector: ImageInspector, name: str) -> None:
        """What cannot be decoded within the limits is rejected, whatever it claims to be."""
        with pytest.raises(ImageRejected):
            await inspector.inspect(in_chunks(REJECTED[name]))

    async def test_rejects_too_many_bytes(self, inspector: ImageInspector) -> None:
        """An image of more than 50 MB is rejected without reading the rest."""

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield bytes(1024 * 1024)

        with pytest.raises(ImageRejected, match="50 MB"):
            await inspector.inspect(endless())

    async def test_takes_a_single_pixel(self, inspector: ImageInspector) -> None:
        """The smallest image has a thumbnail of its own size."""
        inspection = await inspector.inspect(in_chunks(encoded(Image.new("RGB", (1, 1)), "PNG")))

        assert ((1, 1), (1, 1)) == (
            (inspection.width, inspection.height),
            Image.open(io.BytesIO(inspection.thumbnail)).size,
        )

    async def test_takes_the_first_frame(self, inspector: ImageInspector) -> None:
        """Of an animation the first frame is inspected."""
        animation = encoded(_ANIMATION[0], "WEBP", save_all=True, append_images=_ANIMATION[1:], lossless=True)

        inspection = await inspector.inspect(in_chunks(animation))

        red, green, blue = (
            Image.open(io.BytesIO(inspection.thumbnail)).convert("RGB").resize((1, 1)).tobytes()
        )
        assert (40, 30) == (inspection.width, inspection.height)
        assert red - max(green, blue) > 150

    async def test_applies_the_orientation(self, inspector: ImageInspector) -> None:
        """Size and thumbnail are as the image is displayed, and the thumbnail has no metadata."""
        exif = Image.Exif()
        exif[0x0112] = 6  # turn it clockwise
        lying = encoded(_SMALL, "JPEG", exif=exif.tobytes(), comment=b"private")

        inspection = await inspector.inspect(in_chunks(lying))

        thumbnail = Image.open(io.BytesIO(inspection.thumbnail))
        assert ((48, 64), (48, 64)) == ((inspection.width, inspection.height), thumbnail.size)
        assert {"exif", "icc_profile", "xmp", "comment"}.isdisjoint(thumbnail.info)

    async def test_keeps_transparency(self, inspector: ImageInspector) -> None:
        """Transparent pixels are transparent in the thumbnail."""
        clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))

        inspection = await inspector.inspect(in_chunks(encoded(clear, "PNG")))

        thumbnail = Image.open(io.BytesIO(inspection.thumbnail))
        assert "RGBA" == thumbnail.mode
        assert (0, 0) == thumbnail.getchannel("A").getextrema()

    async def test_passes_on_what_the_source_raises(self, inspector: ImageInspector) -> None:
        """An exception of the source propagates, and the next image is inspected normally."""

        async def broken() -> AsyncIterator[bytes]:
            yield ACCEPTED["RGB PNG"][0][:50]
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await inspector.inspect(broken())
        inspection = await inspector.inspect(in_chunks(ACCEPTED["RGB PNG"][0]))

        assert 640 == inspection.width
