"""Which SQLite this Python brings, and whether it is one to warn of."""

import sqlite3

FIXED: dict[tuple[int, ...], tuple[int, ...]] = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
"""Older lines that got the correction: from which release on."""

FIXED_SINCE = (3, 51, 3)
BROKEN_SINCE = (3, 7, 0)


def sqlite_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str | None:
    """Return a sentence about a version that can damage a database in WAL mode, else None.

    A commit of one connection that meets the checkpoint of another just as the log starts anew can be
    lost, as the notes of release 3.51.3 tell. Our single writer makes all checkpoints itself, so its own
    commits never meet one; another program that writes would.
    """
    if version >= FIXED_SINCE or version < BROKEN_SINCE or version >= FIXED.get(version[:2], (99,)):
        return None
    return (
        f"SQLite {'.'.join(map(str, version[:3]))} has the WAL-reset bug; "
        "3.51.3, 3.50.7 and 3.44.6 are without it: let no other program write to the database"
    )
