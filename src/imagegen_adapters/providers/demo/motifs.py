"""Motifs that the words of a prompt add to a scene."""

import math
import re
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from imagegen_adapters.providers.demo.canvas import Canvas, Point
from imagegen_adapters.providers.demo.palette import Palette, hsv, mix

_LATIN_WORD = re.compile(r"[a-z]+")

Motif = Callable[[Canvas, Palette, Random], None]

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "night": ("夜", "晚", "星空", "night", "dark"),
        "star": ("星", "star", "starry", "galaxy", "银河", "銀河", "宇宙", "space"),
        "moon": ("月", "moon"),
        "sun": (
            "sunset",
            "sunrise",
            "sunshine",
            "sunlight",
            "太阳",
            "太陽",
            "日出",
            "日落",
            "夕阳",
            "夕陽",
            "阳光",
            "陽光",
            "sun",
        ),
        "cloud": ("云", "雲", "cloud", "天空", "sky"),
        "rainbow": ("彩虹", "rainbow"),
        "bird": ("鸟", "鳥", "bird", "雁", "鹤", "鶴"),
        "mountain": ("山", "mountain", "峰", "peak"),
        "sea": ("seaside", "海", "湖", "江", "河", "sea", "ocean", "lake", "river", "water"),
        "boat": ("sailboat", "船", "舟", "boat", "ship", "sail"),
        "city": ("城", "楼", "樓", "city", "town", "skyline"),
        "tree": ("树", "樹", "林", "tree", "forest", "wood"),
        "house": ("房", "屋", "家", "house", "home", "cabin"),
        "flower": ("花", "flower", "blossom", "garden", "rose", "tulip"),
        "cat": ("猫", "貓", "cat", "kitten"),
        "snow": ("雪", "snow", "冬", "winter"),
    }
)
"""Motifs in painting order, and the words that select them."""


def motifs_in(prompt: str) -> tuple[str, ...]:
    """Return the motifs that the prompt's words select, in painting order."""
    text = prompt.lower()
    latin = frozenset(_LATIN_WORD.findall(text))
    return tuple(name for name, words in WORDS.items() if any(_occurs(word, text, latin) for word in words))


def _occurs(word: str, text: str, latin: frozenset[str]) -> bool:
    """Return whether the word occurs: a Latin one whole or plural, so that "delicate" contains no cat."""
    if not word.isascii():
        return word in text
    return word in latin or f"{word}s" in latin or f"{word}y" in latin


def _stars(canvas: Canvas, palette: Palette, random: Random) -> None:
    for _ in range(90):
        place = random.random(), random.random() ** 1.5 * 0.65
        size = random.choice((0.0012, 0.002, 0.0035))
        canvas.disc(place, size, mix(palette.middle, palette.light, random.uniform(0.4, 1.0)))


def _sun(canvas: Canvas, palette: Palette, random: Random) -> None:
    centre = random.uniform(0.25, 0.75), random.uniform(0.24, 0.42)
    canvas.glow(centre, 0.62, palette.light, 0.75)
    canvas.disc(centre, 0.105, mix(palette.light, palette.accent, 0.12))


def _moon(canvas: Canvas, palette: Palette, random: Random) -> None:
    centre = random.uniform(0.25, 0.75), random.uniform(0.18, 0.32)
    canvas.glow(centre, 0.42, palette.light, 0.4)
    canvas.disc(centre, 0.085, palette.light)
    for dx, dy, size in ((-0.03, -0.02, 0.018), (0.03, 0.015, 0.024), (-0.012, 0.042, 0.012)):
        canvas.disc(canvas.offset(centre, dx, dy), size, mix(palette.light, palette.middle, 0.22))


def _clouds(canvas: Canvas, palette: Palette, random: Random) -> None:
    for _ in range(5):
        place = random.random(), random.uniform(0.08, 0.38)
        colour = mix(palette.horizon, (255, 255, 255), 0.7)
        for puff in range(6):
            centre = canvas.offset(place, (puff - 2.5) * 0.055, random.uniform(-0.02, 0.015))
            canvas.glow(centre, random.uniform(0.06, 0.11), colour, 0.7)


def _rainbow(canvas: Canvas, palette: Palette, _random: Random) -> None:
    arc = [
        (0.5 + 0.46 * math.cos(a / 40 * math.pi), 0.72 - 0.52 * math.sin(a / 40 * math.pi)) for a in range(41)
    ]
    for band in range(6):
        shifted = [(x, y + band * 0.014) for x, y in arc]
        canvas.line(shifted, 0.016, mix(hsv(band * 0.14, 0.55, 1.0), palette.middle, 0.35))


