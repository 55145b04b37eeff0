"""Throws away what killed processes left half written: ``python -m tests.coverage_files DIRECTORY``.

Tests kill the service at any moment, also while it saves its coverage. One damaged file would spoil the whole
combination; without it some lines count as not run.
"""

import sys
from contextlib import closing
from pathlib import Path

from imagegen_adapters.stores.sqlite.engine import sqlite3


def is_whole(file):
    """Return whether it can be read to its end."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return [("ok",)] == database.execute("PRAGMA integrity_check").fetchall()
    except sqlite3.Error:
        return False


def main(directory):
    """Remove damaged files, and say how many."""
    damaged = [file for file in sorted(Path(directory).iterdir()) if not is_whole(file)]
    for file in damaged:
        file.unlink()
    if damaged:
        print(f"coverage: {len(damaged)} files of killed processes were incomplete", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
