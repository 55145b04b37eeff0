"""Draws a scene from a prompt and a seed, the same on any machine, and performs the operations."""

import colorsys
import io
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from types import MappingProxyType

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps, PngImagePlugin

from imagegen_adapters.providers.common.images import MaskPolarity, convert_mask
from imagegen_adapters.providers.demo import FORMATS, MAX_SIDE_PIXELS, Work
from imagegen_core.requests import UPSCALE_FACTORS, Operation

LABEL = "imagegen demo"
"""The label in the metadata of each file."""

_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131  # EXIF tags


def perform(work: Work) -> Image.Image:
    """Draw the image. It takes some tens of milliseconds: call it in a thread.

    It raises `OSError` for an image that cannot be decoded, `InvalidImage` for a mask of another size.
    """
    match work.request.operation:
        case Operation.REFERENCE:
            return _tint(work)
        case Operation.EDIT:
            return _edit(work)
        case Operation.UPSCALE:
            image = _decode(work.image)
            if image.getchannel("A").getextrema() == (255, 255):
                image = image.convert("RGB")
            factor = UPSCALE_FACTORS[work.request.upscale_factor]
            return image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)
        case Operation.RECONTEXT:
            return _recontext(work)
        case Operation.SEGMENT:
            return _segment(work)
        case _:
            return draw(work.request.prompt, work.seed, work.size)


def encode(image: Image.Image, format: str) -> bytes:
    """Return a file of ``format`` (a key of `FORMATS`), with the label in its metadata."""
    buffer = io.BytesIO()
    if format == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", LABEL)
        text.add_text("Comment", LABEL)
        image.save(buffer, "PNG", pnginfo=text, compress_level=3)
    else:
        exif = Image.Exif()
        exif[_DESCRIPTION] = exif[_SOFTWARE] = LABEL
        image.convert("RGB").save(buffer, FORMATS[format], quality=90, method=2, speed=9, exif=exif.tobytes())
    return buffer.getvalue()


def _decode(data: bytes, *, side: int | None = None) -> Image.Image:
    """Decode to RGBA, upright, and scale down so that no side exceeds ``side``."""
    with Image.open(io.BytesIO(data), formats=list(FORMATS.values())) as image:
        if side is not None:
            image.thumbnail((side, side))
        return ImageOps.exif_transpose(image).convert("RGBA")


# ---------------------------------------------------------------- operations on the caller's images


def _tint(work: Work) -> Image.Image:
    """Tint the scene with the colours of the references, from left to right."""
    tint = Image.new("RGB", (len(work.references), 2))
    for column, reference in enumerate(work.references):
        colours = _decode(reference, side=64).convert("RGB").resize((1, 2), Image.Resampling.BOX)
        tint.paste(colours, (column, 0))
    light = tint.resize(work.size, Image.Resampling.BICUBIC)
    scene = draw(work.request.prompt, work.seed, work.size)
    return Image.blend(ImageChops.soft_light(scene, light), light, 0.25)


