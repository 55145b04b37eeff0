"""Totals that were counted before, kept up to date."""

import threading
from collections import OrderedDict

import attrs

from imagegen_adapters.databases.listing import MAX_EXACT_TOTAL
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.lookup import NEWEST, Lookup

_MAX_ENTRIES = 1000
_MAX_CACHED_CHARS = 500
"""Characters; longer queries are not worth the memory."""


@attrs.frozen
class _CachedCount:
    found: int
    deletions: int
    newest: int


class CountCache:
    """Counts what a lookup finds, up to one more than is counted exactly.

    Counting ten thousand images costs milliseconds when their prompts have to be looked through, so a
    total is remembered. New images only add to it; after a deletion it is counted again.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Lookup, _CachedCount] = OrderedDict()
        self._lock = threading.Lock()

    def found(self, connection: sqlite3.Connection, lookup: Lookup) -> int:
        """Return the number of images in the connection's snapshot, at most one above `MAX_EXACT_TOTAL`."""
        key = attrs.evolve(lookup, oldest=0, newest=NEWEST)
        deletions: int = connection.execute(statements.DELETED_IMAGE_COUNT).fetchone()[0]
        newest: int = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
        now = _CachedCount(0, deletions, newest)
        with self._lock:
            known = self._kept.get(key)
        if known is None or known.deletions != now.deletions or known.newest > now.newest:
            found = lookup.count(connection, most=MAX_EXACT_TOTAL + 1)
        elif known.found > MAX_EXACT_TOTAL or known.newest == now.newest:
            found = known.found
        else:
            more = lookup.count(connection, most=MAX_EXACT_TOTAL + 1 - known.found, above=known.newest)
            found = known.found + more
        self._keep(key, attrs.evolve(now, found=found))
        return found

    def _keep(self, key: Lookup, counted: _CachedCount) -> None:
        if sum(map(len, key.words)) > _MAX_CACHED_CHARS:
            return
        with self._lock:
            self._kept[key] = counted
            self._kept.move_to_end(key)
            while len(self._kept) > _MAX_ENTRIES:
                self._kept.popitem(last=False)
