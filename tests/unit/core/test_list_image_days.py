"""Images by the days of a time zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.services.gallery import Images
from tests.contracts.samples import add_image

pytestmark = pytest.mark.anyio

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


async def days_of(*moments, images=None, **query):
    """Return the days of images that were made at these moments of UTC."""
    parts = memory_adapters()
    for moment in moments:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        await add_image(parts.tasks, created_at=at)
    return await Images(parts=parts, on_change=lambda: None).days(images, **query)


async def test_without_images_there_are_no_days():
    """Nor is there a first one to begin with."""
    assert () == await days_of()


async def test_days_are_newest_first_without_empty_ones():
    """Those of UTC, by default."""
    days = await days_of("2026-11-22T23:59:59", "2026-11-24T15:59:59", "2026-11-24T16:00")

    assert ((date(2026, 11, 24), 2), (date(2026, 11, 22), 1)) == days


async def test_a_day_begins_at_the_midnight_of_its_zone():
    """At four in the afternoon of UTC in Shanghai."""
    days = await days_of("2026-11-24T15:59:59", "2026-11-24T16:00", zone=SHANGHAI)

    assert ((date(2026, 11, 25), 1), (date(2026, 11, 24), 1)) == days


async def test_a_day_may_have_25_hours():
    """Where the clocks are put back, on 2026-11-01."""
    days = await days_of("2026-11-01T04:00", "2026-11-02T04:59:59", "2026-11-02T05:00", zone=NEW_YORK)

    assert ((date(2026, 11, 2), 1), (date(2026, 11, 1), 2)) == days


async def test_only_images_of_the_list_count():
    """A day on which only others were made is left out."""
    criteria = ImageFilter(created_from=datetime(2026, 11, 24, tzinfo=UTC))
    days = await days_of("2026-11-22T08:00", "2026-11-24T08:00", images=ImageList(criteria=criteria))

    assert ((date(2026, 11, 24), 1),) == days
