"""The mask of a request, as a provider expects it."""

import asyncio
from enum import StrEnum

from imagegen_core.ports.provider import Exchange
from imagegen_core.requests.image_request import ImageRequest


class MaskPolarity(StrEnum):
    """How a provider marks the area to repaint."""

    WHITE_IS_EDIT = "white_is_edit"
    BLACK_IS_EDIT = "black_is_edit"
    TRANSPARENT_IS_EDIT = "transparent_is_edit"


async def mask_for(request: ImageRequest, exchange: Exchange, polarity: MaskPolarity) -> bytes | None:
    """Return the request's mask in the provider's polarity, None if there is none.

    Raises:
        InvalidImage: the mask cannot be decoded, or its size differs from the image's.
    """
    if request.mask is None or request.image is None:
        return None
    data = await exchange.read_input(request.mask)
    size = (request.image.width, request.image.height)
    return await asyncio.to_thread(_converted, data, polarity, size)


def _converted(data: bytes, polarity: MaskPolarity, size: tuple[int, int]) -> bytes:
    # Imported here since Pillow takes 5 MB, and few tasks have a mask.
    from imagegen_adapters.providers.mask_conversion import convert_mask

    return convert_mask(data, polarity=polarity, size=size)
