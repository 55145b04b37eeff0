"""A cache of totals, kept up to date incrementally."""

import threading
from collections import OrderedDict

import attrs

from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.lookup import NEWEST, Lookup
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.limits import MAX_EXACT_TOTAL

_MAX_ENTRIES = 1000
_MAX_CACHED_CHARS = 500
"""Longer queries are not cached, to save memory."""


@attrs.frozen
class _CachedCount:
    count: int
    deletions: int
    newest: int


class CountCache:
    """Counts the images that a lookup selects, up to `MAX_EXACT_TOTAL` + 1.

    Counting ten thousand images takes milliseconds if their prompts have to be searched, so totals are
    cached. New images are counted incrementally; after a deletion, everything is counted again. So is after
    a change of marks what depends on them.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[Lookup, _CachedCount] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, connection: sqlite3.Connection, lookup: Lookup) -> int:
        """Return the number of images in the connection's snapshot, at most one above `MAX_EXACT_TOTAL`."""
        key = attrs.evolve(lookup, oldest=0, newest=NEWEST)
        changes = statements.CHANGE_COUNT if lookup.is_about_marks else statements.DELETED_IMAGE_COUNT
        deletions: int = connection.execute(changes).fetchone()[0]
        newest: int = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
        with self._lock:
            cached = self._counts.get(key)
        if cached is None or cached.deletions != deletions or cached.newest > newest:
            count = lookup.count(connection, limit=MAX_EXACT_TOTAL + 1)
        elif cached.count > MAX_EXACT_TOTAL or cached.newest == newest:
            count = cached.count
        else:
            added = lookup.count(connection, limit=MAX_EXACT_TOTAL + 1 - cached.count, above=cached.newest)
            count = cached.count + added
        self._store(key, _CachedCount(count, deletions, newest))
        return count

    def _store(self, key: Lookup, count: _CachedCount) -> None:
        if sum(map(len, key.words)) > _MAX_CACHED_CHARS:
            return
        with self._lock:
            self._counts[key] = count
            self._counts.move_to_end(key)
            while len(self._counts) > _MAX_ENTRIES:
                self._counts.popitem(last=False)
