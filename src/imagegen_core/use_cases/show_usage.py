"""Show what was used in a time, and what it cost."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

import attrs

from imagegen_core.costs.usage import QUARTER_SECONDS, Usage, UsageGrouping, quarter_of, total_usage
from imagegen_core.ports.usage_ledger import UsageLedger


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
            return total_usage((await self.ledger.by_provider(first, last)).items())
        if grouping is UsageGrouping.MODEL:
            return total_usage((await self.ledger.by_model(first, last)).items())
        quarters = await self.ledger.by_quarter(first, last)
        return total_usage((_day(quarter, zone), usage) for quarter, usage in quarters.items())


def _day(quarter: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(quarter * QUARTER_SECONDS, zone).date().isoformat()
