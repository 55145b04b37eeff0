"""The disk as the operating system sees it."""

import os
from pathlib import Path

from imagegen_core.errors import StorageError
from imagegen_core.ports.clock import Clock

_MAX_AGE_SECONDS = 1.0


class SystemDiskSpace:
    """Asks the file system that holds ``path``, at most once a second.

    Args:
        path: an existing file or directory on that file system.
        min_free_bytes: below this, no more paid calls are sent.
        clock: tells how old the last answer is.
    """

    def __init__(self, path: Path, min_free_bytes: int, *, clock: Clock) -> None:
        self._path = path
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._seen: tuple[float, int] | None = None

    def free_bytes(self) -> int:
        now = self._clock.monotonic()
        if self._seen is None or now - self._seen[0] >= _MAX_AGE_SECONDS:
            self._seen = now, self._ask()
        return self._seen[1]

    def sufficient(self) -> bool:
        return self.free_bytes() >= self._min_free_bytes

    def _ask(self) -> int:
        try:
            status = os.statvfs(self._path)
        except OSError as error:
            raise StorageError(f"the file system does not answer: {error.strerror}") from error
        # f_bavail, not f_bfree: what root keeps for itself is not ours to write.
        return status.f_bavail * status.f_frsize
