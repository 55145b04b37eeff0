"""Times and time zones in queries."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import ProblemCode

_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):(00|15|30|45)")
_MAX_ZONE_CHARS = 64
MOMENT_WORDS = {
    "pattern": r"^(?!0000)[0-9]{4}-?((0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])|W[0-5][0-9](-?[1-7])?)"
    r"([T ]([01][0-9]|2[0-3])(:?[0-5][0-9](:?[0-5][0-9]([.,][0-9]+)?)?)?"
    r"(Z|[ +-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$"
}
"""What JSON Schema says of a date or time."""

_EARLIEST, _LATEST = datetime(MINYEAR, 1, 2, tzinfo=UTC), datetime(MAXYEAR, 12, 31, tzinfo=UTC)


def parse_moment(field: str, text: str | None, *, end_of_day: bool, zone: tzinfo = UTC) -> datetime | None:
    """Return a date or time in UTC; for ``to``, a date without a time means the end of that day.

    Without an offset it is one of the time zone.

    Raises:
        ValidationFailed: it is neither.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_TIME()) from error
    is_date = len(text) <= len("2026-01-01")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        if end_of_day and is_date:
            moment += timedelta(days=1)
        return moment.astimezone(UTC)
    except OverflowError as error:
        if is_date:  # the first or the last day that there is
            return _EARLIEST if moment.year == MINYEAR else _LATEST
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_TIME()) from error


def parse_zone(field: str, text: str) -> tzinfo:
    """Return a time zone by its name or by its offset from UTC.

    Raises:
        ValidationFailed: this machine knows none of that name.
    """
    offset = _OFFSET.fullmatch(text.replace(" ", "+"))  # a plus sign in a query means a space
    if offset is not None:
        delta = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(delta if offset[1] == "+" else -delta)
    if text.upper() in ("UTC", "Z"):
        return UTC
    try:
        if len(text) <= _MAX_ZONE_CHARS:
            return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        pass
    raise ValidationFailed.for_field(field, ProblemCode.NOT_A_TIME_ZONE())
