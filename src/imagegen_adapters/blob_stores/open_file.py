"""A blob's file that is open to be read."""

import asyncio
import errno
import os
import stat
import threading
from pathlib import Path


class OpenFile:
    """A file read at offsets by changing threads; a lock keeps it open during a read."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._lock = threading.Lock()
        status = os.fstat(self._fd)
        self.size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            os.close(self._fd)
            raise FileNotFoundError(errno.ENOENT, "not a regular file")

    def read(self, length: int, offset: int) -> bytes:
        """Return so many bytes.

        Raises:
            OSError: there are fewer.
        """
        with self._lock:
            chunk = os.pread(self._fd, length, offset)
        if len(chunk) != length:  # blobs are only ever replaced, so the disk has lost part of the file
            raise OSError(errno.EIO, "the file became shorter while it was read")
        return chunk

    def close(self) -> None:
        """Close it, after a read that another thread has begun."""
        with self._lock:
            os.close(self._fd)


def open_file(path: Path, start: int, end: int | None, max_bytes: int) -> tuple[OpenFile | None, bytes]:
    """Return an open file and its first piece; None as the file if that is all of it."""
    file = OpenFile(path)
    stop = file.size if end is None else min(end, file.size)
    try:
        chunk = file.read(min(max_bytes, stop - start), start) if start < stop else b""
    except BaseException:
        file.close()
        raise
    if start + len(chunk) < stop:
        return file, chunk
    file.close()
    return None, chunk


def close_opened(opening: "asyncio.Future[tuple[OpenFile | None, bytes]]") -> None:
    """Close what nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None and (file := opening.result()[0]) is not None:
        file.close()
