"""What `./run soak` says of growth: the line, how sure it is, and when that is too fast."""

import random

import attrs
import pytest

from tests.soak.samples import JUDGED_SECONDS, Sample, too_fast, without_warm_up
from tests.soak.slopes import Slope, slope

EVERY = 5
NOTHING = dict.fromkeys(attrs.fields_dict(Sample), 0)


def drifting(per_hour, *, noise=0.0, likeness=0.0, number=300):
    """Return points that grow so fast, each noise being as much like the one before."""
    chance, off, points = random.Random(1), 0.0, []
    for at in range(number):
        off = likeness * off + chance.gauss(0, noise)
        points.append((at * EVERY, 100 + per_hour * at * EVERY / 3600 + off))
    return points


def test_steady_growth_has_its_slope_and_no_noise():
    """Growth is told in an hour, points are told in seconds."""
    line = slope(drifting(30))

    assert (30, 0) == pytest.approx((line.per_hour, line.noise), abs=1e-6)
    assert (299 * EVERY, 300) == (line.seconds, line.points)


def test_what_does_not_change_has_no_slope():
    """A series of equal values is no division by nothing."""
    line = slope([(at, 7) for at in range(10)])

    assert (0, 0) == (line.per_hour, line.noise)


@pytest.mark.parametrize("points", [[], [(0, 1)], [(0, 1), (5, 2)], [(5, 1), (5, 2), (5, 3)]], ids=len)
def test_too_few_points_tell_nothing(points):
    """Two points are always on a line, and one moment has no direction."""
    assert slope(points) is None


def test_neighbours_that_are_alike_make_it_less_sure():
    """What wanders slowly looks like growth: its error must say so."""
    independent, wandering = slope(drifting(0, noise=1)), slope(drifting(0, noise=1, likeness=0.9))

    assert wandering.noise > 5 * independent.noise
    assert abs(wandering.per_hour) < 3 * wandering.noise


def test_growth_above_the_limit_is_found():
    """30 MB an hour in the noise of a megabyte is seen in 25 minutes."""
    assert slope(drifting(30, noise=1)).exceeds(20)


@pytest.mark.parametrize("line", [drifting(19, noise=1), drifting(0, noise=1, likeness=0.9), drifting(-50)])
def test_noise_and_shrinking_are_not_growth(line):
    """Neither a slope under the limit, nor one that its noise explains, breaks a run."""
    assert not slope(line).exceeds(20)


def test_a_slope_exceeds_its_limit_by_two_errors():
    """Just beyond is broken, just within is not."""
    beyond, within = (Slope(per_hour=rate, noise=5, seconds=1500, points=300) for rate in (30.1, 29.9))

    assert (True, False) == (beyond.exceeds(20), within.exceeds(20))


def life(seconds, **growing):
    """Return the samples of one life; each field grows so fast an hour."""
    return [
        Sample(**{**NOTHING, "at": at, **{name: rate * at / 3600 for name, rate in growing.items()}})
        for at in range(0, seconds + 1, EVERY)
    ]


def test_a_series_that_grows_is_named():
    """Memory that SQLite does not hold may not grow; what it holds may."""
    assert ["resident memory without them: +30.0 ± 0.0 MB an hour, more than 20"] == too_fast(
        life(1500, own=30, main=90, sqlite=60)
    )


def test_page_caches_have_a_bound():
    """Beyond it, SQLite holds what it should have let go."""
    (sentence,) = too_fast(life(3600, sqlite=111))

    assert "SQLite's page caches: 111.0 MB, more than 110" == sentence


def test_a_short_life_is_not_judged():
    """What fills once looks, in little time, like what grows for ever."""
    assert [] == too_fast(life(JUDGED_SECONDS - EVERY, own=300))
    assert [] != too_fast(life(JUDGED_SECONDS, own=300))


@pytest.mark.parametrize(("seconds", "first"), [(1000, 250), (7200, 600)], ids=["a quarter", "ten minutes"])
def test_the_warm_up_is_left_out(seconds, first):
    """A quarter of a life, ten minutes at most."""
    judged = without_warm_up(life(seconds))

    assert (first, seconds) == (judged[0].at, judged[-1].at)


def test_no_life_has_no_samples():
    """A service that never answered is not judged."""
    assert ([], []) == (without_warm_up([]), too_fast([]))
