"""Making the search index anew while the service runs, after its rules changed or when it is missing.

A new generation of the index is filled beside the old one, which goes on answering; images that come or go
meanwhile are kept in both. When the new one holds everything it takes over, and the old one is removed bit
by bit. A reindexing that was stopped at any moment goes on where it was.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial

import attrs

from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.index import (
    IndexEntry,
    active_generation,
    create_generation,
    folding_version,
    write_entries,
)
from imagegen_adapters.image_records.rows import row_to_image
from imagegen_core.search.folding import Simplify

IMAGES_PER_BATCH = 500
"""Images a transaction; writers wait for no more than that."""

_ROWS_PER_DELETE = 2000
_PAGES_PER_MERGE = 500
_MAX_FTS5_INTERNAL_ID = 10
"""Up to this id the ``_data`` table holds averages (1) and structure (10) of an index: fts5_index.c."""

Progress = Callable[[int, int], Awaitable[None] | None]
"""Is told up to which id images are indexed, and which id is the last."""


class IndexState(StrEnum):
    """Whether searches find what they should."""

    CURRENT = "current"
    STALE = "stale"
    """Prompts were folded by other rules than keywords are now: `reindex`."""
    MISSING = "missing"
    """Searches are refused: `reindex`."""


@attrs.frozen(kw_only=True)
class _Build:
    generation: int
    reached: int
    until: int


async def index_state(database: Database, simplify: Simplify) -> IndexState:
    """Return what is to be said of the search index; the dictionaries of ``simplify`` are loaded for it."""
    version = folding_version(simplify)
    rows = await database.read(lambda c: c.execute(statements.LIVE_GENERATIONS).fetchall())
    active = [row["folding"] for row in rows if row["state"] == "active"]
    if not active:
        return IndexState.MISSING
    return IndexState.CURRENT if active[0] in (None, version) else IndexState.STALE


async def reindex(database: Database, simplify: Simplify, progress: Progress | None = None) -> int:
    """Index all prompts anew and return the last id; searches and writes go on meanwhile."""
    version = folding_version(simplify)
    build = await database.write(partial(_start, version=version))
    while build.reached < build.until:
        entries = await database.read(partial(_entries, build=build, simplify=simplify))
        build = attrs.evolve(
            build, reached=entries[-1][0] if len(entries) == IMAGES_PER_BATCH else build.until
        )
        await database.write(partial(_add, build=build, entries=entries))
        if progress is not None and (waiting := progress(build.reached, build.until)) is not None:
            await waiting
    await _compact(database, build.generation)
    await database.write(partial(_activate, generation=build.generation))
    await remove_retired_generations(database)
    return build.until


async def compact(database: Database) -> None:
    """Join the pieces of the index that inserts left into one, step by step: every search gets quicker."""
    await _compact(database, await database.read(active_generation))


async def remove_retired_generations(database: Database) -> None:
    """Remove generations that are no longer used, a few rows a transaction."""
    for row in await database.read(lambda c: c.execute(statements.RETIRED_GENERATIONS).fetchall()):
        generation: int = row["generation"]
        while await database.write(partial(_shrink, generation=generation)):
            pass


async def _compact(database: Database, generation: int) -> None:
    await database.write(partial(_merge, generation=generation, pages=-_PAGES_PER_MERGE))
    while await database.write(partial(_merge, generation=generation, pages=_PAGES_PER_MERGE)):
        pass


def retire_index(connection: sqlite3.Connection) -> None:
    """Do without a search index from now on; `reindex` makes one again."""
    connection.execute(statements.RETIRE_BUILDING)
    connection.execute(statements.RETIRE_ACTIVE)


def _start(connection: sqlite3.Connection, *, version: str) -> _Build:
    row = connection.execute(statements.BUILDING_GENERATION, (version,)).fetchone()
    if row is not None:
        return _Build(generation=row["generation"], reached=row["reached"], until=row["until"])
    connection.execute(statements.RETIRE_BUILDING)
    until = connection.execute(statements.NEWEST_IMAGE).fetchone()[0]
    ((generation,),) = connection.execute(statements.INSERT_GENERATION, (version, until)).fetchall()
    create_generation(connection.execute, generation)
    return _Build(generation=generation, reached=0, until=until)


def _entries(
    connection: sqlite3.Connection, *, build: _Build, simplify: Simplify
) -> list[tuple[int, IndexEntry]]:
    bounds = (build.reached, build.until, IMAGES_PER_BATCH)
    rows = connection.execute(statements.IMAGES_AFTER, bounds).fetchall()
    return [(row["id"], IndexEntry.of(row_to_image(row), simplify)) for row in rows]


def _add(connection: sqlite3.Connection, *, build: _Build, entries: list[tuple[int, IndexEntry]]) -> None:
    """Add what was not deleted since it was read."""
    low, high = (entries[0][0], entries[-1][0]) if entries else (0, 0)
    rows = connection.execute(statements.IDS_BETWEEN, (low, high)).fetchall()
    there = {row["id"] for row in rows}
    write_entries(connection, build.generation, (pair for pair in entries if pair[0] in there))
    connection.execute(statements.SAVE_PROGRESS, (build.reached, build.generation))


def _activate(connection: sqlite3.Connection, *, generation: int) -> None:
    connection.execute(statements.RETIRE_ACTIVE)
    connection.execute(statements.ACTIVATE_GENERATION, (generation,))


def _merge(connection: sqlite3.Connection, *, generation: int, pages: int) -> bool:
    """Merge about so many pages, a negative number to begin; return whether there is more to merge."""
    index = f"image_index_{generation:d}"
    before = connection.total_changes
    merging = f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)"  # noqa: S608 - a constant and a number
    connection.execute(merging, (pages,))
    return connection.total_changes - before > 1  # as FTS5's manual tells


def _shrink(connection: sqlite3.Connection, *, generation: int) -> bool:
    """Remove a part of a generation; return whether some of it is left.

    Dropping a large table in one go would hold up everybody, so its rows go first, those of the table
    that FTS5 keeps its data in too. But for two: without them FTS5 could not even open what is to drop.
    """
    texts, index = f"image_texts_{generation:d}", f"image_index_{generation:d}"
    for table, kept in ((texts, 0), (f"{index}_data", _MAX_FTS5_INTERNAL_ID)):
        # A constant and a number; both tables have integer keys named id.
        shrinking = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id > ? LIMIT ?)"  # noqa: S608
        if connection.execute(shrinking, (kept, _ROWS_PER_DELETE)).rowcount:
            return True
    connection.execute(f"DROP TABLE {texts}")
    connection.execute(f"DROP TABLE {index}")
    connection.execute(statements.DELETE_GENERATION, (generation,))
    return False
