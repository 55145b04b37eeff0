"""Images that are drawn on this machine, at no cost; here is what the provider gives to whoever draws."""

import attrs

from imagegen_core.requests import ImageRequest

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "gif": "GIF", "avif": "AVIF"}
"""Pillow's names of the file formats."""

MAX_SIDE_PIXELS = 2048


@attrs.frozen
class Work:
    """Everything that an image is made from; ``references``, ``image`` and ``mask`` are files."""

    request: ImageRequest
    seed: int
    size: tuple[int, int]
    references: tuple[bytes, ...]
    image: bytes
    mask: bytes | None
