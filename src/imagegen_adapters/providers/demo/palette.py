"""Matching colours, from one source of randomness."""

import colorsys
from random import Random

import attrs

Colour = tuple[int, int, int]


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return the colour; ``hue`` in turns, the others 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return ``first`` mixed with that share of ``second``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@attrs.frozen(kw_only=True)
class Palette:
    """Sky from zenith to horizon, land from far to near, a light, and a contrasting accent."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    far: Colour
    near: Colour
    light: Colour
    accent: Colour

    @classmethod
    def by_day(cls, random: Random) -> "Palette":
        """Return a sky of neighbouring hues over land in a darker one."""
        hue = random.uniform(0.48, 0.92)
        warm = random.uniform(0.02, 0.12)
        return cls(
            zenith=hsv(hue, 0.55, 0.78),
            middle=hsv(hue + 0.06, 0.38, 0.93),
            horizon=hsv(warm, 0.30, 1.0),
            far=hsv(hue + 0.03, 0.34, 0.74),
            near=hsv(hue + random.uniform(-0.12, 0.02), 0.62, 0.26),
            light=hsv(warm + 0.03, 0.18, 1.0),
            accent=hsv(warm - 0.05, 0.68, 0.95),
        )

    @classmethod
    def by_night(cls, random: Random) -> "Palette":
        """Return a dark sky over darker land."""
        hue = random.uniform(0.56, 0.76)
        return cls(
            zenith=hsv(hue, 0.75, 0.16),
            middle=hsv(hue + 0.02, 0.62, 0.34),
            horizon=hsv(hue + 0.12, 0.42, 0.62),
            far=hsv(hue, 0.48, 0.36),
            near=hsv(hue - 0.03, 0.65, 0.10),
            light=hsv(0.14, 0.12, 1.0),
            accent=hsv(random.uniform(0.02, 0.12), 0.60, 0.96),
        )
