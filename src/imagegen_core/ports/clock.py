"""The source of time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time for display and scheduling, and a monotonic clock for deadlines."""

    def now(self) -> datetime:
        """Return the aware UTC time, truncated to milliseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed point; setting the wall clock does not affect it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...
