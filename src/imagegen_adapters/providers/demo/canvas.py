"""The canvas of a scene: gradients, glows and shapes in units of its size."""

from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw

from imagegen_adapters.providers.demo.palette import Colour

Point = tuple[float, float]


@cache
def _glow_mask() -> Image.Image:
    # Pillow's gradient reaches 255 in the corners; at the middle of an edge it is 181.
    fade = [round(max(0.0, 1 - distance / 178) ** 1.6 * 255) for distance in range(256)]
    return Image.radial_gradient("L").point(fade)


class Canvas:
    """An RGB canvas; positions are 0 to 1 across and down, lengths are fractions of the shorter side."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height))
        self.unit = min(width, height)
        self._draw = ImageDraw.Draw(self.image)

    def cover(self, image: Image.Image) -> None:
        """Cover the whole canvas with a smooth image of any size."""
        self.image.paste(image.resize(self.image.size, Image.Resampling.BILINEAR))

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.image.width / self.image.height

    def gradient(self, colours: Sequence[Colour], top: float = 0.0, bottom: float = 1.0) -> None:
        """Fill a full-width band from the first colour down to the last."""
        first, last = round(top * self.image.height), round(bottom * self.image.height)
        if last <= first:
            return
        strip = Image.new("RGB", (1, len(colours)))
        strip.putdata(list(colours))
        self.image.paste(strip.resize((self.image.width, last - first), Image.Resampling.BICUBIC), (0, first))

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Add light that fades towards ``radius``."""
        size = max(1, round(2 * radius * self.unit))
        mask = _glow_mask().resize((size, size)).point([round(v * strength) for v in range(256)])
        x, y = self._at(centre)
        self.image.paste(colour, (round(x - size / 2), round(y - size / 2)), mask)

    def disc(self, centre: Point, radius: float, colour: Colour, *, squash: float = 1.0) -> None:
        """Draw a circle, or an ellipse ``squash`` times as high as wide."""
        x, y = self._at(centre)
        radius_x = radius * self.unit
        radius_y = radius_x * squash
        self._draw.ellipse((x - radius_x, y - radius_y, x + radius_x, y + radius_y), fill=colour)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a shape whose corners are positions on the canvas."""
        self._draw.polygon([self._at(p) for p in points], fill=colour)

    def shape(self, origin: Point, size: float, points: Sequence[Point], colour: Colour) -> None:
        """Fill a shape whose corners are offsets from ``origin``, scaled by ``size``."""
        x, y = self._at(origin)
        scale = size * self.unit
        self._draw.polygon([(x + dx * scale, y + dy * scale) for dx, dy in points], fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line with round joints through positions on the canvas."""
        pixels = max(1, round(width * self.unit))
        self._draw.line([self._at(p) for p in points], fill=colour, width=pixels, joint="curve")

    def offset(self, origin: Point, dx: float, dy: float) -> Point:
        """Return the position at these distances to the right of and below ``origin``."""
        x = origin[0] + dx * self.unit / self.image.width
        return x, origin[1] + dy * self.unit / self.image.height

    def _at(self, point: Point) -> Point:
        return point[0] * self.image.width, point[1] * self.image.height
