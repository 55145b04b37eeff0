"""What the disk and SQLite allow, without a service: synced inserts, and files copied with sync."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

import attrs
import reports  # noqa: F401 - makes the checkout importable

from imagegen_adapters.stores.sqlite.engine import sqlite3

ROW = ("0190b8e5-0000-7000-8000-000000000000", "pending", "x" * 400)
"""Of about the size of a task that was just accepted."""


@attrs.frozen
class Rate:
    """How many, in which time, and with how much processor time."""

    number: int
    seconds: float
    processor: float

    def row(self):
        return {
            "rate": self.number / self.seconds,
            "processor_ms": self.processor * 1000 / self.number,
        }


def inserts(*, seconds, work_dir=None, rows=1):
    """Insert rows, so many in each transaction, each of which is synced."""
    with (
        tempfile.TemporaryDirectory(prefix="imagegen-inserts-", dir=work_dir) as name,
        contextlib.closing(sqlite3.connect(Path(name, "rows.db"), isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE tasks (id INTEGER PRIMARY KEY, task_id, status, request)")

        def insert():
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO tasks (task_id, status, request) VALUES (?, ?, ?)", [ROW] * rows
            )
            connection.execute("COMMIT")
            return rows

        return _repeated(insert, seconds)


def copies(content, *, seconds, work_dir=None):
    """Copy a file again and again, each copy synced and renamed, with its directory."""
    with tempfile.TemporaryDirectory(prefix="imagegen-copies-", dir=work_dir) as name:
        folder = Path(name)
        source = folder / "source"
        source.write_bytes(content)
        directory = os.open(folder, os.O_RDONLY)

        def copy():
            with (folder / "part").open("wb") as target:
                target.write(source.read_bytes())
                target.flush()
                os.fsync(target.fileno())
            (folder / "part").rename(folder / "copy")
            os.fsync(directory)
            return 1

        try:
            return _repeated(copy, seconds)
        finally:
            os.close(directory)


def _repeated(act, seconds):
    number, started, processor = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - started) < seconds or not number:
        number += act()
    return Rate(number, elapsed, time.process_time() - processor)
