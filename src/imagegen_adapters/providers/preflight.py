"""Checks that refuse a request before it is queued, and the mapping of refusals that come later."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from imagegen_adapters.providers.messages import InputCode
from imagegen_core.errors import CallError, Refusal, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message, MessageCode
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.requests.input_image import InputImage, NamedInputs
from imagegen_core.requests.sizes import dimensions_of, parse_size


def check_total_bytes(
    images: NamedInputs, max_bytes: int, *, code: MessageCode = InputCode.REQUEST_TOO_HEAVY
) -> None:
    """Check the bytes of all images together against the limit of one request.

    Args:
        images: the images to check.
        max_bytes: of all images together.
        code: what to say of more, by ``size`` and ``maximum``.

    Raises:
        ValidationFailed: naming the largest image.
    """
    total = sum(image.size_bytes for _, image in images)
    if total > max_bytes:
        field = max(images, key=lambda pair: pair[1].size_bytes)[0]
        raise ValidationFailed.for_field(field, code(size=total, maximum=max_bytes))


def check_size(params: Mapping[str, Any], keywords: Sequence[str] = ("auto",)) -> None:
    """Check that ``size`` is WIDTHxHEIGHT or one of the ``keywords``.

    Raises:
        ValidationFailed: naming ``params.size``.
    """
    size = params.get("size")
    if size is not None and size not in keywords and parse_size(size) is None:
        raise ValidationFailed.for_field("params.size", ProblemCode.NOT_A_SIZE(choices=tuple(keywords)))


def check_sides(params: Mapping[str, Any]) -> None:
    """Check that ``width`` and ``height`` come together, for providers that need both.

    Raises:
        ValidationFailed: naming the missing one.
    """
    names = [name for name in ("width", "height") if params.get(name) is not None]
    if len(names) == 1 and dimensions_of(params) is None:
        missing = "height" if names == ["width"] else "width"
        raise ValidationFailed.for_field(f"params.{missing}", ProblemCode.NEEDS_OTHER(other=names[0]))


@attrs.frozen(kw_only=True)
class ImageLimits:
    """A provider's limits on input images: types (empty: all), bytes, pixels, bytes of all together.

    ``min_side`` and ``max_side`` hold for width and height, ``ratio`` for width by height.
    """

    mime_types: Collection[str] = ()
    max_bytes: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    ratio: tuple[float, float] | None = None
    total_bytes: int | None = None

    def check(self, images: NamedInputs) -> None:
        """Check each image but the mask, which is converted before it is sent, and the bytes of all together.

        Raises:
            ValidationFailed: naming each image that the provider does not accept.
        """
        problems = tuple(
            Problem(field=field, reason=reason)
            for field, image in images
            if field != "mask" and (reason := self._problem(image)) is not None
        )
        if problems:
            raise ValidationFailed(*problems)
        if self.total_bytes is not None:
            check_total_bytes(images, self.total_bytes)

    def _problem(self, image: InputImage) -> Message | None:
        pixels = image.width * image.height
        if self.mime_types and str(image.mime_type) not in self.mime_types:
            return InputCode.WRONG_MIME_TYPE(mime_type=image.mime_type, types=tuple(self.mime_types))
        if self.max_bytes is not None and image.size_bytes > self.max_bytes:
            return InputCode.IMAGE_TOO_HEAVY(size=image.size_bytes, maximum=self.max_bytes)
        if self.min_pixels is not None and pixels < self.min_pixels:
            return InputCode.TOO_FEW_PIXELS(pixels=pixels, minimum=self.min_pixels)
        if self.max_pixels is not None and pixels > self.max_pixels:
            return InputCode.TOO_MANY_PIXELS(pixels=pixels, maximum=self.max_pixels)
        return self._shape_problem(image)

    def _shape_problem(self, image: InputImage) -> Message | None:
        size = f"{image.width}x{image.height}"
        if self.min_side is not None and min(image.width, image.height) < self.min_side:
            return InputCode.SIDE_TOO_SHORT(size=size, minimum=self.min_side)
        if self.max_side is not None and max(image.width, image.height) > self.max_side:
            return InputCode.SIDE_TOO_LONG(size=size, maximum=self.max_side)
        low, high = self.ratio or (0.0, math.inf)
        if not low <= image.width / image.height <= high:
            return InputCode.IMAGE_SHAPE(size=size, minimum=low, maximum=high)
        return None


@contextmanager
def map_refusals() -> Iterator[None]:
    """Turn a refusal after the task was queued into ``rejected``; nothing was sent."""
    try:
        yield
    except Refusal as error:
        raise CallError(FailureCode.REJECTED, error.reason, possible_charge=False) from error
