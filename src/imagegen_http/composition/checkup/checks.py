"""The result of a check."""

from enum import StrEnum

import attrs

from imagegen_core.messages import Message


class Health(StrEnum):
    """``fail``: images or keys are or will be lost; ``warn``: an operator should look at it."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen
class Check:
    """What was checked, and a sentence about it that contains no key."""

    name: str
    health: Health
    message: Message


def ok(name: str, message: Message) -> Check:
    """Return a check that passed."""
    return Check(name, Health.OK, message)


def warn(name: str, message: Message) -> Check:
    """Return a check that an operator should look at."""
    return Check(name, Health.WARN, message)


def fail(name: str, message: Message) -> Check:
    """Return a check that found a loss, or what will lead to one."""
    return Check(name, Health.FAIL, message)
