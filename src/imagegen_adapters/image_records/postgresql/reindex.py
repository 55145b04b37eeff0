"""Indexes again, in PostgreSQL, what was folded by other rules than this node's, while all nodes run.

Each entry says by which rules it was folded. So an interrupted reindexing has nothing to remember: the next
one goes on with what is left. Several at once divide the work: each passes over the entries that another one
is indexing. What a node of another version adds meanwhile stays stale, until it is indexed again once all
nodes have the same version.
"""

import asyncio
from functools import partial

from imagegen_adapters.image_records.index_state import IndexState, Progress, folding_version
from imagegen_adapters.image_records.postgresql import statements
from imagegen_adapters.stores.postgresql.database import Connection, Database, Row, json_argument
from imagegen_core.search import Simplify, fold

IMAGES_PER_BATCH = 500
"""Images per transaction, which limits how long somebody waits who deletes one of them."""

_IDS_PER_LOOKUP = 10_000


async def index_state(database: Database, simplify: Simplify) -> IndexState:
    """Return whether all entries were folded as ``simplify`` does; loads its dictionaries."""
    row = await database.row(statements.HAS_OTHER_FOLDING, folding_version(simplify))
    return IndexState.STALE if row is not None and row[0] else IndexState.CURRENT


async def reindex(database: Database, simplify: Simplify, progress: Progress | None = None) -> int:
    """Index again what is stale and return the last id that there was at the beginning."""
    ((until,),) = await database.rows(statements.NEWEST_IMAGE)
    reached = 0
    while reached < until:
        ((first,),) = await database.rows(statements.OLDEST_IMAGE, reached)
        reached = max(reached, int(first) - 1)  # a restore leaves a gap of millions of ids
        high = min(reached + _IDS_PER_LOOKUP, until)
        async with database.transaction() as connection:
            reached = await _reindex_batch(connection, reached, high, simplify)
        if progress is not None and (awaitable := progress(reached, until)) is not None:
            await awaitable
    return int(until)


async def _reindex_batch(connection: Connection, after: int, high: int, simplify: Simplify) -> int:
    """Return the id up to which nothing is stale now, but what another node is indexing."""
    version = folding_version(simplify)
    bounds = (after, high, version, IMAGES_PER_BATCH)
    rows = await connection.fetch(statements.LOCK_STALE, *bounds)
    if rows:
        entries = await asyncio.to_thread(partial(_entries, rows, simplify))
        await connection.execute(statements.REPLACE_ENTRIES, entries, version)
    return int(rows[-1]["id"]) if len(rows) == IMAGES_PER_BATCH else high


def _entries(rows: list[Row], simplify: Simplify) -> str:
    """Return what the function ``replace_entries`` of the database replaces."""
    return json_argument([{"id": row["id"], "folded": fold(row["prompt"], simplify)} for row in rows])
