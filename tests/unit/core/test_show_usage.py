"""Usage by the days of a time zone, within a time."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import ImageGen
from imagegen_core.costs import UsageGrouping
from tests.contracts.samples import NOW, add_ended

pytestmark = pytest.mark.anyio

SHANGHAI, NEW_YORK = timezone(timedelta(hours=8)), ZoneInfo("America/New_York")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def usage_of(moments, **query):
    """Return the number of tasks of each key, of tasks that ended at these moments."""
    parts = memory_adapters()
    for number, moment in enumerate(moments):
        await add_ended(
            parts.tasks,
            seconds=(utc(moment) - NOW).total_seconds(),
            model_id=f"model-{number % 2}",
        )
    imagegen = ImageGen(parts)
    usages = await imagegen.tasks.usage(**{"grouping": UsageGrouping.DAY, **query})
    return {key: usage.tasks for key, usage in usages.items()}


async def test_days_are_utc_by_default():
    """In their order, without those on which nothing ended."""
    moments = ["2026-11-24T16:00", "2026-11-22T23:59:59", "2026-11-24T15:59:59"]

    assert {"2026-11-22": 1, "2026-11-24": 2} == await usage_of(moments)


async def test_a_day_begins_at_the_midnight_of_its_zone():
    """At four in the afternoon of UTC in Shanghai."""
    moments = ["2026-11-24T16:00", "2026-11-24T15:59:59"]

    assert {"2026-11-24": 1, "2026-11-25": 1} == await usage_of(moments, zone=SHANGHAI)


async def test_a_day_may_have_more_or_less_than_24_hours():
    """Where the clocks are put back, on 2026-11-01, it has 25."""
    moments = ["2026-11-01T04:00", "2026-11-02T04:59:59", "2026-11-02T05:00"]

    assert {"2026-11-01": 2, "2026-11-02": 1} == await usage_of(moments, zone=NEW_YORK)


async def test_a_day_that_a_zone_left_out_has_nothing():
    """Samoa went from the 29th to the 31st of December 2011."""
    moments = ["2011-12-30T09:59:59", "2011-12-30T10:00"]

    expected = {"2011-12-29": 1, "2011-12-31": 1}
    assert expected == await usage_of(moments, zone=ZoneInfo("Pacific/Apia"))


@pytest.mark.parametrize("grouping", UsageGrouping)
@pytest.mark.parametrize(
    ("since", "until", "tasks"),
    [
        (None, None, 4),
        ("2026-11-24T08:15", None, 3),
        ("2026-11-24T08:20", None, 3),
        ("2026-11-24T08:30", "2026-11-24T08:45", 1),
        ("2026-11-24T08:30", "2026-11-24T08:46", 2),
        (None, "2026-11-24T08:15", 1),
        ("2026-11-25T00:00", None, 0),
        (None, "2026-11-24T00:00", 0),
        ("2026-11-24T09:00", "2026-11-24T08:00", 0),
    ],
)
async def test_a_time_takes_whole_quarters_of_an_hour(grouping, since, until, tasks):
    """The first is that of its beginning, the last one that in which it ends."""
    moments = [f"2026-11-24T08:{minute}:00" for minute in ("00", "15", "30", "45")]
    bounds = {"since": since and utc(since), "until": until and utc(until)}

    usages = await usage_of(moments, grouping=grouping, **bounds)
    assert tasks == sum(usages.values())


async def test_without_any_task_there_is_nothing():
    """However it is grouped."""
    assert [{}] * 3 == [await usage_of([], grouping=grouping) for grouping in UsageGrouping]
