"""The clocks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from imagegen_adapters.system import SystemClock
from tests.contracts.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SystemClock, ManualClock])
def clock(request):
    return request.param()


def test_now_is_utc_in_milliseconds(clock):
    """The time is aware, UTC and whole milliseconds."""
    now = clock.now()

    assert (timedelta(0), 0) == (now.utcoffset(), now.microsecond % 1000)


def test_now_is_cut_and_not_rounded():
    """It is less than a millisecond behind the system's time, and never ahead of it."""
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)

    assert before - timedelta(milliseconds=1) < now <= after


def test_monotonic_never_goes_back(clock):
    """Later readings are never smaller."""
    readings = [clock.monotonic() for _ in range(100)]

    assert sorted(readings) == readings


async def test_sleeping_takes_its_time(clock):
    """After sleeping, the monotonic clock has advanced by at least that time."""
    before = clock.monotonic()
    await clock.sleep(0.001)

    assert clock.monotonic() - before >= 0.001


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_time_that_is_over_is_not_waited_for(clock, seconds):
    """A sleep of zero or less returns at once, and no clock goes back."""
    before = clock.monotonic()
    async with asyncio.timeout(60):
        await clock.sleep(seconds)

    assert clock.monotonic() >= before


async def test_others_run_while_one_sleeps(clock):
    """A sleep yields to the event loop."""
    ready = asyncio.Event()
    asyncio.get_running_loop().call_soon(ready.set)

    await clock.sleep(0.001)

    assert ready.is_set()


async def test_a_sleeper_can_be_cancelled(clock):
    """A sleep that is no longer needed can be cancelled."""
    sleeping = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)  # it begins
    sleeping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sleeping


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
