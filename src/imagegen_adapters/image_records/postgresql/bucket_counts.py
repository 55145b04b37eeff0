"""Totals of searches in PostgreSQL, remembered for each bucket of ids."""

from collections import OrderedDict

import attrs

from imagegen_adapters.image_records.postgresql.windows import NEWEST, BucketChanges, Windows
from imagegen_adapters.stores.postgresql.database import Connection
from imagegen_core.limits import MAX_EXACT_TOTAL

_MAX_ENTRIES = 1000
_MAX_BUCKETS = 200
"""Older buckets are counted again: by then a word is so rare that this is quick."""

_MAX_CACHED_CHARS = 500
"""Longer queries are not cached, to save memory."""


@attrs.frozen(kw_only=True)
class _Count:
    """The number of matches in a bucket after such changes; unless ``complete``, there may be more."""

    images: int
    changes: BucketChanges
    complete: bool


class BucketCounts:
    """Counts the images that windows select, up to `MAX_EXACT_TOTAL` + 1.

    Nodes add images at the same time, so a lower id may become visible after a higher one: the newest id
    says nothing about what was counted. But how often a bucket changed does, and most buckets do not change
    any more. What depends on marks is counted again where marks changed. A bucket that has lost nothing has
    at least what it had: a total that was capped still is.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[Windows, dict[int, _Count]] = OrderedDict()

    async def count(self, connection: Connection, windows: Windows) -> int:
        """Return the number of images in the snapshot of ``connection``, capped."""
        key = attrs.evolve(windows, oldest=0, newest=NEWEST)
        changes = await windows.changes(connection)
        cached = {bucket: count for bucket, count in self._counts.get(key, {}).items() if bucket in changes}
        least = sum(c.images for bucket, c in cached.items() if changes[bucket].only_added_to(c.changes))
        if least > MAX_EXACT_TOTAL:
            self._counts.move_to_end(key)
            return MAX_EXACT_TOTAL + 1
        current = {bucket: c for bucket, c in cached.items() if c.complete and c.changes == changes[bucket]}
        total = sum(count.images for count in current.values())
        outdated = [bucket for bucket in changes if bucket not in current]
        enough = MAX_EXACT_TOTAL + 1 - total
        counted = await windows.counts(connection, outdated, enough=enough)
        total += sum(counted.values())
        last = min(counted) if total > MAX_EXACT_TOTAL else None
        current |= {
            bucket: _Count(images=images, changes=changes[bucket], complete=bucket != last)
            for bucket, images in counted.items()
        }
        self._store(key, current)
        return min(total, MAX_EXACT_TOTAL + 1)

    def _store(self, key: Windows, counts: dict[int, _Count]) -> None:
        if sum(map(len, key.words)) > _MAX_CACHED_CHARS:
            return
        newest = sorted(counts, reverse=True)[:_MAX_BUCKETS]
        self._counts[key] = {bucket: counts[bucket] for bucket in newest}
        self._counts.move_to_end(key)
        while len(self._counts) > _MAX_ENTRIES:
            self._counts.popitem(last=False)
