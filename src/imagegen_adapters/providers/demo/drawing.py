"""Draws a scene from a prompt and a seed, the same on any machine, and does what an operation asks for."""

import colorsys
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from types import MappingProxyType

import attrs
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps, PngImagePlugin

from imagegen_adapters.providers.common.images import MaskPolarity, convert_mask
from imagegen_adapters.providers.demo.options import FORMATS, MAX_SIDE_PIXELS, Work
from imagegen_core.operations import Operation

LABEL = "imagegen demo"
"""What the metadata of each file says."""

_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131  # EXIF tags


def perform(work: Work) -> Image.Image:
    """Return the image. It takes some tens of milliseconds: call it in a thread.

    Raises:
        OSError: one of the caller's images cannot be decoded.
        InvalidImage: the mask's size differs from the image's.
    """
    return _PERFORMERS[work.operation](work)


def encode(image: Image.Image, format: str) -> bytes:
    """Return the image as a file of ``format`` (a key of `FORMATS`), with the label in its metadata."""
    buffer = io.BytesIO()
    if format == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", LABEL)
        text.add_text("Comment", LABEL)
        image.save(buffer, "PNG", pnginfo=text, compress_level=3)
    else:
        exif = Image.Exif()
        exif[_DESCRIPTION] = exif[_SOFTWARE] = LABEL
        image.convert("RGB").save(buffer, FORMATS[format], quality=90, method=2, exif=exif.tobytes())
    return buffer.getvalue()


def _decode(data: bytes, *, side: int | None = None) -> Image.Image:
    """Return a caller's image as RGBA, upright, scaled down so that no side exceeds ``side``."""
    with Image.open(io.BytesIO(data), formats=list(FORMATS.values())) as image:
        if side is not None:
            image.thumbnail((side, side))
        return ImageOps.exif_transpose(image).convert("RGBA")


# ---------------------------------------------------------------- operations


def _generate(work: Work) -> Image.Image:
    return draw(work.prompt, work.seed, work.size)


def _reference(work: Work) -> Image.Image:
    """Return the scene tinted with the colours of the references, from left to right."""
    tint = Image.new("RGB", (len(work.references), 2))
    for column, reference in enumerate(work.references):
        colours = _decode(reference, side=64).convert("RGB").resize((1, 2), Image.Resampling.BOX)
        tint.paste(colours, (column, 0))
    light = tint.resize(work.size, Image.Resampling.BICUBIC)
    scene = draw(work.prompt, work.seed, work.size)
    return Image.blend(ImageChops.soft_light(scene, light), light, 0.25)


