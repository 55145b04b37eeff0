"""Inspects the bytes of untrusted images."""

from collections.abc import AsyncIterator
from typing import Protocol

import attrs

from imagegen_core.errors import ImagegenError
from imagegen_core.images import MediaType


class ImageRejected(ImagegenError):
    """The decoder's verdict that it is no PNG, JPEG or WebP that can be decoded within the limits."""


class InspectorUnavailable(ImagegenError):
    """The image was not inspected, because the decoder was killed or failed; the image itself may be fine."""


@attrs.frozen(kw_only=True)
class Inspection:
    """The result of a full decode; ``thumbnail`` is WebP, at most 512 pixels a side, without metadata."""

    mime_type: MediaType
    width: int
    height: int
    thumbnail: bytes


class ImageInspector(Protocol):
    """Decodes within bounds: the first frame only, at most 40 megapixels and 50 MB."""

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        """Decode the whole image.

        Raises:
            ImageRejected: it is not an image that is accepted.
            InspectorUnavailable: it cannot be inspected now.
        """
        ...