def _birds(canvas: Canvas, palette: Palette, random: Random) -> None:
    for _ in range(7):
        place, span = (random.uniform(0.15, 0.85), random.uniform(0.12, 0.4)), random.uniform(0.018, 0.034)
        wing = ((-1.0, -0.45), (-0.5, -0.55), (0.0, 0.0), (0.5, -0.55), (1.0, -0.45))
        canvas.line([canvas.offset(place, x * span, y * span) for x, y in wing], 0.005, palette.near)


def _mountains(canvas: Canvas, palette: Palette, random: Random) -> None:
    for layer, share in enumerate((0.05, 0.4)):
        colour, snow = (
            mix(palette.far, palette.near, share),
            mix(palette.light, palette.far, 0.12 + layer * 0.1),
        )
        for position in (0.12, 0.5, 0.88) if layer else (0.3, 0.7, 1.05):
            x, top = position + random.uniform(-0.08, 0.08), random.uniform(0.28, 0.42) + layer * 0.12
            half, foot = random.uniform(0.28, 0.38), 0.86
            canvas.polygon([(x - half, foot), (x, top), (x + half, foot)], colour)
            canvas.polygon(
                [(x, top), (x + half, foot), (x + half * 0.12, foot)], mix(colour, palette.near, 0.25)
            )
            canvas.polygon(_snow_cap((x, top), half, foot - top), snow)


def _snow_cap(peak: Point, half: float, height: float) -> list[Point]:
    x, top = peak
    edge = ((0.28, -1.0), (0.2, -0.45), (0.27, -0.15), (0.19, 0.2), (0.29, 0.55), (0.24, 1.0))
    return [peak, *((x + half * side * down, top + height * down) for down, side in edge)]


def _sea(canvas: Canvas, palette: Palette, random: Random) -> None:
    shallow, deep = mix(palette.horizon, palette.zenith, 0.45), mix(palette.zenith, palette.near, 0.55)
    canvas.gradient((shallow, mix(shallow, deep, 0.6), deep), 0.66, 1.0)
    for _ in range(70):
        down = random.random()
        x, y, length = random.random(), 0.67 + 0.32 * down, 0.02 + 0.09 * down * random.random()
        colour = mix(mix(shallow, deep, down), palette.light, random.uniform(0.15, 0.5))
        canvas.line([(x - length, y), (x + length, y)], 0.002 + 0.003 * down, colour)


def _boat(canvas: Canvas, palette: Palette, random: Random) -> None:
    place = random.uniform(0.3, 0.7), 0.77
    canvas.shape(place, 0.1, ((0.05, -0.15), (0.05, -1.7), (0.95, -0.15)), palette.light)
    canvas.shape(
        place, 0.1, ((-0.03, -0.15), (-0.03, -1.4), (-0.65, -0.15)), mix(palette.light, palette.accent, 0.4)
    )
    canvas.shape(place, 0.1, ((-1.0, 0.0), (1.1, 0.0), (0.75, 0.4), (-0.7, 0.4)), palette.near)


def _city(canvas: Canvas, palette: Palette, random: Random) -> None:
    x = -0.02
    while x < 1.0:
        width, top = random.uniform(0.05, 0.11), random.uniform(0.38, 0.68)
        colour = mix(palette.far, palette.near, random.uniform(0.35, 0.8))
        canvas.polygon([(x, 1.0), (x, top), (x + width, top), (x + width, 1.0)], colour)
        for row in range(int((0.92 - top) / 0.035)):
            for column in range(int(width / 0.02)):
                if random.random() < 0.45:  # noqa: PLR2004 - somewhat less than half of the windows are lit
                    window_x, window_y = x + 0.008 + column * 0.02, top + 0.015 + row * 0.035
                    corners = [
                        (window_x, window_y),
                        (window_x + 0.009, window_y),
                        (window_x + 0.009, window_y + 0.016),
                        (window_x, window_y + 0.016),
                    ]
                    canvas.polygon(corners, mix(palette.accent, palette.light, 0.6))
        x += width + random.uniform(0.0, 0.015)


def _trees(canvas: Canvas, palette: Palette, random: Random) -> None:
    places = sorted((random.uniform(0.74, 0.93), random.random()) for _ in range(11))
    for y, x in places:
        size, depth = 0.08 + (y - 0.7) * 0.55, (y - 0.74) / 0.19
        green = mix(mix(palette.far, hsv(0.36, 0.5, 0.45), 0.5), palette.near, 0.25 + 0.5 * depth)
        canvas.shape((x, y), size, ((-0.07, 0.0), (0.07, 0.0), (0.07, -0.4), (-0.07, -0.4)), palette.near)
        for tier in range(3):
            foot, half = -0.3 - tier * 0.45, 0.48 - tier * 0.12
            tint = mix(green, palette.light, 0.06 * tier)
            canvas.shape((x, y), size, ((-half, foot), (half, foot), (0.0, foot - 0.75)), tint)


