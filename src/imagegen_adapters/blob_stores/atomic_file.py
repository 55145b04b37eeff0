"""Atomic writes: a file is written under a temporary name and renamed when it is complete and synced."""

import contextlib
import hashlib
import itertools
import os
import threading
from pathlib import Path
from typing import Protocol

TEMPORARY_MARK = "~"
"""Occurs in every temporary name and in no valid key."""

_numbers = itertools.count()


class RunningChecksum(Protocol):
    """The checksum of an archive, computed while bytes pass by."""

    @property
    def text(self) -> str:
        """The checksum so far, as the archive writes it."""
        ...

    def update(self, data: bytes) -> None:
        """Take the next bytes in."""
        ...


class AtomicFile:
    """A file that is being written; blocking, for use in threads.

    Either `commit` or `abandon` finishes it; calling `abandon` afterwards does nothing. `abandon` waits for a
    write in another thread, so that a cancelled task never closes a descriptor that is in use. Every method
    except `abandon` may raise `OSError`.
    """

    def __init__(self, path: Path, *, checksum: RunningChecksum | None = None) -> None:
        """Create the temporary file next to ``path``, readable by its owner only, and missing parents."""
        make_directory(path.parent)
        self._path = path
        self._temporary, self._fd = _create_beside(path)
        self._lock = threading.Lock()
        self._open = True
        self._sha256 = hashlib.sha256()
        self._checksum = checksum
        self.size = 0

    def write(self, chunks: list[bytes]) -> None:
        """Append the chunks."""
        data = b"".join(chunks)  # few large calls: each system call and each hash releases the GIL
        with self._lock:
            if not self._open:
                return
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            self._sha256.update(data)
            if self._checksum is not None:
                self._checksum.update(data)
            self.size += len(data)

    def commit(self) -> tuple[int, str, str | None]:
        """Rename the synced file into place; return its size, SHA-256 in hex and archive checksum, if any."""
        with self._lock:
            os.fsync(self._fd)
            os.replace(self._temporary, self._path)  # noqa: PTH105 - one system call, on strings
            self._open = False
            os.close(self._fd)
        sync_directory(self._path.parent)
        return self.size, self._sha256.hexdigest(), None if self._checksum is None else self._checksum.text

    def abandon(self) -> None:
        """Remove the temporary file, unless it was committed."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            with contextlib.suppress(OSError):
                os.close(self._fd)
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)  # noqa: PTH108 - one system call, on strings


def make_directory(path: Path) -> None:
    """Create the directory and its missing parents with mode 0700, syncing each new name."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


def sync_directory(path: Path) -> None:
    """Make changes to the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _create_beside(path: Path) -> tuple[str, int]:
    while True:
        name = f"{path}{TEMPORARY_MARK}{os.getpid()}-{next(_numbers)}"
        try:
            return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:  # left by an earlier process with the same id
            continue
