"""Consistent copies of a database in use, and integrity checks."""

import os
from contextlib import closing
from pathlib import Path

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.sqlite.connections import open_copier
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.errors import storage_error
from imagegen_core.errors import StorageError
from imagegen_core.messages import Message, upstream_text

_MAX_INTEGRITY_ERRORS = 5


def take_snapshot(database: Path, target: Path) -> None:
    """Write a consistent copy of the database to ``target``, a new file of mode 0600, and check it.

    Raises:
        StorageError: the database cannot be read or is damaged; ``target`` may be incomplete.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(open_copier(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),)).fetchall()
    except sqlite3.Error as error:
        raise storage_error(error) from error
    except UnicodeEncodeError as error:
        raise StorageError(DatabaseCode.COPY_PATH_NOT_UTF8()) from error
    if errors := integrity_errors(target):
        raise StorageError(DatabaseCode.COPY_DAMAGED(detail=errors[0]))


def integrity_errors(database: Path) -> tuple[Message, ...]:
    """Return the findings of SQLite's ``integrity_check``; empty if the file is intact."""
    try:
        with closing(open_copier(database)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MAX_INTEGRITY_ERRORS})").fetchall()
    except sqlite3.Error as error:
        return (storage_error(error).reason,)
    findings = [str(row[0]) for row in rows]
    return () if findings == ["ok"] else tuple(map(upstream_text, findings))
