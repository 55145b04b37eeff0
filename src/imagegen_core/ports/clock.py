"""Time, from outside."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time to show and to schedule by, and a clock that only goes forward for deadlines."""

    def now(self) -> datetime:
        """Return the UTC time, aware, cut to milliseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds from some fixed point; never goes back when the wall clock is set."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...
