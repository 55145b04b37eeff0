"""The six operations, as one frozen request that every provider reads."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.values.frozen_mappings import frozen_mapping

MAX_PROMPT_CHARS = 32_000
MAX_NUM = 10
MAX_REFERENCES = 14
RANDOM_SEED = -1
"""A seed that asks for a random one, as most providers read it."""

MAX_SIDE_PIXELS = 16_384
"""Longest side, in pixels, that any request may ask for."""

_SIZE = re.compile(r"(\d{1,6})\s*[xX*×]\s*(\d{1,6})")


class Operation(StrEnum):
    """What a caller can ask for."""

    GENERATE = "generate"
    REFERENCE = "reference"
    EDIT = "edit"
    UPSCALE = "upscale"
    RECONTEXT = "recontext"
    SEGMENT = "segment"


@attrs.frozen(kw_only=True)
class InputImage:
    """A caller's image, checked and kept in the work store under ``key`` until its task ends."""

    key: str
    mime_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


@attrs.frozen(kw_only=True)
class ImageRequest:
    """One request for images.

    ``params`` holds the canonical names only (``num``, never ``n``; see `parameters.canonical`).
    ``references`` belong to `Operation.REFERENCE`; ``image`` to the four operations on one image;
    ``mask`` to `Operation.EDIT`: white (or transparent) is repainted, black is kept.
    """

    operation: Operation
    prompt: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    references: tuple[InputImage, ...] = ()
    image: InputImage | None = None
    mask: InputImage | None = None

    @property
    def inputs(self) -> tuple[InputImage, ...]:
        """All images that came with the request: references, then image, then mask."""
        return (*self.references, *(i for i in (self.image, self.mask) if i is not None))

    @property
    def num(self) -> int:
        """How many images are wanted, 1 to 10."""
        return int(self.params.get("num", 1))

    @property
    def seed(self) -> int | None:
        """The caller's seed, or None for a random one."""
        value = self.params.get("seed")
        return None if value is None else int(value)

    @property
    def negative_prompt(self) -> str | None:
        """What the image should not show."""
        return self.params.get("negative_prompt")

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height in pixels when the caller gave them as numbers or as ``size``."""
        width, height = self.params.get("width"), self.params.get("height")
        if width is not None and height is not None:
            return int(width), int(height)
        return parse_size(self.params.get("size"))

    def with_params(self, **changes: Any) -> "ImageRequest":
        """Return the request with some parameters replaced; None removes one."""
        params = {k: v for k, v in {**self.params, **changes}.items() if v is not None}
        return attrs.evolve(self, params=params)

    def split(self) -> tuple["ImageRequest", ...]:
        """Return one request an image, for providers without a native count; seeds count up."""
        if self.num == 1:
            return (self,)
        seed = None if self.seed == RANDOM_SEED else self.seed
        return tuple(
            self.with_params(num=1, seed=None if seed is None else seed + part) for part in range(self.num)
        )


def parse_size(size: object) -> tuple[int, int] | None:
    """Return (width, height) of ``"1024x768"``; None for anything else, such as ``"2K"`` or ``"auto"``."""
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    return (int(match[1]), int(match[2])) if match else None
