"""The sizes of a model, and how its provider expects them."""

from collections.abc import Mapping
from enum import StrEnum

import attrs

from imagegen_core.limits import MAX_SIDE_PIXELS


class SizeKind(StrEnum):
    """How a model expects the size."""

    WXH = "wxh"
    ASPECT_RATIO = "aspect_ratio"
    ENUM = "enum"
    TIER = "tier"
    FIXED = "fixed"


@attrs.frozen(kw_only=True)
class SizeSpec:
    """The sizes of a model; lengths are pixels, ``min_pixels`` and ``max_pixels`` areas.

    ``ratios`` are the shapes of a model whose ``values`` are tiers.
    """

    kind: SizeKind = SizeKind.WXH
    separator: str = "x"
    multiple_of: int = 1
    min: int = 1
    max: int = MAX_SIDE_PIXELS
    min_pixels: int = 1
    max_pixels: int = MAX_SIDE_PIXELS * MAX_SIDE_PIXELS
    ratio: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    map: Mapping[str, str] = attrs.field(factory=dict)
    default: str | None = None
