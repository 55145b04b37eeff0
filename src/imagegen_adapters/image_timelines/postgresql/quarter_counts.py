"""Quarters of an hour of lists in PostgreSQL, remembered for each bucket of ids."""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate, pairwise

import attrs

from imagegen_adapters.image_records.postgresql.windows import NEWEST, BucketChanges, Windows
from imagegen_adapters.stores.postgresql.database import Connection

_MAX_QUARTERS = 500_000
"""Of all lists together, in 8 MB; those that were asked for least recently are forgotten."""

_MAX_CACHED_CHARS = 500
"""Longer queries are not cached, to save memory."""

_BUCKETS_PER_CALL = 4
"""What one call has counted is remembered, even if the time is over before the next."""


@attrs.frozen
class _Quarters:
    """The quarters of a bucket after such changes, and how many images there are before each, and in all."""

    changes: BucketChanges
    quarters: "array[int]"
    totals: "array[int]"

    def before(self, quarter: int) -> int:
        """Return how many images were made before a quarter."""
        return self.totals[bisect_left(self.quarters, quarter)]


class QuarterCounts:
    """Counts the images that windows select by intervals; a bucket is counted again only when it changed."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Windows, dict[int, _Quarters]] = OrderedDict()

    async def by_interval(
        self, connection: Connection, windows: Windows, bounds: Sequence[int]
    ) -> tuple[int, ...]:
        """Return how many images there are from each of the quarters to before the next, in the snapshot."""
        key = attrs.evolve(windows, oldest=0, newest=NEWEST)
        changes = await windows.changes(connection)
        earlier = self._lists.get(key, {})
        current = {bucket: one for bucket, one in earlier.items() if changes.get(bucket) == one.changes}
        self._store(key, current)
        outdated = [bucket for bucket in changes if bucket not in current]
        for start in range(0, len(outdated), _BUCKETS_PER_CALL):
            some = outdated[start : start + _BUCKETS_PER_CALL]
            for bucket, (quarters, counts) in (await windows.quarters(connection, some)).items():
                totals = array("q", accumulate(counts, initial=0))
                current[bucket] = _Quarters(changes[bucket], array("q", quarters), totals)
            self._store(key, current)
        before = [sum(quarters.before(bound) for quarters in current.values()) for bound in bounds]
        return tuple(after - first for first, after in pairwise(before))

    def _store(self, key: Windows, current: dict[int, _Quarters]) -> None:
        if sum(map(len, key.words)) > _MAX_CACHED_CHARS:
            return
        self._lists[key] = dict(current)
        self._lists.move_to_end(key)
        while sum(map(_size, self._lists.values())) > _MAX_QUARTERS:
            self._lists.popitem(last=False)


def _size(buckets: dict[int, _Quarters]) -> int:
    return sum(len(quarters.totals) for quarters in buckets.values())
