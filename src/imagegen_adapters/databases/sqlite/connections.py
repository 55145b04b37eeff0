"""Opens connections with the settings on which durability and isolation depend."""

import os
from functools import partial
from pathlib import Path

from imagegen_adapters.databases.sqlite.engine import sqlite3

PAGES_PER_CHECKPOINT = 1000
WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024
"""The write-ahead log is truncated to this size after a checkpoint."""

BUSY_TIMEOUT_MS = 5000
"""How long to wait for a lock held by another process."""

_COMMON = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA mmap_size=0",  # an I/O error in a mapped file would crash the process
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
)
_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # losing the record of a paid call means paying twice
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # deleted secrets leave no copy in free pages
    f"PRAGMA wal_autocheckpoint={PAGES_PER_CHECKPOINT}",
    f"PRAGMA journal_size_limit={WAL_SIZE_LIMIT_BYTES}",
    "PRAGMA cache_size=-16000",
)
_READER = (
    "PRAGMA query_only=ON",
    "PRAGMA wal_autocheckpoint=0",
)

LOSSY_TEXT = partial(str, encoding="utf-8", errors="replace")
"""Also reads text that is not valid UTF-8; takes twice as long as the driver's own decoding."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Return the connection that writes; the file is created readable by its owner only."""
    _make_private(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.text_factory = LOSSY_TEXT
    return _configured(connection, *_COMMON, *_WRITER)


def open_reader(path: Path, *, cache_kib: int = 2000) -> sqlite3.Connection:
    """Return a connection that neither writes nor checkpoints, not even when it is closed."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    return _configured(connection, *_COMMON, *_READER, f"PRAGMA cache_size=-{cache_kib:d}")


def open_copier(path: Path) -> sqlite3.Connection:
    """Return a read-only connection that allows ``VACUUM INTO``, which writes to another file."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.text_factory = LOSSY_TEXT
    return _configured(connection, *_COMMON)


def _configured(connection: sqlite3.Connection, *pragmas: str) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    try:
        for pragma in pragmas:
            connection.execute(pragma).fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Create the file with mode 0600; SQLite gives its ``-wal`` and ``-shm`` files the same mode.

    An existing file is never opened here: closing it would release the POSIX locks that SQLite holds on it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        path.chmod(0o600)
