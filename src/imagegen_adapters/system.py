"""The operating system's clock, ids and disk space."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import attrs
import uuid_utils

from imagegen_core.errors import StorageError
from imagegen_core.messages import StorageCode
from imagegen_core.ports.tools import Clock


def new_id() -> str:
    """Return a UUIDv7 as 36 lower-case characters, greater than all earlier ones of this process."""
    return str(uuid_utils.uuid7())


class SystemClock(Clock):
    """The real time."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@attrs.frozen
class SystemDiskSpace:
    """Free space on the file system of a path. Below ``min_free_bytes``, no more paid calls are sent."""

    _path: Path
    _min_free_bytes: int

    def free_bytes(self) -> int:
        """Return the bytes that may be written; raises `StorageError` if the file system does not answer."""
        try:
            status = os.statvfs(self._path)
        except OSError as error:
            raise StorageError(StorageCode.FILE_SYSTEM_SILENT(detail=str(error.strerror))) from error
        return status.f_bavail * status.f_frsize  # not f_bfree, which includes the blocks reserved for root

    def has_room(self) -> bool:
        return self.free_bytes() >= self._min_free_bytes
