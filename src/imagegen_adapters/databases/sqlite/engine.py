"""Selects the SQLite library of the process; every module imports ``sqlite3`` from here.

POSIX locks belong to the process, so two SQLite libraries that open the same file release each other's locks.
Therefore no other module may import one.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["MIN_BUILT_IN_VERSION", "choose_engine", "sqlite3"]

MIN_BUILT_IN_VERSION = (3, 45)
"""Python's own SQLite is used from this version on; an older one gives way to a packaged one."""


def choose_engine() -> ModuleType:
    """Return the DB-API module: pysqlite3 if installed, else Python's own unless too old, else sqlean.

    sqlite-utils prefers pysqlite3 too, so it always uses the same library. sqlean has wheels for
    architectures that pysqlite3 does not support, but with an older SQLite.
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
    except ImportError:  # also if its wheel does not match this system
        return None


if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = choose_engine()
