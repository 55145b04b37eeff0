"""Converts pixels to the aspect ratio and the size tier that Google accepts."""

from collections.abc import Sequence

import attrs

from imagegen_adapters.providers.common.images import nearest_ratio
from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.operations import UPSCALE_FACTORS
from imagegen_core.problems import ProblemCode
from imagegen_core.requests import ImageRequest, parse_size

TIERS = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
"""Size tokens (with a capital K), and the side in pixels of a square image of that tier."""


@attrs.frozen(kw_only=True)
class Framing:
    """``aspect_ratio`` and ``image_size`` to request (None: the model chooses), and warnings."""

    aspect_ratio: str | None = None
    image_size: str | None = None
    warnings: tuple[Message, ...] = ()


def framing(request: ImageRequest, *, ratios: Sequence[str], tiers: Sequence[str]) -> Framing:
    """Return what to request: ``aspect_ratio`` and ``image_size`` as given, else the nearest to the pixels.

    The ratio is the nearest one that the model has, the tier the smallest whose side is at least the
    longer side. A model without tiers has a size of its own.

    Raises:
        ValidationFailed: ``size`` is neither ``WxH`` nor one of the model's tiers nor ``auto``.
    """
    params = request.params
    ratio, tier = params.get("aspect_ratio"), params.get("image_size")
    size = params.get("size")
    if size in tiers and tier is None:
        tier = size
    elif size not in (None, "auto", *tiers) and parse_size(size) is None:
        raise ValidationFailed.for_field("params.size", ProblemCode.NOT_A_SIZE(choices=(*tiers, "auto")))
    width, height = request.dimensions or (params.get("width"), params.get("height"))
    if width is None and height is None:
        return Framing(aspect_ratio=ratio, image_size=tier)
    return _nearest(width, height, ratio=ratio, tier=tier, ratios=ratios, tiers=tiers)


def _nearest(
    width: int | None,
    height: int | None,
    *,
    ratio: str | None,
    tier: str | None,
    ratios: Sequence[str],
    tiers: Sequence[str],
) -> Framing:
    if ratio is None and width and height:
        ratio = nearest_ratio(width, height, ratios)
    longer_side = max(width or 0, height or 0)
    if tier is None:
        tier = tier_for(longer_side, tiers)
    is_exact = (
        bool(width and height)
        and _is_ratio(width or 0, height or 0, ratio)
        and TIERS.get(tier or "") == longer_side
    )
    requested = GeminiCode.DIMENSIONS(
        width=width or GeminiCode.ANY_WIDTH(), height=height or GeminiCode.ANY_HEIGHT()
    )
    drawn = " ".join(filter(None, (ratio, tier))) or GeminiCode.MODELS_OWN_SIZE()
    warning = GeminiCode.SIZE_ROUNDED(requested=requested, drawn=drawn)
    return Framing(aspect_ratio=ratio, image_size=tier, warnings=() if is_exact else (warning,))


def upscaled(width: int, height: int, factor: str, *, ratios: Sequence[str], tiers: Sequence[str]) -> Framing:
    """Return the framing of an image ``factor`` (``x2``, ``x4``) times as large, as far as the tiers go."""
    target_side = max(width, height) * UPSCALE_FACTORS[factor]
    tier = tier_for(target_side, tiers)
    warnings: tuple[Message, ...] = ()
    if tier and TIERS[tier] < target_side:
        warnings = (GeminiCode.MAX_TIER(factor=factor, pixels=target_side, tier=tier),)
    return Framing(aspect_ratio=nearest_ratio(width, height, ratios), image_size=tier, warnings=warnings)


def tier_for(side: int, tiers: Sequence[str]) -> str | None:
    """Return the smallest tier of at least ``side`` pixels, else the largest; None if there are none."""
    ascending = sorted(tiers, key=TIERS.__getitem__)
    return next((tier for tier in ascending if TIERS[tier] >= side), ascending[-1] if ascending else None)


def _is_ratio(width: int, height: int, ratio: str | None) -> bool:
    if ratio is None:
        return False
    across, down = ratio.split(":")
    return width * int(down) == height * int(across)
