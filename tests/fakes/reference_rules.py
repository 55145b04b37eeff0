"""Which input images a provider accepts, by the rules of its documentation and not by our document of it."""

import base64
import io

import attrs
from PIL import Image


@attrs.frozen(kw_only=True)
class ReferenceRule:
    """Every number is inclusive; bytes are those of the file, before any encoding.

    Attributes:
        max_bytes: of one image.
        pixels: the smallest and the largest area.
        min_side: the shortest side.
        ratio: the largest of the longer side by the shorter one.
        formats: as Pillow names them.
    """

    max_bytes: int = 10**9
    pixels: tuple[int, int] = (1, 10**10)
    min_side: int = 1
    ratio: float = 100_000.0
    formats: frozenset[str] = frozenset(("PNG", "JPEG", "WEBP", "GIF"))

    def allows(self, image: bytes | str) -> bool:
        """Return whether the provider takes the image, a file or its base64 with or without a data URI."""
        data = base64.b64decode(image.rpartition(",")[2], validate=True) if isinstance(image, str) else image
        if len(data) > self.max_bytes:
            return False
        with Image.open(io.BytesIO(data)) as opened:
            return opened.format in self.formats and self._allows_sides(*opened.size)

    def _allows_sides(self, *sides: int) -> bool:
        return (
            self.pixels[0] <= sides[0] * sides[1] <= self.pixels[1]
            and self.min_side <= min(sides)
            and max(sides) <= min(sides) * self.ratio
        )
