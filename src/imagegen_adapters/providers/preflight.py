"""What can be refused before anything is queued, and what becomes of a refusal that comes late."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import attrs

from imagegen_core.errors import CallError, Problem, Refusal, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.operations import ImageRequest, InputImage, parse_size


def named_inputs(request: ImageRequest) -> tuple[tuple[str, InputImage], ...]:
    """Return the request's images with the fields that a caller knows them by."""
    named = [(f"reference_images.{index}", image) for index, image in enumerate(request.references)]
    beside = (("image", request.image), ("mask", request.mask))
    return (*named, *((name, image) for name, image in beside if image is not None))


def check_total_bytes(request: ImageRequest, max_bytes: int, why: str) -> None:
    """Check the bytes of all images together against what goes into one request.

    Args:
        request: what is asked for.
        max_bytes: of all images together.
        why: whose limit it is; it follows the number.

    Raises:
        ValidationFailed: naming the largest of them.
    """
    named = named_inputs(request)
    total = sum(image.size_bytes for _, image in named)
    if total > max_bytes:
        field = max(named, key=lambda pair: pair[1].size_bytes)[0]
        raise ValidationFailed.of(field, f"all images together have {total} bytes, at most {max_bytes} {why}")


def check_size(request: ImageRequest, also: Sequence[str] = ("auto",)) -> None:
    """Check that ``size`` is WIDTHxHEIGHT or one of ``also``.

    Raises:
        ValidationFailed: naming ``params.size``.
    """
    size = request.params.get("size")
    if size is not None and size not in also and parse_size(size) is None:
        raise ValidationFailed.of("params.size", f"must be WIDTHxHEIGHT or one of {', '.join(also)}")


def check_sides(request: ImageRequest) -> None:
    """Check that ``width`` and ``height`` come together, for those who can tell nothing from one of them.

    Raises:
        ValidationFailed: naming the one that is missing.
    """
    given = [name for name in ("width", "height") if request.params.get(name) is not None]
    if len(given) == 1 and request.dimensions is None:
        missing = "height" if given == ["width"] else "width"
        raise ValidationFailed.of(f"params.{missing}", f"is needed beside {given[0]}")


@attrs.frozen(kw_only=True)
class ImageLimits:
    """What a provider takes as an image: types (none named: all), bytes, pixels, bytes of all together."""

    mime_types: Collection[str] = ()
    max_bytes: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    total_bytes: int | None = None

    def check(self, request: ImageRequest) -> None:
        """Check each image but the mask, which is converted before it is sent, and the weight of all.

        Raises:
            ValidationFailed: naming each one that the provider does not take.
        """
        named = [(field, image) for field, image in named_inputs(request) if field != "mask"]
        problems = tuple(
            Problem(field=field, message=message)
            for field, image in named
            if (message := self._problem(image)) is not None
        )
        if problems:
            raise ValidationFailed(*problems)
        if self.total_bytes is not None:
            check_total_bytes(request, self.total_bytes, "go into one request of this model")

    def _problem(self, image: InputImage) -> str | None:
        pixels = image.width * image.height
        if self.mime_types and str(image.mime_type) not in self.mime_types:
            return f"is {image.mime_type}, but this model takes {', '.join(self.mime_types)}"
        if self.max_bytes is not None and image.size_bytes > self.max_bytes:
            return f"has {image.size_bytes} bytes, but this model takes {self.max_bytes} at most"
        if self.min_pixels is not None and pixels < self.min_pixels:
            return f"has {pixels} pixels, but this model wants at least {self.min_pixels}"
        if self.max_pixels is not None and pixels > self.max_pixels:
            return f"has {pixels} pixels, but this model takes {self.max_pixels} at most"
        return None


@contextmanager
def map_refusals() -> Iterator[None]:
    """Turn a refusal that comes after the task was queued into ``rejected``; nothing was sent."""
    try:
        yield
    except Refusal as error:
        raise CallError(FailureCode.REJECTED, error.message, possible_charge=False) from error
