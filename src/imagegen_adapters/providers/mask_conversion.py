"""Converts a caller's mask to what a provider expects."""

import io

from PIL import Image, UnidentifiedImageError

from imagegen_adapters.providers.masks import MaskPolarity
from imagegen_adapters.providers.messages import InputCode
from imagegen_core.errors import InvalidImage

_OPAQUE = 255


def convert_mask(data: bytes, *, polarity: MaskPolarity, size: tuple[int, int]) -> bytes:
    """Return the caller's mask as a PNG of the provider's polarity.

    In the caller's mask white is repainted and black kept, with grey levels in between; in a mask with an
    alpha channel transparent is repainted, whatever its colours. An alpha channel that is opaque
    everywhere marks nothing and is ignored. The result is 8-bit grey, or RGBA for
    `MaskPolarity.TRANSPARENT_IS_EDIT`. It decodes a whole image: call it in a thread.

    Args:
        data: PNG, JPEG or WebP.
        polarity: what the provider expects.
        size: width and height in pixels of the image that the mask belongs to.

    Raises:
        InvalidImage: the mask cannot be decoded, or its size differs from the image's.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.size != size:
                reason = InputCode.MASK_SIZE(actual=_dimensions(image.size), expected=_dimensions(size))
                raise InvalidImage("mask", reason)
            edit_area = _edit_area(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidImage("mask", InputCode.UNDECODABLE()) from error
    buffer = io.BytesIO()
    _in_polarity(edit_area, polarity).save(buffer, "PNG")
    return buffer.getvalue()


def _dimensions(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _edit_area(image: Image.Image) -> Image.Image:
    """Return the caller's mask in 8-bit grey, 255 where it is repainted."""
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema()[0] != _OPAQUE:
            return _inverted(alpha)
        return image.convert("RGB").convert("L")
    if image.mode.startswith("I"):  # 16-bit grey, which convert() alone would clip
        return image.convert("I").point(lambda value: value * (1 / 256) + 0).convert("L")
    return image.convert("L")


def _in_polarity(edit_area: Image.Image, polarity: MaskPolarity) -> Image.Image:
    if polarity is MaskPolarity.WHITE_IS_EDIT:
        return edit_area
    if polarity is MaskPolarity.BLACK_IS_EDIT:
        return _inverted(edit_area)
    image = Image.new("RGBA", edit_area.size)
    image.putalpha(_inverted(edit_area))
    return image


def _inverted(image: Image.Image) -> Image.Image:
    return image.point(lambda value: _OPAQUE - value)
