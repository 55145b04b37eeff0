"""Decoding to a few pixels, or to a thumbnail: as strict as decoding all, and the latter looks the same."""

import io
import random
import struct

import pytest
from PIL import AvifImagePlugin, Image, ImageChops, ImageStat

from imagegen_adapters.images.decoder import Undecodable, decode, open_image
from imagegen_core.images import MediaType, ThumbnailSide
from tests.contracts.image_files import encoded

MAX_PIXELS = 40_000_000
REDUCED = ThumbnailSide.SMALL * 4
"""The long side of an image that libjpeg reduces to a quarter while it decodes."""

KINDS = {
    "baseline": {"quality": 20},
    "restart markers": {"quality": 20, "restart_marker_blocks": 16},
    "progressive": {"quality": 20, "progressive": True},
}

SIDES = {"checked": 0, "drawn": 512, "drawn large": 1024}


def photograph(mode="RGB", size=(REDUCED, 1200)):
    """Return soft shapes with some grain, the same in each run."""
    noise = random.Random(3)
    bands = [Image.frombytes("L", (16, 12), noise.randbytes(192)) for _ in range(3)]
    soft = Image.merge("RGB", [band.resize(size, Image.Resampling.BICUBIC) for band in bands])
    grain = Image.frombytes("RGB", (128, 96), noise.randbytes(3 * 128 * 96)).resize(size)
    return Image.blend(soft, grain, 0.1).convert(mode)


def strip(**options):
    """Return a small file with a long side that is reduced, and detail in all of it."""
    noise = random.Random(5)
    blocks = Image.frombytes("RGB", (REDUCED // 32, 1), noise.randbytes(3 * REDUCED // 32))
    return encoded(blocks.resize((REDUCED, 8)), "JPEG", optimize=True, subsampling="4:4:4", **options)


def _kind(data):
    return (MediaType.sniff(data) or MediaType.JPEG).name


def decoded(data, *, side=512):
    with open_image(io.BytesIO(data), _kind(data), max_pixels=MAX_PIXELS) as image:
        return decode(image, side=side)


def size_in_full(data):
    """Return the size that decoding all pixels finds, or None if that fails."""
    try:
        with open_image(io.BytesIO(data), _kind(data), max_pixels=MAX_PIXELS) as image:
            image.load()
            return image.size
    except (Undecodable, OSError, ValueError, SyntaxError, struct.error):
        return None


def size_in_part(data, side):
    try:
        result = decoded(data, side=side)
    except Undecodable:
        return None
    return result.width, result.height


def differing_from_full(files):
    """Return where checking a file, or drawing it, says something else than decoding it in full."""
    differing = []
    for at, data in enumerate(files):
        in_full = size_in_full(data)
        differing += [(at, name) for name, side in SIDES.items() if size_in_part(data, side) != in_full]
    return differing


def thumbnail(data, side=512):
    return Image.open(io.BytesIO(decoded(data, side=side).thumbnail))


def difference(one, other):
    """Return the mean difference of two images' bands, of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).rms)


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_ends_early_is_rejected_wherever_it_ends(kind, side):
    """Decoding a few of the pixels still reads the last byte of the scan."""
    data = strip(**KINDS[kind])

    accepted = [length for length in range(len(data) - 2) if size_in_part(data[:length], side) is not None]

    assert [] == accepted


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_jpeg_is_judged_as_by_all_its_pixels(kind):
    """Whichever byte is overwritten, the verdict is that of decoding in full."""
    data = strip(**KINDS[kind])
    bad = b"\x00\xff\xd9"
    damaged = [data[:at] + bad[at % 3 :][:1] + data[at + 1 :] for at in range(len(data))]

    differing = differing_from_full(damaged)

    assert [] == differing


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_with_a_hole_is_judged_as_by_all_its_pixels(kind):
    """Whichever 40 bytes are missing, the verdict is that of decoding in full."""
    data = strip(**KINDS[kind])
    holed = [data[:at] + data[at + 40 :] for at in range(len(data))]

    differing = differing_from_full(holed)

    assert [] == differing


@pytest.mark.parametrize(
    ("mode", "format", "options"),
    [
        ("RGB", "JPEG", {"quality": 90}),
        ("RGB", "JPEG", {"quality": 90, "progressive": True}),
        ("RGB", "JPEG", {"quality": 90, "subsampling": "4:4:4"}),
        ("L", "JPEG", {"quality": 90}),
        ("CMYK", "JPEG", {"quality": 90}),
        ("RGB", "PNG", {"compress_level": 1}),
        ("P", "PNG", {"compress_level": 1}),
        ("RGB", "WEBP", {"quality": 90, "method": 0}),
    ],
)
def test_a_thumbnail_looks_like_one_of_all_pixels(mode, format, options):
    """It differs from the careful one by less than what WebP changes."""
    data = encoded(photograph(mode), format, **options)
    for size in ((512, 300), (1024, 600)):
        exact = Image.open(io.BytesIO(data)).convert("RGB").resize(size, Image.Resampling.LANCZOS)

        small = thumbnail(data, size[0])

        assert ("RGB", size) == (small.mode, small.size)
        assert difference(small, exact) < 6


def test_several_images_in_one_jpeg_are_the_first():
    """MPO, as cameras write it, is a JPEG."""
    data = encoded(photograph(), "MPO", save_all=True, append_images=[Image.new("RGB", (900, 700))])

    result = decoded(data)

    assert ("JPEG", REDUCED, 1200) == (result.format, result.width, result.height)


def test_a_reduced_jpeg_is_turned_by_its_orientation():
    """Size and thumbnail are those of the image as it is displayed."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(photograph(), "JPEG", exif=exif.tobytes())
    exact = photograph().resize((512, 300), Image.Resampling.LANCZOS).transpose(Image.Transpose.ROTATE_270)

    result = decoded(data)

    assert (1200, REDUCED) == (result.width, result.height)
    assert difference(Image.open(io.BytesIO(result.thumbnail)), exact) < 6


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 512), (512, 512)),
        ((513, 300), (512, 299)),
        ((1023, 1023), (512, 512)),
        ((1025, 999), (512, 499)),
        ((5000, 7), (512, 1)),
        ((1, 3000), (1, 512)),
        ((200, 100), (200, 100)),
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_the_long_side_is_that_of_a_thumbnail(size, expected, format):
    """The other one follows, is at least a pixel, and nothing is enlarged."""
    assert expected == thumbnail(encoded(Image.new("RGB", size), format)).size


def test_a_pillow_without_avif_says_so(monkeypatch):
    """As some builds for rare machines are."""
    monkeypatch.setattr(AvifImagePlugin, "SUPPORTED", False)

    with pytest.raises(Undecodable) as rejected:
        decoded(encoded(Image.new("RGB", (8, 8)), "AVIF"))

    assert "NO_AVIF" == rejected.value.reason
