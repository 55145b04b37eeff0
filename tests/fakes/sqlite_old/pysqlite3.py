"""With this directory in PYTHONPATH the program finds an SQLite as old as that of RHEL 9."""

from sqlite3 import *  # noqa: F403, TID251 - it is Python's own that says so

sqlite_version_info = (3, 34, 1)
sqlite_version = "3.34.1"