def _edit(work: Work) -> Image.Image:
    """Put the scene where the mask is white, or blend it over all of the image without a mask."""
    image, mask = _decode(work.image).convert("RGB"), None
    if work.mask is not None:
        converted = convert_mask(work.mask, polarity=MaskPolarity.WHITE_IS_EDIT, size=image.size)
        mask = _decode(converted).convert("L")
    if max(image.size) > MAX_SIDE_PIXELS:
        image = ImageOps.contain(image, (MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    scene = draw(work.request.prompt, work.seed, image.size)
    if mask is None:
        return Image.blend(image, scene, 0.4)
    return Image.composite(scene, image, mask.resize(image.size))


def _recontext(work: Work) -> Image.Image:
    scene = draw(work.request.prompt, work.seed, work.size)
    max_size = max(1, round(work.size[0] * 0.6)), max(1, round(work.size[1] * 0.6))
    subject = ImageOps.contain(_decode(work.image, side=MAX_SIDE_PIXELS), max_size)
    place = (work.size[0] - subject.width) // 2, round((work.size[1] - subject.height) * 0.6)
    scene.paste(subject.convert("RGB"), place, subject.getchannel("A"))
    return scene


def _segment(work: Work) -> Image.Image:
    """White where the image differs from its border, black elsewhere."""
    image = _decode(work.image, side=MAX_SIDE_PIXELS).convert("RGB")
    border = Image.new("RGB", (2, 2))
    for x in (0, 1):
        for y in (0, 1):
            corner = x * (image.width - 1), y * (image.height - 1)
            border.paste(image.crop((*corner, corner[0] + 1, corner[1] + 1)), (x, y))
    ground = border.resize(image.size, Image.Resampling.BILINEAR)
    difference = ImageOps.autocontrast(ImageChops.difference(image, ground).convert("L"))
    smooth = difference.filter(ImageFilter.BoxBlur(max(1, min(image.size) // 100)))
    return smooth.point([255 * (v > 56) for v in range(256)])  # noqa: PLR2004 - a fifth of the contrast


# ---------------------------------------------------------------- scenes

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "night": ("夜", "晚", "星", "月", "宇宙", "night", "dark", "star", "starry", "moon", "space"),
        "mountain": ("山", "峰", "雪", "mountain", "peak", "snow"),
        "sea": ("海", "湖", "江", "河", "sea", "seaside", "ocean", "lake", "river", "water"),
        "cat": ("猫", "貓", "cat", "kitten"),
    }
)
"""The motifs beside sky and hills, in painting order, and the words that select them."""

_LATIN_WORD = re.compile(r"[a-z]+")
_MAX_SMOOTHED_PIXELS = 600_000
"""Scenes up to this size are painted at twice their size, for smooth edges."""

_MIN_SIDE_PIXELS = 64


def motifs_in(prompt: str) -> tuple[str, ...]:
    """Return the motifs that the words select. Latin words match whole or plural: "delicate" has no cat."""
    text = prompt.lower()
    latin = frozenset(_LATIN_WORD.findall(text))

    def occurs(word: str) -> bool:
        return not latin.isdisjoint((word, f"{word}s", f"{word}y")) if word.isascii() else word in text

    return tuple(name for name, words in WORDS.items() if any(map(occurs, words)))


def draw(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    random = Random(f"{seed}\n{prompt}")  # noqa: S311 - it has to be reproducible
    factor = 2 if size[0] * size[1] <= _MAX_SMOOTHED_PIXELS else 1
    width, height = (max(side * factor, _MIN_SIDE_PIXELS) for side in size)
    motifs = motifs_in(prompt)
    scene = _Scene(Image.new("RGB", (width, height)), random, is_night="night" in motifs)
    scene.sky()
    if "mountain" in motifs:
        scene.mountains()
    if "sea" in motifs:
        scene.sea()
    else:
        scene.hills(first=0.74 if "mountain" in motifs else 0.52)
    if "cat" in motifs:
        scene.cat()
    image = scene.image
    return image if image.size == size else image.resize(size, Image.Resampling.BOX)


Point = tuple[float, float]
Colour = tuple[int, int, int]


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    """``hue`` is in turns, the others 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@cache
def _glow_mask() -> Image.Image:
    # Pillow's gradient reaches 255 in the corners; at the middle of an edge it is 181.
    fade = [round(max(0.0, 1 - distance / 178) ** 1.6 * 180) for distance in range(256)]
    return Image.radial_gradient("L").point(fade)


class _Scene:
    """An RGB image; positions are 0 to 1 across and down, lengths are fractions of the shorter side."""

    def __init__(self, image: Image.Image, random: Random, *, is_night: bool) -> None:
        self.image, self._random, self._is_night = image, random, is_night
        self._unit, self._draw = min(image.size), ImageDraw.Draw(image)
        hue, warm = random.uniform(0.52, 0.8), random.uniform(0.02, 0.14)
        if is_night:
            self._zenith, self._horizon = _hsv(hue, 0.75, 0.16), _hsv(hue + 0.1, 0.42, 0.6)
            self._far, self._near = _hsv(hue, 0.48, 0.36), _hsv(hue - 0.03, 0.65, 0.1)
        else:
            self._zenith, self._horizon = _hsv(hue, 0.5, 0.85), _hsv(warm, 0.3, 1.0)
            self._far, self._near = _hsv(hue + 0.03, 0.34, 0.74), _hsv(hue - warm, 0.62, 0.26)
        self._light = _hsv(warm + 0.03, 0.15, 1.0)

    def sky(self) -> None:
        random = self._random
        self._gradient((self._zenith, _mix(self._zenith, self._horizon, 0.6), self._horizon, self._horizon))
        for _ in range(90 * self._is_night):
            place, size = (random.random(), random.random() ** 1.5 * 0.65), random.uniform(0.001, 0.0035)
            self._disc(place, size, size, _mix(self._zenith, self._light, random.uniform(0.5, 1.0)))
        centre = random.uniform(0.25, 0.75), random.uniform(0.18, 0.4)
        glow = max(1, round(1.1 * self._unit))
        x, y = (round(middle - glow / 2) for middle in self._at(centre))
        self.image.paste(self._light, (x, y), _glow_mask().resize((glow, glow)))
        self._disc(centre, 0.095, 0.095, self._light)

    def hills(self, first: float) -> None:
        """Paint five ridges, the ``first`` one that far down."""
        random = self._random
        for depth in (0.0, 0.25, 0.5, 0.75, 1.0):
            base = first + (0.9 - first) * depth
            waves = [(random.uniform(1.5, 5.0), random.uniform(0.0, math.tau), 0.035 / n) for n in (1, 2, 3)]
            ridge = []
            for x in range(61):
                along = x / 60 * self.image.width / self.image.height
                ridge.append((x / 60, base + sum(h * math.sin(o * along + start) for o, start, h in waves)))
            self._polygon([(0.0, 1.0), *ridge, (1.0, 1.0)], _mix(self._far, self._near, depth**1.2))

    def mountains(self) -> None:
        snow_line = ((0.28, -1.0), (0.2, -0.45), (0.27, -0.15), (0.19, 0.2), (0.29, 0.55), (0.24, 1.0))
        for position, share in ((0.3, 0.05), (0.8, 0.1), (0.1, 0.35), (0.55, 0.4), (0.95, 0.45)):
            x = position + self._random.uniform(-0.08, 0.08)
            top = self._random.uniform(0.28, 0.42) + share / 4
            half, foot = self._random.uniform(0.28, 0.38), 0.86
            self._polygon([(x - half, foot), (x, top), (x + half, foot)], _mix(self._far, self._near, share))
            edge = [(x + half * side * down, top + (foot - top) * down) for down, side in snow_line]
            self._polygon([(x, top), *edge], _mix(self._light, self._far, 0.12 + share / 4))

    def sea(self) -> None:
        shallow, deep = _mix(self._horizon, self._zenith, 0.45), _mix(self._zenith, self._near, 0.55)
        self._gradient((shallow, _mix(shallow, deep, 0.6), deep), 0.66)
        for _ in range(70):
            down, x = self._random.random(), self._random.random()
            y, length = 0.67 + 0.32 * down, 0.02 + 0.09 * down * self._random.random()
            colour = _mix(_mix(shallow, deep, down), self._light, self._random.uniform(0.15, 0.5))
            self._line([(x - length, y), (x + length, y)], 0.002 + 0.003 * down, colour)

    def cat(self) -> None:
        fur = self._random.choice((_hsv(0.7, 0.2, 0.14), _hsv(0.075, 0.62, 0.88), _hsv(0.09, 0.14, 0.94)))
        dark, iris = _mix(fur, (16, 14, 20), 0.35), _hsv(0.2, 0.45, 0.95)
        x, s = self._random.uniform(0.38, 0.62), 0.3

        def at(*points: Point) -> list[Point]:
            return [
                (x + a * s * self._unit / self.image.width, 0.93 + b * s * self._unit / self.image.height)
                for a, b in points
            ]

        def disc(centre: Point, across: float, down: float, colour: Colour) -> None:
            self._disc(at(centre)[0], across * s, down * s, colour)

        self._line(at((0.3, -0.08), (0.75, -0.12), (0.88, -0.5), (0.72, -0.82)), 0.15 * s, dark)
        disc((0, -0.38), 0.44, 0.46, fur)
        for side in (-1, 1):
            self._polygon(at((side * 0.37, -1.14), (side * 0.34, -1.64), (side * 0.04, -1.32)), fur)
        disc((0, -1.02), 0.4, 0.34, fur)
        for side in (-1, 1):
            disc((side * 0.17, -0.03), 0.13, 0.08, dark)
            disc((side * 0.16, -1.05), 0.075, 0.086, iris)
            disc((side * 0.16, -1.05), 0.03, 0.06, (20, 20, 26))
            for droop in (0.1, 0.16):
                whisker = at((side * 0.12, droop - 1.02), (side * 0.5, droop * 2 - 1.14))
                self._line(whisker, 0.012 * s, _mix(fur, self._light, 0.6))
        self._polygon(at((-0.045, -0.95), (0.045, -0.95), (0.0, -0.895)), _hsv(0.97, 0.4, 0.88))

    def _gradient(self, colours: Sequence[Colour], top: float = 0.0) -> None:
        """Fill the image below ``top`` from the first colour down to the last."""
        first, strip = round(top * self.image.height), Image.new("RGB", (1, len(colours)))
        strip.putdata(list(colours))
        size = self.image.width, self.image.height - first
        self.image.paste(strip.resize(size, Image.Resampling.BICUBIC), (0, first))

    def _disc(self, centre: Point, across: float, down: float, colour: Colour) -> None:
        (x, y), across, down = self._at(centre), across * self._unit, down * self._unit
        self._draw.ellipse((x - across, y - down, x + across, y + down), fill=colour)

    def _polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([self._at(point) for point in points], fill=colour)

    def _line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        pixels = max(1, round(width * self._unit))
        self._draw.line([self._at(point) for point in points], fill=colour, width=pixels, joint="curve")

    def _at(self, point: Point) -> Point:
        return point[0] * self.image.width, point[1] * self.image.height
