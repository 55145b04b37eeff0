"""Looks at an image's bytes without trusting them."""

from collections.abc import AsyncIterator
from typing import Protocol

import attrs

from imagegen_core.errors import ImagegenError
from imagegen_core.images import MediaType


class ImageRejected(ImagegenError):
    """The decoder's own word: no PNG, JPEG or WebP that can be decoded within the limits, and why."""


class InspectorUnavailable(ImagegenError):
    """The image was not judged, since the decoder was ended or could not work; the same one may be fine."""


@attrs.frozen(kw_only=True)
class Inspection:
    """What a full decoding showed; ``thumbnail`` is WebP, at most 512 pixels a side, without metadata."""

    mime_type: MediaType
    width: int
    height: int
    thumbnail: bytes


class ImageInspector(Protocol):
    """Decodes in a bounded place: the first frame only, at most 40 megapixels and 50 MB."""

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        """Decode the image whole.

        Raises:
            PictureRejected: it is not what we take.
            InspectorUnavailable: it could not be judged now.
        """
        ...
