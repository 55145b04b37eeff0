"""What the demo provider can make, and what an image is made from; known without Pillow, which makes it."""

import attrs

from imagegen_core.operations import Operation

OPERATIONS = (
    Operation.GENERATE,
    Operation.REFERENCE,
    Operation.EDIT,
    Operation.UPSCALE,
    Operation.RECONTEXT,
    Operation.SEGMENT,
)
"""What the demo provider can do."""

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
"""The kinds of files, by Pillow's names."""

MAX_SIDE_PIXELS = 2048
"""The longest side of a drawn image."""

MAX_UPSCALED_SIDE_PIXELS = 4096
"""The longest side of an upscaled image."""


@attrs.frozen(kw_only=True)
class Work:
    """Everything that an image is made from; ``references``, ``image`` and ``mask`` are files."""

    operation: Operation
    prompt: str
    seed: int
    size: tuple[int, int]
    upscale_factor: int = 2
    references: tuple[bytes, ...] = ()
    image: bytes = b""
    mask: bytes | None = None
