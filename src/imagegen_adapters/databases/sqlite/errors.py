"""Maps SQLite errors to storage errors."""

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, StorageUnreachable

_FATAL = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
)

_PERMANENT = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
)

_MESSAGES = {
    sqlite3.SQLITE_FULL: DatabaseCode.DISK_OF_DATABASE_FULL,
    sqlite3.SQLITE_BUSY: DatabaseCode.DATABASE_LOCKED,
    sqlite3.SQLITE_READONLY: DatabaseCode.DATABASE_NOT_WRITABLE,
    # Also raised when a full disk has no room for the -shm file; pysqlite3 does not distinguish the two.
    sqlite3.SQLITE_IOERR: DatabaseCode.DATABASE_IO_ERROR,
    sqlite3.SQLITE_CORRUPT: DatabaseCode.DATABASE_DAMAGED,
    sqlite3.SQLITE_NOTADB: DatabaseCode.NOT_A_DATABASE,
    sqlite3.SQLITE_CANTOPEN: DatabaseCode.DATABASE_NOT_OPENED,
}


class DatabaseUnusable(StorageBroken):
    """The file is damaged or inaccessible to this user; retrying does not help."""


def storage_error(error: sqlite3.Error) -> StorageError:
    """Return the storage error for an SQLite error; its message never contains a path."""
    code = _primary(error)
    reason = _MESSAGES[code]() if code in _MESSAGES else DatabaseCode.DATABASE_REFUSED(detail=str(error))
    return _kind(error, code)(reason)


def _kind(error: sqlite3.Error, code: int) -> type[StorageError]:
    if is_full(error):
        return StorageFull
    if code == sqlite3.SQLITE_BUSY:  # nothing was written, and the same works once the lock is released
        return StorageUnreachable
    if code in _PERMANENT:
        return DatabaseUnusable
    return StorageBroken if is_fatal(error) else StorageError


def is_fatal(error: sqlite3.Error) -> bool:
    """Return whether no further write may be acknowledged.

    After a failed write or fsync the kernel may have dropped dirty pages, so a later successful fsync proves
    nothing. Only a restart reads what is really on the disk.
    """
    return _primary(error) in _FATAL


def is_full(error: sqlite3.Error) -> bool:
    """Return whether the disk is full: nothing is lost, and writing works again once there is room."""
    return _primary(error) == sqlite3.SQLITE_FULL


def is_interrupt(error: sqlite3.Error) -> bool:
    """Return whether a statement was interrupted, by its deadline or by the watchdog."""
    return _primary(error) == sqlite3.SQLITE_INTERRUPT


def is_undecodable(error: sqlite3.Error) -> bool:
    """Return whether a text column is not valid UTF-8; the driver reports this only in its message."""
    return str(error).startswith("Could not decode to UTF-8")


def _primary(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or -1 for an error of the driver itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF
