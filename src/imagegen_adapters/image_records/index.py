"""The search index over the prompts of images, updated together with the images table.

A generation of the index consists of two tables: ``image_texts_N`` holds the folded prompts, small enough to
be scanned quickly, and ``image_index_N`` is an FTS5 table of their tokens and of the values that lists are
filtered by. The latter stores neither text nor positions (``content=''``, ``detail=none``), so an entry is
deleted by passing the same tokens to FTS5 again; SQLite before 3.43 has no other way. One generation is
active. During a reindexing there is a second one, and both are kept up to date.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from imagegen_adapters.image_records import statements
from imagegen_adapters.image_records.index_entry import IndexEntry, index_tokens, mark_tokens
from imagegen_adapters.image_records.index_state import folding_version
from imagegen_adapters.stores.messages import DatabaseCode
from imagegen_adapters.stores.sql import Steps
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import Unavailable
from imagegen_core.images import Image
from imagegen_core.marks import Marks
from imagegen_core.search import Simplify

DAY_MS = 86_400_000


def create_generation(execute: Callable[[str], object], generation: int) -> None:
    """Create the two tables of a generation."""
    execute(
        f"CREATE TABLE image_texts_{generation:d} "
        "(id INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, folded TEXT NOT NULL) STRICT"
    )
    execute(
        f"CREATE VIRTUAL TABLE image_index_{generation:d} USING fts5("
        "tokens, content='', detail=none, columnsize=0, tokenize='ascii')"
    )


def active_generation(connection: sqlite3.Connection) -> int:
    """Return the generation to search in.

    Raises:
        Unavailable: there is no search index.
    """
    row = connection.execute(statements.ACTIVE_GENERATION).fetchone()
    if row is None:
        raise Unavailable(DatabaseCode.SEARCH_INDEX_MISSING())
    return int(row[0])


def add_entries(
    connection: sqlite3.Connection, entries: Sequence[tuple[int, IndexEntry]], simplify: Simplify
) -> None:
    """Add ``(id, entry)`` pairs to all generations, in the caller's transaction."""
    for row in connection.execute(statements.LIVE_GENERATIONS).fetchall():
        if row["folding"] is None:
            connection.execute(statements.SET_FOLDING, (folding_version(simplify),))
        write_entries(connection, row["generation"], entries)
    days: dict[int, list[int]] = {}
    for image_id, entry in entries:
        days.setdefault(entry.created_ms // DAY_MS, []).append(image_id)
    connection.executemany(statements.PUT_DAY, ((day, min(ids), max(ids)) for day, ids in days.items()))


def write_entries(
    connection: sqlite3.Connection, generation: int, entries: Iterable[tuple[int, IndexEntry]]
) -> None:
    """Add ``(id, entry)`` pairs to one generation."""
    pairs = list(entries)
    connection.executemany(
        f"INSERT INTO image_texts_{generation:d} (id, created_ms, folded) VALUES (?, ?, ?)",  # noqa: S608 - only a number is interpolated
        ((image_id, entry.created_ms, entry.folded) for image_id, entry in pairs),
    )
    connection.executemany(
        f"INSERT INTO image_index_{generation:d} (rowid, tokens) VALUES (?, ?)",  # noqa: S608 - as above
        ((image_id, entry.tokens) for image_id, entry in pairs),
    )


def remove_entry(connection: sqlite3.Connection, image: Image) -> None:
    """Remove an image with its marks from all generations, in the caller's transaction."""
    for row in connection.execute(statements.LIVE_GENERATIONS).fetchall():
        texts, index = f"image_texts_{row['generation']:d}", f"image_index_{row['generation']:d}"
        deleting = f"DELETE FROM {texts} WHERE id = ? RETURNING folded"  # noqa: S608 - a constant and a number
        for deleted in connection.execute(deleting, (image.id,)).fetchall():
            connection.execute(
                f"INSERT INTO {index} ({index}, rowid, tokens) VALUES ('delete', ?, ?)",  # noqa: S608 - as above
                (image.id, " ".join((index_tokens(image, deleted["folded"]), *mark_tokens(image.marks)))),
            )


class SqliteMarkIndex:
    """The tokens of marks in all generations of the index."""

    def lock_marks(self) -> Steps[None]:
        """There is one writer."""
        yield from ()

    def exchange_marks(self, before: Mapping[int, Marks], after: Mapping[int, Marks]) -> Steps[None]:
        """Exchange the tokens of the images' marks where they are indexed; their other tokens stay.

        FTS5 keeps a list of entries for each token, so that an entry may lose some of its tokens and get
        others. It also counts entries, and takes none away from none: what loses tokens gets some, though
        there be none.
        """
        generations = yield statements.LIVE_GENERATIONS, {}
        for generation in (row["generation"] for row in generations):
            texts, index = f"image_texts_{generation:d}", f"image_index_{generation:d}"
            entries = yield f"SELECT id FROM {texts} WHERE id = ANY (:ids)", {"ids": sorted(after)}  # noqa: S608 - a constant and a number
            for image_id in (row["id"] for row in entries):
                old, new = mark_tokens(before[image_id]), mark_tokens(after[image_id])
                deleting = f"INSERT INTO {index} ({index}, rowid, tokens) VALUES ('delete', :id, :tokens)"  # noqa: S608 - as above
                yield deleting, {"id": image_id, "tokens": " ".join(old - new)}
                adding = f"INSERT INTO {index} (rowid, tokens) VALUES (:id, :tokens)"  # noqa: S608 - as above
                yield adding, {"id": image_id, "tokens": " ".join(new - old)}
        yield statements.COUNT_MARK_CHANGE, {}
