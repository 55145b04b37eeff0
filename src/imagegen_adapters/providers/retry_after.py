"""Parses the wait that a provider asks for, from a header or its message. Malformed text gives None."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 1_000_000_000.0
"""About thirty years: finite, so that callers can compute with it; they cap it to what they honour."""

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_MAX_DATE_CHARS = 100


def parse_retry_after(value: str | None, now: datetime | None) -> float | None:
    """Return the seconds of ``Retry-After``: a number, or a date minus ``now``.

    None for anything else, and for a date if ``now`` is unknown. Never negative, never more than
    `MAX_RETRY_AFTER_SECONDS`.
    """
    text = (value or "").strip()
    if (number := parse_seconds(text)) is not None:
        return number
    date = parse_http_date(text)
    return min(MAX_RETRY_AFTER_SECONDS, max(0.0, (date - now).total_seconds())) if date and now else None


def parse_seconds(text: str) -> float | None:
    """Return plain seconds, None for anything else: a sign, an exponent, more than nine digits."""
    return float(text) if _SECONDS.fullmatch(text) else None


def parse_http_date(value: str) -> datetime | None:
    """Return a header's date in UTC, None for anything else; a date without a zone counts as UTC."""
    if len(value) > _MAX_DATE_CHARS:
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (
        ValueError,
        TypeError,
        OverflowError,
        IndexError,
    ):  # such as a zone of a hundred hours, or the year 0
        return None
