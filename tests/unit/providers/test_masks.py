"""A mask keeps its meaning in every provider's polarity."""

import io

import pytest
from PIL import Image

from imagegen_adapters.providers.common.images import MaskPolarity, convert_mask
from imagegen_core.errors import InvalidImage

LEFT_EDITED = (255, 0)
"""Two pixels: the left one is repainted, the right one kept."""


def encoded(mode, pixels, *, format="PNG"):
    image = Image.new(mode, (len(pixels), 1))
    for x, pixel in enumerate(pixels):
        image.putpixel((x, 0), pixel)
    out = io.BytesIO()
    image.save(out, format, **({"lossless": True} if format == "WEBP" else {}))
    return out.getvalue()


def decoded(data):
    image = Image.open(io.BytesIO(data))
    return image.format, image.mode, tuple(image.getpixel((x, 0)) for x in range(image.width))


@pytest.mark.parametrize(
    "data",
    [
        encoded("L", [255, 0]),
        encoded("1", [255, 0]),
        encoded("RGB", [(255, 255, 255), (0, 0, 0)]),
        encoded("RGB", [(255, 255, 255), (0, 0, 0)], format="WEBP"),
        encoded("RGBA", [(255, 255, 255, 255), (0, 0, 0, 255)]),
        encoded("RGBA", [(0, 0, 0, 0), (255, 255, 255, 255)]),
        encoded("LA", [(0, 0), (255, 255)]),
        encoded("I;16", [65535, 0]),
    ],
    ids=["grey", "bits", "colour", "webp", "opaque-alpha", "alpha", "grey-alpha", "16-bit"],
)
def test_every_kind_of_mask_is_understood(data):
    """White is repainted, or transparent if there is an alpha channel."""
    result = convert_mask(data, polarity=MaskPolarity.WHITE_IS_EDIT, size=(2, 1))

    assert ("PNG", "L", LEFT_EDITED) == decoded(result)


@pytest.mark.parametrize(
    ("polarity", "expected"),
    [
        (MaskPolarity.WHITE_IS_EDIT, ("PNG", "L", (255, 0))),
        (MaskPolarity.BLACK_IS_EDIT, ("PNG", "L", (0, 255))),
        (MaskPolarity.TRANSPARENT_IS_EDIT, ("PNG", "RGBA", ((0, 0, 0, 0), (0, 0, 0, 255)))),
    ],
)
def test_each_polarity_marks_the_same_pixels(polarity, expected):
    """The left pixel is the repainted one in all three."""
    result = convert_mask(encoded("L", [255, 0]), polarity=polarity, size=(2, 1))

    assert expected == decoded(result)


def test_shades_are_kept_by_degree():
    """A soft edge stays soft."""
    result = convert_mask(encoded("L", [200, 100]), polarity=MaskPolarity.BLACK_IS_EDIT, size=(2, 1))

    assert ("PNG", "L", (55, 155)) == decoded(result)


def test_a_mask_of_another_size_is_refused():
    """Providers would stretch it and repaint the wrong area."""
    with pytest.raises(InvalidImage, match="mask: is 2x1, but its image is 3x1"):
        convert_mask(encoded("L", [255, 0]), polarity=MaskPolarity.WHITE_IS_EDIT, size=(3, 1))


@pytest.mark.parametrize("data", [b"", b"not an image", encoded("L", [255, 0])[:-30]])
def test_what_cannot_be_decoded_is_refused(data):
    """No foreign exception leaves the function."""
    with pytest.raises(InvalidImage, match="mask: cannot be decoded"):
        convert_mask(data, polarity=MaskPolarity.WHITE_IS_EDIT, size=(2, 1))
