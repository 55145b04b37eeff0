"""The contract of a clock, as tests to subclass.

A subclass provides the fixture ``clock``, and may provide ``time_reader``, which bypasses the clock::

    class TestMyClock(ClockContract):
        @pytest.fixture
        def clock(self):
            return MyClock()
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from imagegen_core.ports.clock import Clock

TimeReader = Callable[[], datetime]


class ClockContract:
    """Wall-clock time in UTC, and a monotonic clock."""

    @pytest.fixture
    def clock(self) -> Clock:
        """Return the clock under test."""
        raise NotImplementedError

    @pytest.fixture
    def time_reader(self) -> TimeReader | None:
        """Return a function that reads the wall-clock time without the clock, or None if there is none."""
        return None

    def test_now_is_utc_in_milliseconds(self, clock: Clock) -> None:
        """The time is aware, UTC and whole milliseconds."""
        now = clock.now()

        assert (timedelta(0), 0) == (now.utcoffset(), now.microsecond % 1000)

    def test_now_is_cut_and_not_rounded(self, clock: Clock, time_reader: TimeReader | None) -> None:
        """It is less than a millisecond behind the reference time, and never ahead of it."""
        if time_reader is None:
            return
        before, now, after = time_reader(), clock.now(), time_reader()

        assert before - timedelta(milliseconds=1) < now <= after

    def test_monotonic_never_goes_back(self, clock: Clock) -> None:
        """Later readings are never smaller."""
        readings = [clock.monotonic() for _ in range(100)]

        assert sorted(readings) == readings

    async def test_sleeping_takes_its_time(self, clock: Clock) -> None:
        """After sleeping, the monotonic clock has advanced by at least that time."""
        before = clock.monotonic()
        await clock.sleep(0.001)

        assert clock.monotonic() - before >= 0.001

    @pytest.mark.parametrize("seconds", [0, -1])
    async def test_a_time_that_is_over_is_not_waited_for(self, clock: Clock, seconds: float) -> None:
        """A sleep of zero or less returns at once, and no clock goes back."""
        before = clock.monotonic()
        async with asyncio.timeout(60):
            await clock.sleep(seconds)

        assert clock.monotonic() >= before

    async def test_others_run_while_one_sleeps(self, clock: Clock) -> None:
        """A sleep yields to the event loop."""
        ready = asyncio.Event()
        asyncio.get_running_loop().call_soon(ready.set)

        await clock.sleep(0.001)

        assert ready.is_set()

    async def test_a_sleeper_can_be_cancelled(self, clock: Clock) -> None:
        """A sleep that is no longer needed can be cancelled."""
        sleeping = asyncio.create_task(clock.sleep(3600))
        await asyncio.sleep(0)  # it begins
        sleeping.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sleeping
