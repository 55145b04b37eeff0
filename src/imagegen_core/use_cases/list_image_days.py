"""List the days on which images were made."""

from datetime import UTC, date, tzinfo

import attrs

from imagegen_core.ports.image_timeline import ImageList, ImageTimeline
from imagegen_core.values import CalendarDays


@attrs.frozen(kw_only=True)
class ListImageDays:
    """Counts the images of a list by the days of a time zone."""

    timeline: ImageTimeline

    async def __call__(
        self, images: ImageList | None = None, *, zone: tzinfo = UTC
    ) -> tuple[tuple[date, int], ...]:
        """Return each day that has images, and how many, newest first.

        Args:
            images: which are counted, all when left out; of a search those that contain the words.
            zone: the time zone whose days these are.

        Raises:
            Unavailable: counting took too long.
        """
        span = await self.timeline.span()
        if span is None:
            return ()
        calendar = CalendarDays.between(*span, zone)
        counts = await self.timeline.by_interval(calendar.bounds, images or ImageList())
        pairs = [(day, count) for day, count in zip(calendar.days, counts, strict=True) if count]
        return tuple(reversed(pairs))
