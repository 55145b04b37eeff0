"""Aspect ratios, for providers that take a ratio instead of pixels."""

import math
from collections.abc import Sequence


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str | None:
    """Return the ratio (``"16:9"``) nearest to ``width:height`` on a log scale; None if there are none."""
    target = math.log(width / height)
    return min(ratios, key=lambda ratio: abs(math.log(quotient(ratio)) - target), default=None)


def quotient(ratio: str) -> float:
    """Return the value of a ratio of whole numbers, width by height."""
    width, height = ratio.split(":")
    return int(width) / int(height)
