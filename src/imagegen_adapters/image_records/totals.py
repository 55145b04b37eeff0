"""Totals that were counted before, kept up to date."""

import threading
from collections import OrderedDict

import attrs

from imagegen_adapters.databases.listing import COUNTED
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.lookup import NEWEST, Lookup

_KEPT = 1000
_LONGEST_WORDS = 500
"""Characters; longer queries are not worth the memory."""


@attrs.frozen
class _Counted:
    found: int
    deletions: int
    newest: int


class Totals:
    """Counts what a lookup finds, up to one more than is counted exactly.

    Counting ten thousand pictures costs milliseconds when their prompts have to be looked through, so a
    total is remembered. New pictures only add to it; after a deletion it is counted again.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Lookup, _Counted] = OrderedDict()
        self._lock = threading.Lock()

    def found(self, connection: sqlite3.Connection, lookup: Lookup) -> int:
        """Return the number of pictures, at most one more than `COUNTED`, as of the connection's snapshot."""
        key = attrs.evolve(lookup, oldest=0, newest=NEWEST)
        deletions: int = connection.execute(statements.IMAGES_DELETED).fetchone()[0]
        newest: int = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
        now = _Counted(0, deletions, newest)
        with self._lock:
            known = self._kept.get(key)
        if known is None or known.deletions != now.deletions or known.newest > now.newest:
            found = lookup.count(connection, most=COUNTED + 1)
        elif known.found > COUNTED or known.newest == now.newest:
            found = known.found
        else:
            more = lookup.count(connection, most=COUNTED + 1 - known.found, above=known.newest)
            found = known.found + more
        self._keep(key, attrs.evolve(now, found=found))
        return found

    def _keep(self, key: Lookup, counted: _Counted) -> None:
        if sum(map(len, key.words)) > _LONGEST_WORDS:
            return
        with self._lock:
            self._kept[key] = counted
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
