"""Rebuilds the search index while the service runs, when its rules have changed or it is missing.

A new generation of the index is built while searches still use the old one; images added or deleted in the
meantime are updated in both. When the new generation is complete, it becomes active, and the old one is
removed in small steps. An interrupted reindexing resumes where it stopped.
"""

from functools import partial

import attrs

from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.index import active_generation, create_generation, write_entries
from imagegen_adapters.image_records.index_entry import IndexEntry
from imagegen_adapters.image_records.index_state import IndexState, Progress, folding_version
from imagegen_adapters.image_records.rows import row_to_image, row_to_marks
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.search import Simplify

IMAGES_PER_BATCH = 500
"""Images per transaction, which limits how long other writers wait."""

_ROWS_PER_DELETE = 2000
_PAGES_PER_MERGE = 500
_MAX_FTS5_INTERNAL_ID = 10
"""Up to this id, FTS5's ``_data`` table holds averages (1) and structure (10) of the index: fts5_index.c."""


@attrs.frozen(kw_only=True)
class _Build:
    generation: int
    reached: int
    until: int


async def index_state(database: Database, simplify: Simplify) -> IndexState:
    """Return the state of the search index; loads the dictionaries of ``simplify``."""
    version = folding_version(simplify)
    rows = await database.read(lambda c: c.execute(statements.LIVE_GENERATIONS).fetchall())
    active = [row["folding"] for row in rows if row["state"] == "active"]
    if not active:
        return IndexState.MISSING
    return IndexState.CURRENT if active[0] in (None, version) else IndexState.STALE


async def reindex(database: Database, simplify: Simplify, progress: Progress | None = None) -> int:
    """Rebuild the index of all prompts and return the last id; searches and writes continue meanwhile."""
    version = folding_version(simplify)
    build = await database.writer.write(partial(_start, version=version))
    while build.reached < build.until:
        entries = await database.read(partial(_entries, build=build, simplify=simplify))
        build = attrs.evolve(
            build, reached=entries[-1][0] if len(entries) == IMAGES_PER_BATCH else build.until
        )
        await database.writer.write(partial(_add, build=build, entries=entries))
        if progress is not None and (awaitable := progress(build.reached, build.until)) is not None:
            await awaitable
    await _compact(database, build.generation)
    await database.writer.write(partial(_activate, generation=build.generation))
    await remove_retired_generations(database)
    return build.until


async def compact(database: Database) -> None:
    """Merge the segments of the FTS5 index step by step, which makes every search faster."""
    await _compact(database, await database.read(active_generation))


async def remove_retired_generations(database: Database) -> None:
    """Remove generations that are no longer used, a few rows per transaction."""
    for row in await database.read(lambda c: c.execute(statements.RETIRED_GENERATIONS).fetchall()):
        generation: int = row["generation"]
        while await database.writer.write(partial(_shrink, generation=generation)):
            pass


async def _compact(database: Database, generation: int) -> None:
    await database.writer.write(partial(_merge, generation=generation, pages=-_PAGES_PER_MERGE))
    while await database.writer.write(partial(_merge, generation=generation, pages=_PAGES_PER_MERGE)):
        pass


def retire_index(connection: sqlite3.Connection) -> None:
    """Stop using the search index, until `reindex` builds a new one."""
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
    return [(row["id"], IndexEntry.from_image(row_to_image(row), simplify)) for row in rows]


def _add(connection: sqlite3.Connection, *, build: _Build, entries: list[tuple[int, IndexEntry]]) -> None:
    """Add the entries of images that have not been deleted since they were read, with their present marks."""
    low, high = (entries[0][0], entries[-1][0]) if entries else (0, 0)
    rows = connection.execute(statements.MARKS_BETWEEN, (low, high)).fetchall()
    marks = {image_id: row_to_marks(columns) for image_id, *columns in rows}
    marked = (
        (image_id, entry.with_marks(marks[image_id])) for image_id, entry in entries if image_id in marks
    )
    write_entries(connection, build.generation, marked)
    connection.execute(statements.SAVE_PROGRESS, (build.reached, build.generation))


def _activate(connection: sqlite3.Connection, *, generation: int) -> None:
    connection.execute(statements.RETIRE_ACTIVE)
    connection.execute(statements.ACTIVATE_GENERATION, (generation,))


def _merge(connection: sqlite3.Connection, *, generation: int, pages: int) -> bool:
    """Merge about ``pages`` pages, negative for the first call; return whether there is more to merge."""
    index = f"image_index_{generation:d}"
    before = connection.total_changes
    merging = f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)"  # noqa: S608 - a constant and a number
    connection.execute(merging, (pages,))
    return connection.total_changes - before > 1  # the condition given in FTS5's documentation of merge


def _shrink(connection: sqlite3.Connection, *, generation: int) -> bool:
    """Remove a part of a generation; return whether more remains.

    Dropping a large table in one transaction would block all other writers, so its rows are deleted first,
    including those of FTS5's data table, except two without which FTS5 could not open the table to drop it.
    """
    texts, index = f"image_texts_{generation:d}", f"image_index_{generation:d}"
    for table, last_kept_id in ((texts, 0), (f"{index}_data", _MAX_FTS5_INTERNAL_ID)):
        # Both tables have integer keys named id.
        shrinking = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id > ? LIMIT ?)"  # noqa: S608 - as above
        if connection.execute(shrinking, (last_kept_id, _ROWS_PER_DELETE)).rowcount:
            return True
    connection.execute(f"DROP TABLE {texts}")
    connection.execute(f"DROP TABLE {index}")
    connection.execute(statements.DELETE_GENERATION, (generation,))
    return False
