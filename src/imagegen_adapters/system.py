"""What the operating system gives: time, identifiers and room on the disk."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import uuid_utils

from imagegen_core.errors import StorageError
from imagegen_core.messages import StorageCode
from imagegen_core.ports.tools import Clock

_MAX_AGE_SECONDS = 1.0


def new_id() -> str:
    """Return a UUIDv7 as 36 lower-case characters, greater than all earlier ones of this process."""
    return str(uuid_utils.uuid7())


class SystemClock(Clock):
    """Returns the real time."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemDiskSpace:
    """Watches the file system that holds ``path``; asks it at most once per second.

    Below ``min_free_bytes``, no more paid calls are sent. `StorageError` if the file system does not answer.
    """

    def __init__(self, path: Path, min_free_bytes: int, *, clock: Clock) -> None:
        self._path = path
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._last: tuple[float, int] | None = None

    def free_bytes(self) -> int:
        now = self._clock.monotonic()
        if self._last is None or now - self._last[0] >= _MAX_AGE_SECONDS:
            try:
                status = os.statvfs(self._path)
            except OSError as error:
                raise StorageError(StorageCode.FILE_SYSTEM_SILENT(detail=str(error.strerror))) from error
            # f_bavail, not f_bfree, which includes the blocks reserved for root.
            self._last = now, status.f_bavail * status.f_frsize
        return self._last[1]

    def has_room(self) -> bool:
        return self.free_bytes() >= self._min_free_bytes
