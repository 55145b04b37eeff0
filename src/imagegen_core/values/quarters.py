"""Quarters of an hour, by which totals are kept, and the days that they make up in any time zone."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo

import attrs

QUARTER_SECONDS = 900
"""Every time zone's days begin with a quarter of an hour."""


def quarter_of(moment: datetime) -> int:
    """Return the quarter of an hour that a time is in, counted since 1970."""
    return int(moment.timestamp() // QUARTER_SECONDS)


@attrs.frozen(kw_only=True)
class CalendarDays:
    """Days of a time zone in their order, and the quarter with which each begins, followed by the end.

    The first one begins and the last one ends where the time does that they are of.
    """

    days: tuple[date, ...]
    bounds: tuple[int, ...]

    @classmethod
    def between(cls, first: int, last: int, zone: tzinfo) -> "CalendarDays":
        """Return the days from the first quarter to the last one, both included; none if it is earlier."""
        if first > last:
            return cls(days=(), bounds=())
        days = tuple(_days(first, last, zone))
        return cls(days=days, bounds=(first, *(quarter_of(_midnight(d, zone)) for d in days[1:]), last + 1))


def _days(first: int, last: int, zone: tzinfo) -> Iterator[date]:
    """Yield the days from that of the first quarter to that of the last one."""
    day, end = (datetime.fromtimestamp(quarter * QUARTER_SECONDS, zone).date() for quarter in (first, last))
    while day <= end:
        yield day
        day += timedelta(days=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)