def _edit(work: Work) -> Image.Image:
    """Return the image with the scene where the mask is white, or blended over all of it without a mask."""
    image = _decode(work.image).convert("RGB")
    mask = None
    if work.mask is not None:
        converted = convert_mask(work.mask, polarity=MaskPolarity.WHITE_IS_EDIT, size=image.size)
        mask = _decode(converted).convert("L")
    if max(image.size) > MAX_SIDE_PIXELS:
        image = ImageOps.contain(image, (MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    scene = draw(work.prompt, work.seed, image.size)
    if mask is None:
        return Image.blend(image, scene, 0.4)
    return Image.composite(scene, image, mask.resize(image.size))


def _upscale(work: Work) -> Image.Image:
    image = _decode(work.image)
    if image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    size = image.width * work.upscale_factor, image.height * work.upscale_factor
    return image.resize(size, Image.Resampling.LANCZOS)


def _recontext(work: Work) -> Image.Image:
    """Return the image, with a shadow, in front of the scene."""
    scene = draw(work.prompt, work.seed, work.size)
    max_size = max(1, round(work.size[0] * 0.6)), max(1, round(work.size[1] * 0.6))
    subject = ImageOps.contain(_decode(work.image, side=MAX_SIDE_PIXELS), max_size)
    rounded, corner = Image.new("L", subject.size), min(subject.size) * 0.08
    box = (0, 0, subject.width - 1, subject.height - 1)
    ImageDraw.Draw(rounded).rounded_rectangle(box, corner, fill=255)
    shape = ImageChops.multiply(subject.getchannel("A"), rounded)
    x, y = (work.size[0] - subject.width) // 2, round((work.size[1] - subject.height) * 0.6)
    blur = max(1, min(work.size) // 40)
    shadow = Image.new("L", work.size)
    shadow.paste(shape, (x, y + blur))
    shadow = shadow.filter(ImageFilter.BoxBlur(blur)).point([round(v * 0.5) for v in range(256)])
    scene.paste((12, 12, 24), (0, 0), shadow)
    scene.paste(subject.convert("RGB"), (x, y), shape)
    return scene


def _segment(work: Work) -> Image.Image:
    """Return white where the image differs from its border, black elsewhere."""
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


_PERFORMERS: Mapping[Operation, Callable[[Work], Image.Image]] = MappingProxyType(
    {
        Operation.GENERATE: _generate,
        Operation.REFERENCE: _reference,
        Operation.EDIT: _edit,
        Operation.UPSCALE: _upscale,
        Operation.RECONTEXT: _recontext,
        Operation.SEGMENT: _segment,
    }
)


# ---------------------------------------------------------------- scenes

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "night": ("夜", "晚", "星", "月", "宇宙", "night", "dark", "star", "starry", "moon", "space"),
        "mountain": ("山", "峰", "雪", "mountain", "peak", "snow"),
        "sea": ("海", "湖", "江", "河", "sea", "seaside", "ocean", "lake", "river", "water"),
        "cat": ("猫", "貓", "cat", "kitten"),
    }
)
"""What a scene can show beside sky and hills, in painting order, and the words that select it."""

_LATIN_WORD = re.compile(r"[a-z]+")
_MAX_SMOOTHED_PIXELS = 600_000
"""Scenes up to this size are painted at twice their size, for smooth edges."""

_MIN_SIDE_PIXELS = 64


def motifs_in(prompt: str) -> tuple[str, ...]:
    """Return the motifs that the words select; a Latin one whole or plural: "delicate" contains no cat."""
    text = prompt.lower()
    latin = frozenset(_LATIN_WORD.findall(text))

    def occurs(word: str) -> bool:
        return not latin.isdisjoint((word, f"{word}s", f"{word}y")) if word.isascii() else word in text

    return tuple(name for name, words in WORDS.items() if any(map(occurs, words)))


def draw(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """Return the RGB scene of ``size`` (width, height) for prompt and seed."""
    random = Random(f"{seed}\n{prompt}")  # noqa: S311 - it has to be reproducible
    factor = 2 if size[0] * size[1] <= _MAX_SMOOTHED_PIXELS else 1
    canvas = _Canvas(max(size[0] * factor, _MIN_SIDE_PIXELS), max(size[1] * factor, _MIN_SIDE_PIXELS))
    motifs = motifs_in(prompt)
    palette = _night(random) if "night" in motifs else _day(random)
    _sky(canvas, palette, random)
    (_moon if "night" in motifs else _sun)(canvas, palette, random)
    if "mountain" in motifs:
        _mountains(canvas, palette, random)
    if "sea" in motifs:
        _sea(canvas, palette, random)
    else:
        _hills(canvas, palette, random, first=0.74 if "mountain" in motifs else 0.52)
    if "cat" in motifs:
        _cat(canvas, palette, random)
    return canvas.image if canvas.image.size == size else canvas.image.resize(size, Image.Resampling.BOX)


Point = tuple[float, float]
Colour = tuple[int, int, int]


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return the colour; ``hue`` in turns, the others 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return ``first`` mixed with that share of ``second``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@attrs.frozen
class _Palette:
    """Sky from zenith to horizon, land from far to near, a light, and a contrasting accent."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    far: Colour
    near: Colour
    light: Colour
    accent: Colour


def _day(random: Random) -> _Palette:
    """Return a sky of neighbouring hues over land in a darker one."""
    hue, warm = random.uniform(0.48, 0.92), random.uniform(0.02, 0.12)
    sky = _hsv(hue, 0.55, 0.78), _hsv(hue + 0.06, 0.38, 0.93), _hsv(warm, 0.30, 1.0)
    land = _hsv(hue + 0.03, 0.34, 0.74), _hsv(hue + random.uniform(-0.12, 0.02), 0.62, 0.26)
    return _Palette(*sky, *land, _hsv(warm + 0.03, 0.18, 1.0), _hsv(warm - 0.05, 0.68, 0.95))


def _night(random: Random) -> _Palette:
    """Return a dark sky over darker land."""
    hue = random.uniform(0.56, 0.76)
    sky = _hsv(hue, 0.75, 0.16), _hsv(hue + 0.02, 0.62, 0.34), _hsv(hue + 0.12, 0.42, 0.62)
    land = _hsv(hue, 0.48, 0.36), _hsv(hue - 0.03, 0.65, 0.10)
    return _Palette(*sky, *land, _hsv(0.14, 0.12, 1.0), _hsv(random.uniform(0.02, 0.12), 0.60, 0.96))


@cache
def _glow_mask() -> Image.Image:
    # Pillow's gradient reaches 255 in the corners; at the middle of an edge it is 181.
    fade = [round(max(0.0, 1 - distance / 178) ** 1.6 * 255) for distance in range(256)]
    return Image.radial_gradient("L").point(fade)


class _Canvas:
    """An RGB canvas; positions are 0 to 1 across and down, lengths are fractions of the shorter side."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height))
        self.unit = min(width, height)
        self._draw = ImageDraw.Draw(self.image)

    def gradient(self, colours: Sequence[Colour], top: float = 0.0) -> None:
        """Fill the canvas below ``top`` from the first colour down to the last."""
        first = round(top * self.image.height)
        strip = Image.new("RGB", (1, len(colours)))
        strip.putdata(list(colours))
        size = self.image.width, self.image.height - first
        self.image.paste(strip.resize(size, Image.Resampling.BICUBIC), (0, first))

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Add light that fades towards ``radius``."""
        size = max(1, round(2 * radius * self.unit))
        mask = _glow_mask().resize((size, size)).point([round(v * strength) for v in range(256)])
        x, y = self._at(centre)
        self.image.paste(colour, (round(x - size / 2), round(y - size / 2)), mask)

    def disc(self, centre: Point, radius: float, colour: Colour, *, squash: float = 1.0) -> None:
        """Draw a circle, or an ellipse ``squash`` times as high as wide."""
        (x, y), across = self._at(centre), radius * self.unit
        down = across * squash
        self._draw.ellipse((x - across, y - down, x + across, y + down), fill=colour)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([self._at(p) for p in points], fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        pixels = max(1, round(width * self.unit))
        self._draw.line([self._at(p) for p in points], fill=colour, width=pixels, joint="curve")

    def offset(self, origin: Point, dx: float, dy: float) -> Point:
        """Return the position at these lengths to the right of and below ``origin``."""
        x = origin[0] + dx * self.unit / self.image.width
        return x, origin[1] + dy * self.unit / self.image.height

    def _at(self, point: Point) -> Point:
        return point[0] * self.image.width, point[1] * self.image.height


def _sky(canvas: _Canvas, palette: _Palette, random: Random) -> None:
    # The sky has no sharp edges: a small one looks the same enlarged, and takes a tenth of the time.
    small = _Canvas(max(1, canvas.image.width // 4), max(1, canvas.image.height // 4))
    small.gradient((palette.zenith, palette.middle, palette.horizon, palette.horizon))
    for _ in range(4):
        place = random.random(), random.uniform(0.1, 0.6)
        colour = _mix(palette.horizon, palette.accent, random.uniform(0.0, 0.5))
        small.glow(place, random.uniform(0.3, 0.6), colour, random.uniform(0.15, 0.4))
    canvas.image.paste(small.image.resize(canvas.image.size, Image.Resampling.BILINEAR))


def _sun(canvas: _Canvas, palette: _Palette, random: Random) -> None:
    centre = random.uniform(0.25, 0.75), random.uniform(0.24, 0.42)
    canvas.glow(centre, 0.62, palette.light, 0.75)
    canvas.disc(centre, 0.105, _mix(palette.light, palette.accent, 0.12))


def _moon(canvas: _Canvas, palette: _Palette, random: Random) -> None:
    for _ in range(90):
        place = random.random(), random.random() ** 1.5 * 0.65
        size = random.choice((0.0012, 0.002, 0.0035))
        canvas.disc(place, size, _mix(palette.middle, palette.light, random.uniform(0.4, 1.0)))
    centre = random.uniform(0.25, 0.75), random.uniform(0.18, 0.32)
    canvas.glow(centre, 0.42, palette.light, 0.4)
    canvas.disc(centre, 0.085, palette.light)
    for dx, dy, size in ((-0.03, -0.02, 0.018), (0.03, 0.015, 0.024), (-0.012, 0.042, 0.012)):
        canvas.disc(canvas.offset(centre, dx, dy), size, _mix(palette.light, palette.middle, 0.22))


def _hills(canvas: _Canvas, palette: _Palette, random: Random, *, first: float) -> None:
    layers = 5
    for layer in range(layers):
        depth = layer / (layers - 1)
        base = first + (0.9 - first) * depth
        waves = [(random.uniform(1.5, 5.0), random.uniform(0.0, math.tau), 0.035 / (n + 1)) for n in range(3)]
        ridge = []
        for x in range(61):
            along = x / 60 * canvas.image.width / canvas.image.height
            ridge.append((x / 60, base + sum(high * math.sin(o * along + start) for o, start, high in waves)))
        canvas.polygon([(0.0, 1.0), *ridge, (1.0, 1.0)], _mix(palette.far, palette.near, depth**1.2))


def _mountains(canvas: _Canvas, palette: _Palette, random: Random) -> None:
    snow_line = ((0.28, -1.0), (0.2, -0.45), (0.27, -0.15), (0.19, 0.2), (0.29, 0.55), (0.24, 1.0))
    for layer, share in enumerate((0.05, 0.4)):
        colour = _mix(palette.far, palette.near, share)
        snow = _mix(palette.light, palette.far, 0.12 + layer * 0.1)
        for position in (0.12, 0.5, 0.88) if layer else (0.3, 0.7, 1.05):
            x, top = position + random.uniform(-0.08, 0.08), random.uniform(0.28, 0.42) + layer * 0.12
            half, foot = random.uniform(0.28, 0.38), 0.86
            shade = _mix(colour, palette.near, 0.25)
            canvas.polygon([(x - half, foot), (x, top), (x + half, foot)], colour)
            canvas.polygon([(x, top), (x + half, foot), (x + half * 0.12, foot)], shade)
            edge = [(x + half * side * down, top + (foot - top) * down) for down, side in snow_line]
            canvas.polygon([(x, top), *edge], snow)


def _sea(canvas: _Canvas, palette: _Palette, random: Random) -> None:
    shallow, deep = _mix(palette.horizon, palette.zenith, 0.45), _mix(palette.zenith, palette.near, 0.55)
    canvas.gradient((shallow, _mix(shallow, deep, 0.6), deep), 0.66)
    for _ in range(70):
        down = random.random()
        x, y, length = random.random(), 0.67 + 0.32 * down, 0.02 + 0.09 * down * random.random()
        colour = _mix(_mix(shallow, deep, down), palette.light, random.uniform(0.15, 0.5))
        canvas.line([(x - length, y), (x + length, y)], 0.002 + 0.003 * down, colour)


def _cat(canvas: _Canvas, palette: _Palette, random: Random) -> None:
    foot, s = (random.uniform(0.38, 0.62), 0.93), 0.3
    black = _mix(palette.near, (20, 18, 24), 0.4)
    fur = random.choice((black, _hsv(0.075, 0.62, 0.88), _hsv(0.09, 0.14, 0.94)))
    shade, skin = _mix(fur, palette.near, 0.3), _hsv(0.97, 0.4, 0.88)

    def at(origin: Point, *points: Point) -> list[Point]:
        return [canvas.offset(origin, x * s, y * s) for x, y in points]

    tail = at(foot, (0.3, -0.08), (0.75, -0.12), (0.88, -0.5), (0.72, -0.82))
    canvas.line(tail, 0.17 * s, shade)
    canvas.disc(tail[-1], 0.085 * s, shade)
    body, head = at(foot, (0, -0.38), (0, -1.02))
    canvas.disc(body, 0.44 * s, fur, squash=1.05)
    for side in (-1, 1):
        canvas.polygon(at(head, (side * 0.37, -0.12), (side * 0.34, -0.62), (side * 0.04, -0.3)), fur)
        canvas.polygon(at(head, (side * 0.31, -0.2), (side * 0.31, -0.5), (side * 0.12, -0.3)), skin)
    canvas.disc(head, 0.4 * s, fur, squash=0.86)
    for side in (-1, 1):
        (eye,), (paw,) = at(head, (side * 0.16, -0.03)), at(foot, (side * 0.17, -0.03))
        canvas.disc(eye, 0.075 * s, _hsv(0.2, 0.45, 0.95), squash=1.15)
        canvas.disc(eye, 0.032 * s, (20, 20, 26), squash=1.9)
        canvas.disc(paw, 0.13 * s, shade, squash=0.6)
        for droop in (0.1, 0.16):
            whisker = at(head, (side * 0.12, droop), (side * 0.5, droop * 2 - 0.12))
            canvas.line(whisker, 0.012 * s, _mix(fur, palette.light, 0.6))
    canvas.polygon(at(head, (-0.045, 0.07), (0.045, 0.07), (0.0, 0.125)), skin)
