"""What an inspector says of images, and which it rejects."""

import io
import random

import pytest
from PIL import Image

from imagegen_core.images import MediaType
from imagegen_core.ports.tools import ImageRejected
from tests.contracts.image_files import (
    ACCEPTED,
    ANIMATION,
    REJECTED,
    SMALL,
    encoded,
    in_chunks,
)

pytestmark = pytest.mark.anyio


async def drawn(inspector, data):
    """Return the image's thumbnail."""
    return Image.open(io.BytesIO(await inspector.draw(in_chunks(data), 512)))


@pytest.mark.parametrize("name", ACCEPTED)
async def test_returns_type_and_size(inspector, name):
    """An image's type comes from its bytes, its size from its pixels."""
    data, mime_type = ACCEPTED[name]

    inspection = await inspector.inspect(in_chunks(data))

    assert (mime_type, 640, 320) == (inspection.mime_type, inspection.width, inspection.height)


@pytest.mark.parametrize("name", ACCEPTED)
async def test_thumbnail_shows_the_image(inspector, name):
    """The thumbnail is a WebP of 512 pixels that goes from dark to light like the image."""
    data, _ = ACCEPTED[name]

    thumbnail = await drawn(inspector, data)

    grey = thumbnail.convert("RGB").convert("L").resize((4, 1), Image.Resampling.BOX)
    shades = list(grey.tobytes())
    assert ("WEBP", (512, 256)) == (thumbnail.format, thumbnail.size)
    assert sorted(shades) == shades
    assert shades[3] - shades[0] > 100


async def test_a_thumbnail_has_the_side_that_was_asked_for(inspector):
    """However large, up to that of the image itself; noise that hides nothing fits, too."""
    noise = Image.frombytes("RGBA", (1500, 1500), random.Random(1).randbytes(4 * 1500 * 1500))
    files = [(encoded(noise, "PNG"), 1024), (encoded(noise.crop((0, 0, 700, 300)), "PNG"), 1024)]

    thumbnails = [await inspector.draw(in_chunks(data), side) for data, side in files]

    assert [(1024, 1024), (700, 300)] == [Image.open(io.BytesIO(one)).size for one in thumbnails]


@pytest.mark.parametrize("way", ["inspect", "draw"])
@pytest.mark.parametrize("name", REJECTED)
async def test_rejects(inspector, name, way):
    """What cannot be decoded within the limits is rejected, whatever it claims to be."""
    with pytest.raises(ImageRejected):
        await getattr(inspector, way)(in_chunks(REJECTED[name]), *([1024] if way == "draw" else []))


async def test_rejects_too_many_bytes(inspector):
    """An image of more than 50 MB is rejected without reading the rest."""

    async def endless():
        while True:
            yield bytes(1024 * 1024)

    with pytest.raises(ImageRejected, match="50 MB"):
        await inspector.inspect(endless())


async def test_takes_a_single_pixel(inspector):
    """The smallest image has a thumbnail of its own size."""
    data = encoded(Image.new("RGB", (1, 1)), "PNG")
    inspection = await inspector.inspect(in_chunks(data))

    size = (await drawn(inspector, data)).size
    assert ((1, 1), (1, 1)) == ((inspection.width, inspection.height), size)


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (b'width="64" height="48"', (64, 48)),
        (b'width="64.4px" height="1in"', (64, 96)),
        (b'width="25.4mm" height="72pt" viewBox="0 0 5 5"', (96, 96)),
        (b'width="100%" height="100%" viewBox="0 0 300 150.5"', (300, 150)),
        (b'viewBox="-10,-10, 30 , 20"', (30, 20)),
        (b'width="64"', (0, 0)),
        (b'width="1e9" height="-5" viewBox="0 0 inf nan"', (0, 0)),
        (b'width="0" height="5" viewBox=""', (0, 0)),
        (b"", (0, 0)),
    ],
)
async def test_an_svg_is_measured_and_not_drawn(inspector, head, size):
    """By what it says of itself; it has no thumbnail."""
    data = b"<svg %s><script>1</script></svg>" % head
    inspection = await inspector.inspect(in_chunks(data))

    assert (MediaType.SVG, size) == (inspection.mime_type, (inspection.width, inspection.height))
    assert b"" == await inspector.draw(in_chunks(data), 512)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "AVIF"])
async def test_takes_the_first_frame(inspector, kind):
    """Of an animation the first frame is inspected."""
    more = {} if kind == "GIF" else {"lossless": True} if kind == "WEBP" else {"quality": 100}
    animation = encoded(ANIMATION[0], kind, save_all=True, append_images=ANIMATION[1:], **more)

    inspection = await inspector.inspect(in_chunks(animation))

    red, green, blue = (await drawn(inspector, animation)).convert("RGB").resize((1, 1)).tobytes()
    assert (40, 30) == (inspection.width, inspection.height)
    assert red - max(green, blue) > 150


async def test_applies_the_orientation(inspector):
    """Size and thumbnail are as the image is displayed, and the thumbnail has no metadata."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise
    lying = encoded(SMALL, "JPEG", exif=exif.tobytes(), comment=b"private")

    inspection = await inspector.inspect(in_chunks(lying))

    thumbnail = await drawn(inspector, lying)
    assert ((48, 64), (48, 64)) == ((inspection.width, inspection.height), thumbnail.size)
    assert {"exif", "icc_profile", "xmp", "comment"}.isdisjoint(thumbnail.info)


async def test_keeps_transparency(inspector):
    """Transparent pixels are transparent in the thumbnail."""
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))

    thumbnail = await drawn(inspector, encoded(clear, "PNG"))

    assert "RGBA" == thumbnail.mode
    assert (0, 0) == thumbnail.getchannel("A").getextrema()


async def test_passes_on_what_the_source_raises(inspector):
    """An exception of the source propagates, and the next image is inspected normally."""

    async def broken():
        yield ACCEPTED["RGB PNG"][0][:50]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await inspector.inspect(broken())
    inspection = await inspector.inspect(in_chunks(ACCEPTED["RGB PNG"][0]))

    assert 640 == inspection.width
