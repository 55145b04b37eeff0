"""Show what was used in a time, and what it cost."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

import attrs

from imagegen_core.costs import Usage, UsageGrouping
from imagegen_core.ports.usage_ledger import UsageLedger
from imagegen_core.values import QUARTER_SECONDS, CalendarDays, quarter_of


@attrs.frozen(kw_only=True)
class ShowUsage:
    """Adds up the tasks that ended in a time."""

    ledger: UsageLedger

    async def __call__(
        self,
        *,
        grouping: UsageGrouping,
        since: datetime | None = None,
        until: datetime | None = None,
        zone: tzinfo = UTC,
    ) -> Mapping[str, Usage]:
        """Return the totals of each key, in their order: days as ``2026-11-24``, providers, or models.

        Args:
            grouping: what a key is.
            since: the first moment; all of its quarter of an hour counts.
            until: the moment before which it ends; all of the quarter of an hour that it is in counts.
            zone: the time zone whose days these are.
        """
        first = None if since is None else quarter_of(since)
        last = None if until is None else -(-int(until.timestamp()) // QUARTER_SECONDS) - 1
        if grouping is UsageGrouping.PROVIDER:
            return _sorted(await self.ledger.by_provider(first, last))
        if grouping is UsageGrouping.MODEL:
            return _sorted(await self.ledger.by_model(first, last))
        return await self._by_day(first, last, zone)

    async def _by_day(self, first: int | None, last: int | None, zone: tzinfo) -> dict[str, Usage]:
        span = await self.ledger.span()
        if span is None:
            return {}
        first = span[0] if first is None else max(first, span[0])
        last = span[1] if last is None else min(last, span[1])
        calendar = CalendarDays.between(first, last, zone)
        if not calendar.days:
            return {}
        usages = zip(calendar.days, await self.ledger.by_interval(calendar.bounds), strict=True)
        return {day.isoformat(): usage for day, usage in usages if usage.tasks}


def _sorted(usages: Mapping[str, Usage]) -> dict[str, Usage]:
    return dict(sorted(usages.items()))
