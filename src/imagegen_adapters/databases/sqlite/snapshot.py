"""A consistent copy of a database, made beside whoever writes to it; and whether a file is whole."""

import os
from contextlib import closing
from pathlib import Path

from imagegen_adapters.databases.sqlite.connections import open_copier
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.errors import storage_error
from imagegen_core.errors import StorageError

_MAX_INTEGRITY_ERRORS = 5


def take_snapshot(database: Path, target: Path) -> None:
    """Write the database as it is at this moment to ``target``, a new file of mode 0600, and check it.

    Raises:
        StorageError: the database cannot be read or is damaged; the target may hold a part of it.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(open_copier(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),)).fetchall()
    except sqlite3.Error as error:
        raise storage_error(error) from error
    except UnicodeEncodeError as error:
        raise StorageError("SQLite writes only to a path that is UTF-8") from error
    if complaints := integrity_errors(target):
        raise StorageError(f"the copy of the database is damaged: {complaints[0]}")


def integrity_errors(database: Path) -> tuple[str, ...]:
    """Return what SQLite's ``integrity_check`` says against a file; nothing when it is whole."""
    try:
        with closing(open_copier(database)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MAX_INTEGRITY_ERRORS})").fetchall()
    except sqlite3.Error as error:
        return (str(storage_error(error)),)
    told = [str(row[0]) for row in rows]
    return () if told == ["ok"] else tuple(told)
