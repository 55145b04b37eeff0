"""What an examination finds."""

from enum import StrEnum

import attrs


class Health(StrEnum):
    """``fail`` is what loses images or keys, ``warn`` what somebody should look at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen
class Check:
    """One thing that was looked at, and a sentence about it, without a key or a full path."""

    name: str
    health: Health
    message: str


def ok(name: str, message: str) -> Check:
    """Return that something is as it should be."""
    return Check(name, Health.OK, message)


def warn(name: str, message: str) -> Check:
    """Return that somebody should look at something."""
    return Check(name, Health.WARN, message)


def fail(name: str, message: str) -> Check:
    """Return that something is lost or will be."""
    return Check(name, Health.FAIL, message)
