"""The free space reported by the operating system."""

import os
from pathlib import Path

from imagegen_core.errors import StorageError
from imagegen_core.ports.clock import Clock
from imagegen_core.problems import StorageCode

_MAX_AGE_SECONDS = 1.0


class SystemDiskSpace:
    """Queries the file system that holds ``path``, at most once per second.

    Args:
        path: an existing file or directory on that file system.
        min_free_bytes: below this, no more paid calls are sent.
        clock: measures the age of the last result.
    """

    def __init__(self, path: Path, min_free_bytes: int, *, clock: Clock) -> None:
        self._path = path
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._last: tuple[float, int] | None = None

    def free_bytes(self) -> int:
        now = self._clock.monotonic()
        if self._last is None or now - self._last[0] >= _MAX_AGE_SECONDS:
            self._last = now, self._query()
        return self._last[1]

    def sufficient(self) -> bool:
        return self.free_bytes() >= self._min_free_bytes

    def _query(self) -> int:
        try:
            status = os.statvfs(self._path)
        except OSError as error:
            raise StorageError(StorageCode.FILE_SYSTEM_SILENT(detail=str(error.strerror))) from error
        # f_bavail, not f_bfree, which includes the blocks reserved for root.
        return status.f_bavail * status.f_frsize
