"""Keeps the write-ahead log from growing without bound while a reader blocks checkpoints."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from imagegen_adapters.databases.sqlite.connections import BUSY_TIMEOUT_MS, WAL_SIZE_LIMIT_BYTES
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.readers import Readers

_TRUNCATE_TIMEOUT_MS = 200
"""How long the writer waits for readers when it truncates the log."""

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class WalLimits:
    """The sizes of the log at which a warning is logged and at which old reads are interrupted."""

    warn_bytes: int = WAL_SIZE_LIMIT_BYTES
    truncate_bytes: int = 4 * WAL_SIZE_LIMIT_BYTES
    old_read_seconds: float = 2.0


DEFAULT_WAL_LIMITS = WalLimits()


class Watchdog:
    """Called after each batch in the writer's thread; truncates at most once in ``old_read_seconds``."""

    def __init__(self, wal: Path, readers: Sequence[Readers], limits: WalLimits) -> None:
        self._wal = wal
        self._readers = readers
        self._limits = limits
        self._warned = False
        self._next_truncation = 0.0

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Warn, or interrupt old reads and truncate, depending on the size of the log."""
        size = self._size()
        if size <= self._limits.warn_bytes:
            self._warned = False
            return
        if not self._warned:
            _log.warning("the write-ahead log has grown to %d bytes", size)
            self._warned = True
        if size > self._limits.truncate_bytes and time.monotonic() >= self._next_truncation:
            self._next_truncation = time.monotonic() + self._limits.old_read_seconds
            age = self._limits.old_read_seconds
            interrupted = sum(readers.interrupt(older_than_seconds=age) for readers in self._readers)
            _log.warning("interrupted %d old reads to truncate the write-ahead log", interrupted)
            _truncate(connection)

    def _size(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0


def _truncate(connection: sqlite3.Connection) -> None:
    """Truncate the log if no reader needs it."""
    try:
        connection.execute(f"PRAGMA busy_timeout={_TRUNCATE_TIMEOUT_MS}").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        _log.warning("the write-ahead log could not be truncated: %s", error)
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").fetchall()
