"""How long a vendor asks us to wait, in a header."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def seconds_of(value: str | None, now: datetime | None) -> float | None:
    """Return the seconds of ``Retry-After``: a number, or a date of which ``now`` is taken away.

    None for anything else, and for a date when the present is not known.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = date_of(text)
    return max(0.0, (until - now).total_seconds()) if until and now else None


def date_of(value: str) -> datetime | None:
    """Return a header's date, None for anything else; one without a zone is UTC."""
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
