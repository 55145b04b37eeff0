"""The only place where the process imports an SQLite library; its connections and errors.

POSIX locks belong to the process: two libraries that open the same file release each other's locks.
"""

import importlib
import os
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from imagegen_adapters.stores.sql import DatabaseCode
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, StorageUnreachable
from imagegen_core.messages import Message

MIN_BUILT_IN_VERSION = (3, 45)
"""Python's own SQLite is used from this version on; an older one is replaced by a package."""


def choose_engine() -> ModuleType:
    """Return pysqlite3, as sqlite-utils does, else Python's own unless too old, else the older sqlean."""
    if (bundled := _installed("pysqlite3")) is not None:
        return bundled
    import sqlite3

    if sqlite3.sqlite_version_info < MIN_BUILT_IN_VERSION and (bundled := _installed("sqlean")) is not None:
        return bundled
    return sqlite3


def _installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:  # also if its wheel does not match this system
        return None


if TYPE_CHECKING:
    import sqlite3 as sqlite3  # noqa: PLC0414 - exported
else:
    sqlite3 = choose_engine()


MIN_VERSION = (3, 37)
"""The first version with strict tables."""

FIXED_RELEASES: dict[tuple[int, ...], tuple[int, ...]] = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
"""The first fixed release of older lines to which the fix was backported."""

FIXED_SINCE = (3, 51, 3)
BROKEN_SINCE = (3, 7, 0)


class SqliteTooOld(StorageError):
    """Neither Python nor an installed package provides a supported SQLite."""

    def __init__(self, version: tuple[int, ...]) -> None:
        super().__init__(DatabaseCode.SQLITE_TOO_OLD(version=_text(version), minimum=_text(MIN_VERSION)))


def sqlite_name() -> Message:
    if sqlite3.__name__ == "sqlite3":
        return DatabaseCode.SQLITE_OWN(version=sqlite3.sqlite_version)
    return DatabaseCode.SQLITE_PACKAGED(version=sqlite3.sqlite_version, package=sqlite3.__name__)


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    if version < MIN_VERSION:
        raise SqliteTooOld(version)


def sqlite_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Message | None:
    """Return a warning about a version that can damage a database in WAL mode, or None.

    There, a commit can be lost if another connection checkpoints while the log is reset (notes of release
    3.51.3). Our only writer also checkpoints, so its commits are safe; those of another program are not.
    """
    if version >= FIXED_SINCE or version < BROKEN_SINCE or version >= FIXED_RELEASES.get(version[:2], (99,)):
        return None
    return DatabaseCode.SQLITE_WAL_RESET(version=_text(version))


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:3]))


_FATAL = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
)


class DatabaseUnusable(StorageBroken):
    """The file is damaged, or not accessible to this user; retrying does not help."""


_ROWS: dict[int, tuple[type[StorageError], DatabaseCode]] = {
    sqlite3.SQLITE_FULL: (StorageFull, DatabaseCode.DISK_OF_DATABASE_FULL),
    # Nothing was written, and the same works once the lock is released.
    sqlite3.SQLITE_BUSY: (StorageUnreachable, DatabaseCode.DATABASE_LOCKED),
    sqlite3.SQLITE_READONLY: (DatabaseUnusable, DatabaseCode.DATABASE_NOT_WRITABLE),
    # Also raised when a full disk has no room for the -shm file; pysqlite3 does not distinguish the two.
    sqlite3.SQLITE_IOERR: (StorageBroken, DatabaseCode.DATABASE_IO_ERROR),
    sqlite3.SQLITE_CORRUPT: (DatabaseUnusable, DatabaseCode.DATABASE_DAMAGED),
    sqlite3.SQLITE_NOTADB: (DatabaseUnusable, DatabaseCode.NOT_A_DATABASE),
    sqlite3.SQLITE_CANTOPEN: (DatabaseUnusable, DatabaseCode.DATABASE_NOT_OPENED),
}


def storage_error(error: sqlite3.Error) -> StorageError:
    """Return the storage error for an SQLite error; its message never contains a path."""
    kind, code = _ROWS.get(_primary(error), (StorageError, DatabaseCode.DATABASE_REFUSED))
    return kind(code(detail=str(error)) if code.placeholders else code())


def is_fatal(error: sqlite3.Error) -> bool:
    """Whether no further write may be acknowledged.

    After a failed write or fsync the kernel may have dropped dirty pages, so a later successful fsync proves
    nothing. Only a restart reads what is really on the disk.
    """
    return _primary(error) in _FATAL


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk is full: nothing is lost, and writing works again once there is room."""
    return _primary(error) == sqlite3.SQLITE_FULL


def is_interrupt(error: sqlite3.Error) -> bool:
    """Whether its deadline or the watchdog interrupted a statement."""
    return _primary(error) == sqlite3.SQLITE_INTERRUPT


def is_undecodable(error: sqlite3.Error) -> bool:
    """Whether text is not valid UTF-8; the driver reports this only in its message."""
    return str(error).startswith("Could not decode to UTF-8")


def _primary(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or -1 for an error of the driver itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF


WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024
"""The write-ahead log is truncated to this size after a checkpoint."""

BUSY_TIMEOUT_MS = 5000

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
    "PRAGMA wal_autocheckpoint=1000",
    f"PRAGMA journal_size_limit={WAL_SIZE_LIMIT_BYTES}",
    "PRAGMA cache_size=-16000",
)

LOSSY_TEXT = partial(str, encoding="utf-8", errors="replace")
"""Also reads invalid UTF-8; takes twice as long as the driver's own decoding."""


def open_writer(path: Path | None) -> sqlite3.Connection:
    """Open the connection that writes, None to memory; a new file is readable by its owner only."""
    if path is not None:
        _make_private(path)
    connection = sqlite3.connect(
        path or ":memory:", isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.text_factory = LOSSY_TEXT
    return _configured(connection, *_WRITER)


def open_reader(path: Path, *, cache_kib: int = 2000) -> sqlite3.Connection:
    """Open a connection that neither writes nor checkpoints, not even when it is closed."""
    pragmas = ("PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0", f"PRAGMA cache_size=-{cache_kib:d}")
    return _configured(_open_read_only(path), *pragmas)


def open_copier(path: Path) -> sqlite3.Connection:
    """Open a read-only connection that allows ``VACUUM INTO``, which writes to another file."""
    connection = _open_read_only(path)
    connection.text_factory = LOSSY_TEXT
    return _configured(connection)


def _open_read_only(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
    )


def _configured(connection: sqlite3.Connection, *pragmas: str) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (*_COMMON, *pragmas):
            connection.execute(pragma).fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Create the file with mode 0600, which its ``-wal`` and ``-shm`` files inherit.

    An existing file is never opened here: closing it would release the POSIX locks that SQLite holds on it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        path.chmod(0o600)
