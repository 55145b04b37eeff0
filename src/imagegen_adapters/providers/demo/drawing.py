"""Draws a scene from a prompt and a seed: the same scene for the same two, on any machine."""

import math
from random import Random

from PIL import Image

from imagegen_adapters.providers.demo.canvas import Canvas
from imagegen_adapters.providers.demo.motifs import PAINTERS, motifs_in
from imagegen_adapters.providers.demo.palette import Palette, mix

_MAX_SMOOTHED_PIXELS = 600_000
"""Scenes up to this size are painted at twice their size, for smooth edges."""

_MIN_SIDE_PIXELS = 64
_DARK = frozenset({"night", "star", "moon"})
_SKY_MOTIFS = frozenset({"star", "moon", "sun", "cloud", "rainbow", "bird"})
_INSTEAD_OF_HILLS = frozenset({"sea", "city"})


def draw(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """Return the RGB scene of ``size`` (width, height) for prompt and seed."""
    random = Random(f"{seed}\n{prompt}")  # noqa: S311 - it has to be reproducible
    canvas = Canvas(*_painting_size(size))
    motifs = motifs_in(prompt)
    dark = "sun" not in motifs and not _DARK.isdisjoint(motifs)
    palette = Palette.by_night(random) if dark else Palette.by_day(random)
    _sky(canvas, palette, random)
    _paint(canvas, palette, random, _sky_motifs(motifs, dark=dark))
    if "mountain" in motifs:
        PAINTERS["mountain"](canvas, palette, random)
    if _INSTEAD_OF_HILLS.isdisjoint(motifs):
        _hills(canvas, palette, random, first=0.74 if "mountain" in motifs else 0.52)
    _paint(canvas, palette, random, tuple(m for m in motifs if m not in {*_SKY_MOTIFS, "mountain", "night"}))
    return canvas.image if canvas.image.size == size else canvas.image.resize(size, Image.Resampling.BOX)


def _painting_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = 2 if size[0] * size[1] <= _MAX_SMOOTHED_PIXELS else 1
    return max(size[0] * factor, _MIN_SIDE_PIXELS), max(size[1] * factor, _MIN_SIDE_PIXELS)


def _sky_motifs(motifs: tuple[str, ...], *, dark: bool) -> tuple[str, ...]:
    """Return the motifs in the sky: always a sun or a moon, and stars by night."""
    lights = {"star", "moon"} if dark else {"sun"}
    return tuple(m for m in PAINTERS if m in _SKY_MOTIFS and m in {*motifs, *lights})


def _paint(canvas: Canvas, palette: Palette, random: Random, motifs: tuple[str, ...]) -> None:
    for name in motifs:
        PAINTERS[name](canvas, palette, random)


def _sky(canvas: Canvas, palette: Palette, random: Random) -> None:
    # The sky has no sharp edges: a small one looks the same enlarged, and takes a tenth of the time.
    small = Canvas(max(1, canvas.image.width // 4), max(1, canvas.image.height // 4))
    small.gradient((palette.zenith, palette.middle, palette.horizon, palette.horizon))
    for _ in range(4):
        place = random.random(), random.uniform(0.1, 0.6)
        colour = mix(palette.horizon, palette.accent, random.uniform(0.0, 0.5))
        small.glow(place, random.uniform(0.3, 0.6), colour, random.uniform(0.15, 0.4))
    canvas.cover(small.image)


def _hills(canvas: Canvas, palette: Palette, random: Random, *, first: float) -> None:
    layers = 5
    for layer in range(layers):
        depth = layer / (layers - 1)
        base = first + (0.9 - first) * depth
        waves = [(random.uniform(1.5, 5.0), random.uniform(0.0, math.tau), 0.035 / (n + 1)) for n in range(3)]
        ridge = [
            (
                x / 60,
                base
                + sum(
                    high * math.sin(often * x / 60 * canvas.aspect + start) for often, start, high in waves
                ),
            )
            for x in range(61)
        ]
        canvas.polygon([(0.0, 1.0), *ridge, (1.0, 1.0)], mix(palette.far, palette.near, depth**1.2))
