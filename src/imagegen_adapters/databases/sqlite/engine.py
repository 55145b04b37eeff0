"""The SQLite of the whole program: every module takes ``sqlite3`` from here.

Two SQLite libraries on one file in one process drop each other's locks, so nothing else may import one.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["MIN_BUILT_IN_VERSION", "choose_engine", "sqlite3"]

MIN_BUILT_IN_VERSION = (3, 45)
"""Python's own SQLite serves from here on; an older one gives way to any that a package brings."""


def choose_engine() -> ModuleType:
    """Return the DB-API module: pysqlite3 where it is installed, else Python's own, else sqlean.

    sqlite-utils prefers pysqlite3 in the same way, so it never works with another library than ours.
    sqlean has wheels for processors that pysqlite3 has none for, with an older SQLite.
    """
    if (bundled := _installed("pysqlite3")) is not None:
        return bundled
    import sqlite3

    if sqlite3.sqlite_version_info < MIN_BUILT_IN_VERSION and (bundled := _installed("sqlean")) is not None:
        return bundled
    return sqlite3


def _installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:  # also where its wheel does not fit this system
        return None


if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = choose_engine()
