"""A request for images, which every provider reads, and its input images."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.operations import DEFAULT_EDIT_MODE, DEFAULT_UPSCALE_FACTOR, Operation
from imagegen_core.values import frozen_mapping


@attrs.frozen(kw_only=True)
class InputImage:
    """A caller's image, checked and spooled under ``key``.

    ``image_id`` is set if the caller named a stored image instead of sending bytes: it is spooled until the
    task ends, and is that image from then on.
    """

    key: str
    mime_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    image_id: int | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Owner and name in the spool."""
        owner, _, name = self.key.partition("/")
        return owner, name


class InputRole(StrEnum):
    """What an input image is there for."""

    REFERENCE = "reference"
    IMAGE = "image"
    MASK = "mask"


NamedInputs = tuple[tuple[str, InputImage], ...]
"""Images, each with the name of its field in the API."""

_SIZE = re.compile(r"(\d{1,6})\s*[xX*×]\s*(\d{1,6})")


def dimensions_of(params: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return width and height in pixels that the parameters give as numbers or as ``size``."""
    width, height = params.get("width"), params.get("height")
    if width is not None and height is not None:
        return int(width), int(height)
    return parse_size(params.get("size"))


def parse_size(size: object) -> tuple[int, int] | None:
    """Return (width, height) of ``"1024x768"``; None for anything else, such as ``"2K"`` or ``"auto"``."""
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    return (int(match[1]), int(match[2])) if match else None


RANDOM_SEED = -1
"""A seed that asks for a random one, as most providers read it."""


@attrs.frozen(kw_only=True)
class ImageRequest:
    """One request for images.

    ``params`` holds the canonical names only (``num``, never ``n``; see `parameters.canonical`).
    `OPERATIONS` says which images belong to an operation. In ``mask``, white (or transparent) is repainted,
    black is kept.
    """

    operation: Operation
    prompt: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    references: tuple[InputImage, ...] = ()
    image: InputImage | None = None
    mask: InputImage | None = None

    @property
    def named_inputs(self) -> NamedInputs:
        """All images that came with the request: references, then image, then mask."""
        references = ((f"reference_images.{index}", image) for index, image in enumerate(self.references))
        single = (("image", self.image), ("mask", self.mask))
        return (*references, *((name, image) for name, image in single if image is not None))

    @property
    def inputs(self) -> tuple[InputImage, ...]:
        """The same images without their names."""
        return tuple(image for _, image in self.named_inputs)

    @property
    def sent_inputs(self) -> tuple[str, ...]:
        """The names in the spool of those that the caller sent; the others are stored images."""
        return tuple(image.place[1] for image in self.inputs if image.image_id is None)

    @property
    def inputs_with_roles(self) -> tuple[tuple[InputRole, InputImage], ...]:
        """The same images, each with what it is there for."""
        return tuple(
            (InputRole(name) if name in tuple(InputRole) else InputRole.REFERENCE, image)
            for name, image in self.named_inputs
        )

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
    def edit_mode(self) -> str:
        """What an edit does with the masked part."""
        return str(self.params.get("edit_mode", DEFAULT_EDIT_MODE))

    @property
    def upscale_factor(self) -> str:
        """How much larger the image shall be, one of `UPSCALE_FACTORS`."""
        return str(self.params.get("upscale_factor", DEFAULT_UPSCALE_FACTOR))

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height in pixels when the caller gave them as numbers or as ``size``."""
        return dimensions_of(self.params)

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
