"""The clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from imagegen_adapters.clocks.manual import ManualClock
from imagegen_adapters.clocks.system import SystemClock

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SystemClock, ManualClock])
def clock(request):
    return request.param()


def test_now_is_utc_in_milliseconds(clock):
    """The time is aware, UTC and whole milliseconds."""
    now = clock.now()

    assert (timedelta(0), 0) == (now.utcoffset(), now.microsecond % 1000)


async def test_sleeping_takes_time(clock):
    """After sleeping the monotonic clock is at least that much further."""
    before = clock.monotonic()
    await clock.sleep(0.001)

    assert clock.monotonic() - before >= 0.001


async def test_manual_clock_stands_still():
    """The manual clock moves only when it is moved or slept on."""
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    clock.advance(1.5)
    await clock.sleep(2)

    assert datetime(2026, 5, 1, 0, 0, 3, 500_000, tzinfo=UTC) == clock.now()
    assert 3.5 == clock.monotonic()


def test_setting_the_wall_clock_back():
    """When the wall clock is set back, the monotonic one does not notice."""
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    clock.set(datetime(2025, 1, 1, tzinfo=UTC))

    assert (datetime(2025, 1, 1, tzinfo=UTC), 0) == (clock.now(), clock.monotonic())
