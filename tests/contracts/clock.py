"""A clock that tests move."""

import asyncio
from datetime import UTC, datetime, timedelta

from imagegen_core.ports.tools import Clock

_START = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock(Clock):
    """A clock for tests: stands still until it is advanced; `sleep` advances it and returns at once."""

    def __init__(self, now: datetime = _START) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now.replace(microsecond=self._now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set(self, now: datetime) -> None:
        """Set the wall clock, possibly back; the monotonic clock is unaffected."""
        self._now = now
