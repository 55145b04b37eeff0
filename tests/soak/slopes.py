"""How fast a series grows, and how certain that is."""

import itertools
import math
import statistics

import attrs

HOUR = 3600
SURE = 2
"""A difference from the limit of this many standard errors is not noise."""


@attrs.frozen(kw_only=True)
class Slope:
    """A least-squares line: its growth per hour, the standard error of that, and the fitted points."""

    per_hour: float
    noise: float
    seconds: float
    points: int

    def exceeds(self, limit):
        """Return whether it grows faster than ``limit`` per hour by more than the noise explains."""
        return self.per_hour - SURE * self.noise > limit


def slope(points):
    """Return the slope of (second, value) points, or None if there are too few.

    Successive samples of a process are correlated, so the standard error is based on the effective number of
    independent points: n · (1 - r) / (1 + r), with r the correlation of neighbouring residuals. [Bayley and
    Hammersley, 1946, for a first-order autoregression]
    """
    if len(points) < 3 or points[-1][0] == points[0][0]:
        return None
    times, values = zip(*points, strict=True)
    line = statistics.linear_regression(times, values)
    residuals = [value - line.slope * at - line.intercept for at, value in points]
    squares = math.fsum(residual**2 for residual in residuals)
    spread = math.fsum((at - statistics.fmean(times)) ** 2 for at in times)
    free = max(1.0, _independent(residuals, squares) - 2)
    return Slope(
        per_hour=line.slope * HOUR,
        noise=math.sqrt(squares / free / spread) * HOUR,
        seconds=times[-1] - times[0],
        points=len(points),
    )


def _independent(residuals, squares):
    """Return the effective number of independent points."""
    if squares == 0:
        return len(residuals)
    neighbours = math.fsum(a * b for a, b in itertools.pairwise(residuals)) / squares
    correlation = min(max(neighbours, 0.0), 0.99)
    return len(residuals) * (1 - correlation) / (1 + correlation)
