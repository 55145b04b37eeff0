"""Which lists are counted by quarters of an hour already, and how counts of quarters make up intervals."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import attrs

from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.ports.image_timeline import ImageList
from imagegen_core.values import QUARTER_SECONDS, quarter_of

MIN_BOUNDS = 2
"""Fewer of them have no interval between them."""

_ANY = ImageFilter()


def counted_bounds(bounds: Sequence[int], images: ImageList) -> list[int] | None:
    """Return the bounds, none of them outside the list's times; None if its images are not counted.

    Counted are those of each quarter, provider, model and operation.
    """
    criteria = images.criteria
    others = attrs.evolve(
        criteria, provider_name=None, model_id=None, operation=None, created_from=None, created_to=None
    )
    times = (criteria.created_from, criteria.created_to)
    if images.query is not None or others != _ANY or not all(map(_begins_a_quarter, times)):
        return None
    low = bounds[0] if criteria.created_from is None else quarter_of(criteria.created_from)
    high = bounds[-1] if criteria.created_to is None else quarter_of(criteria.created_to)
    return [max(low, min(bound, high)) for bound in bounds]


def all_but_favourites(bounds: Sequence[int], images: ImageList) -> tuple[ImageList, ImageList] | None:
    """Return a list that is counted, and the favourites in it, if the others are what is asked for."""
    if images.criteria.favourite is not False:
        return None
    every, favourites = (
        attrs.evolve(images, criteria=attrs.evolve(images.criteria, favourite=favourite))
        for favourite in (None, True)
    )
    return None if counted_bounds(bounds, every) is None else (every, favourites)


def difference(every: Sequence[int], some: Sequence[int]) -> tuple[int, ...]:
    """Return how many are not among some; these may have been counted a moment later."""
    return tuple(max(0, all_of - part) for all_of, part in zip(every, some, strict=True))


def within(bounds: Sequence[int], criteria: ImageFilter) -> ImageFilter:
    """Return the criteria with times between the first and the last bound."""
    first, last = _moment(bounds[0]), _moment(bounds[-1])
    return attrs.evolve(
        criteria,
        created_from=max(first, criteria.created_from or first),
        created_to=min(last, criteria.created_to or last),
    )


def sums(counts: Iterable[tuple[int, int]], bounds: Sequence[int]) -> tuple[int, ...]:
    """Return the sums of the ``(quarter, count)`` pairs that are between each bound and the next."""
    totals = [0] * (len(bounds) + 1)
    for quarter, number in counts:
        totals[bisect_right(bounds, quarter)] += number
    return tuple(totals[1:-1])


def _begins_a_quarter(moment: datetime | None) -> bool:
    return moment is None or moment == _moment(quarter_of(moment))


def _moment(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC)
