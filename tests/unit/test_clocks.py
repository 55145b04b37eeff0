"""The clocks."""

from datetime import UTC, datetime

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.clocks.system import SystemClock
from tests.contracts.clock import ClockContract

pytestmark = pytest.mark.anyio


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self):
        return SystemClock()

    @pytest.fixture
    def time_reader(self):
        return lambda: datetime.now(UTC)


class TestManualClock(ClockContract):
    @pytest.fixture
    def clock(self):
        return ManualClock()


async def test_manual_clock_stands_still():
    """The manual clock moves only when it is advanced or slept on."""
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    clock.advance(1.5)
    await clock.sleep(2)

    assert datetime(2026, 5, 1, 0, 0, 3, 500_000, tzinfo=UTC) == clock.now()
    assert 3.5 == clock.monotonic()


def test_setting_the_wall_clock_back():
    """Setting the wall clock back does not affect the monotonic one."""
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    clock.set(datetime(2025, 1, 1, tzinfo=UTC))

    assert (datetime(2025, 1, 1, tzinfo=UTC), 0) == (clock.now(), clock.monotonic())
