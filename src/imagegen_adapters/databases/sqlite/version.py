"""The SQLite version in use, and whether to refuse it or warn about it."""

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_core.errors import StorageError
from imagegen_core.messages import Message

MIN_VERSION = (3, 37)
"""The first version with strict tables."""

FIXED_RELEASES: dict[tuple[int, ...], tuple[int, ...]] = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
"""Older release lines to which the fix was backported, with the first fixed release."""

FIXED_SINCE = (3, 51, 3)
BROKEN_SINCE = (3, 7, 0)


class SqliteTooOld(StorageError):
    """Neither Python nor an installed package provides a supported SQLite."""

    def __init__(self, version: tuple[int, ...]) -> None:
        super().__init__(DatabaseCode.SQLITE_TOO_OLD(version=_text(version), minimum=_text(MIN_VERSION)))


def sqlite_name() -> Message:
    """Return the version in use and where it comes from."""
    if sqlite3.__name__ == "sqlite3":
        return DatabaseCode.SQLITE_OWN(version=sqlite3.sqlite_version)
    return DatabaseCode.SQLITE_PACKAGED(version=sqlite3.sqlite_version, package=sqlite3.__name__)


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Check that this SQLite version is supported.

    Raises:
        SqliteTooOld: it is not.
    """
    if version < MIN_VERSION:
        raise SqliteTooOld(version)


def sqlite_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Message | None:
    """Return a warning about a version that can damage a database in WAL mode, or None.

    In these versions, a commit can be lost if another connection checkpoints just as the log is reset; see
    the notes of release 3.51.3. Our only writer also makes all checkpoints, so its commits are safe, but
    those of another program that writes to the database are not.
    """
    if version >= FIXED_SINCE or version < BROKEN_SINCE or version >= FIXED_RELEASES.get(version[:2], (99,)):
        return None
    return DatabaseCode.SQLITE_WAL_RESET(version=_text(version))


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:3]))
