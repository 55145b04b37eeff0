"""The shape of an image, for providers that take a ratio in the place of pixels."""

import math
from collections.abc import Sequence


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str | None:
    """Return the ratio (``"16:9"``) nearest to ``width:height``, by factor; None when there are none."""
    wanted = math.log(width / height)
    return min(ratios, key=lambda ratio: abs(math.log(quotient(ratio)) - wanted), default=None)


def quotient(ratio: str) -> float:
    """Return width by height of a ratio of whole numbers."""
    width, height = ratio.split(":")
    return int(width) / int(height)