def _house(canvas: Canvas, palette: Palette, random: Random) -> None:
    place, size = (random.uniform(0.25, 0.75), 0.88), 0.2
    window = mix(palette.accent, palette.light, 0.65)
    canvas.shape(
        place,
        size,
        ((-0.6, 0.0), (0.6, 0.0), (0.6, -0.75), (-0.6, -0.75)),
        mix(palette.horizon, palette.far, 0.3),
    )
    canvas.shape(
        place,
        size,
        ((-0.75, -0.72), (0.75, -0.72), (0.4, -1.25), (-0.4, -1.25)),
        mix(palette.accent, palette.near, 0.35),
    )
    canvas.shape(place, size, ((-0.12, 0.0), (0.16, 0.0), (0.16, -0.48), (-0.12, -0.48)), palette.near)
    for window_x in (-0.46, 0.28):
        canvas.shape(
            place,
            size,
            ((window_x, -0.28), (window_x + 0.2, -0.28), (window_x + 0.2, -0.52), (window_x, -0.52)),
            window,
        )


def _flowers(canvas: Canvas, palette: Palette, random: Random) -> None:
    hue = random.uniform(0.85, 1.15)
    for y in sorted(random.uniform(0.7, 0.93) for _ in range(14)):
        foot = (random.random(), y + 0.1)
        size = 0.02 + (y - 0.66) * 0.12
        centre = canvas.offset(foot, random.uniform(-0.03, 0.03), -size * 4)
        canvas.line([foot, centre], 0.006, mix(hsv(0.36, 0.55, 0.42), palette.near, 0.2))
        petal = hsv(hue + random.uniform(-0.06, 0.06), random.uniform(0.35, 0.65), 0.97)
        for turn in range(6):
            angle = turn / 6 * math.tau
            canvas.disc(
                canvas.offset(centre, size * math.cos(angle), size * math.sin(angle)), size * 0.62, petal
            )
        canvas.disc(centre, size * 0.55, hsv(0.13, 0.65, 1.0))


def _cat(canvas: Canvas, palette: Palette, random: Random) -> None:
    foot = random.uniform(0.38, 0.62), 0.93
    fur = random.choice((mix(palette.near, (20, 18, 24), 0.4), hsv(0.075, 0.62, 0.88), hsv(0.09, 0.14, 0.94)))
    shade, s = mix(fur, palette.near, 0.3), 0.3
    tail = [
        canvas.offset(foot, s * x, s * y)
        for x, y in ((0.3, -0.08), (0.75, -0.12), (0.88, -0.5), (0.72, -0.82))
    ]
    canvas.line(tail, 0.17 * s, shade)
    canvas.disc(tail[-1], 0.085 * s, shade)
    canvas.disc(canvas.offset(foot, 0, -0.38 * s), 0.44 * s, fur, squash=1.05)
    head = canvas.offset(foot, 0, -1.02 * s)
    for side in (-1, 1):
        canvas.shape(head, s, ((side * 0.37, -0.12), (side * 0.34, -0.62), (side * 0.04, -0.3)), fur)
        canvas.shape(
            head, s, ((side * 0.31, -0.2), (side * 0.31, -0.5), (side * 0.12, -0.3)), hsv(0.97, 0.35, 0.9)
        )
    canvas.disc(head, 0.4 * s, fur, squash=0.86)
    for side in (-1, 1):
        eye = canvas.offset(head, side * 0.16 * s, -0.03 * s)
        canvas.disc(eye, 0.075 * s, hsv(0.2, 0.45, 0.95), squash=1.15)
        canvas.disc(eye, 0.032 * s, (20, 20, 26), squash=1.9)
        canvas.disc(canvas.offset(foot, side * 0.17 * s, -0.03 * s), 0.13 * s, shade, squash=0.6)
        for droop in (0.1, 0.16):
            start, end = (
                canvas.offset(head, side * x * s, (droop + d) * s)
                for x, d in ((0.12, 0.0), (0.5, droop - 0.12))
            )
            canvas.line([start, end], 0.012 * s, mix(fur, palette.light, 0.6))
    canvas.shape(head, s, ((-0.045, 0.07), (0.045, 0.07), (0.0, 0.125)), hsv(0.97, 0.45, 0.85))


def _snowfall(canvas: Canvas, _palette: Palette, random: Random) -> None:
    for _ in range(120):
        canvas.disc((random.random(), random.random()), random.choice((0.002, 0.003, 0.005)), (250, 252, 255))


PAINTERS: Mapping[str, Motif] = MappingProxyType(
    {
        "star": _stars,
        "moon": _moon,
        "sun": _sun,
        "cloud": _clouds,
        "rainbow": _rainbow,
        "bird": _birds,
        "mountain": _mountains,
        "sea": _sea,
        "boat": _boat,
        "city": _city,
        "tree": _trees,
        "house": _house,
        "flower": _flowers,
        "cat": _cat,
        "snow": _snowfall,
    }
)
"""The painter of each motif; ``night`` has none, since it only changes the palette."""
