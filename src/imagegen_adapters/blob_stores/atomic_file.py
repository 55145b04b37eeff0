"""Atomic writes: a file is written under a temporary name and renamed when it is complete and synced."""

import contextlib
import errno
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Sequence
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


class AtomicFile:
    """A file that is being written; its methods block, for use in threads.

    The first of them creates the temporary file next to ``path``, readable by its owner only, and missing
    parents. Either `commit` or `abandon` finishes it; calling `abandon` afterwards does nothing. `abandon`
    waits for a write in another thread, so that a cancelled task never closes a descriptor that is in use.
    `write` and `commit` may raise `OSError`; after `abandon`, `write` does nothing and `commit` raises.

    Args:
        path: where the complete file is to be.
        checksum: computed beside the SHA-256, if any.
        make_parent: creates a missing parent, durably.
        is_synced: whether its bytes survive a power cut once it is renamed.
    """

    def __init__(
        self,
        path: Path,
        *,
        checksum: RunningChecksum | None = None,
        make_parent: Callable[[Path], None] = make_directory,
        is_synced: bool = True,
    ) -> None:
        self._path = path
        self._make_parent = make_parent
        self._is_synced = is_synced
        self._temporary = ""
        self._fd: int | None = None
        self._lock = threading.Lock()
        self._finished = False
        self._sha256 = hashlib.sha256()
        self._checksum = checksum
        self.size = 0

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append the chunks."""
        with self._lock:
            if not self._finished:
                self._append(self._created(), b"".join(chunks))

    def commit(self, chunks: Sequence[bytes] = ()) -> tuple[int, str, str | None]:
        """Append the last chunks and rename the synced file into place.

        A power cut may undo the renaming until `sync_directory`. Returns its size, its SHA-256 in
        hexadecimal, and the checksum of the archive, if any.
        """
        with self._lock:
            if self._finished:  # its descriptor may belong to another file by now
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
            fd = self._created()
            self._append(fd, b"".join(chunks))
            if self._is_synced:
                os.fsync(fd)
            os.replace(self._temporary, self._path)  # noqa: PTH105 - one system call, on strings
            self._finished = True
            os.close(fd)
        return self.size, self._sha256.hexdigest(), None if self._checksum is None else self._checksum.text

    def abandon(self) -> None:
        """Remove the temporary file, unless it was committed."""
        with self._lock:
            if self._finished or self._fd is None:
                self._finished = True
                return
            self._finished = True
            with contextlib.suppress(OSError):
                os.close(self._fd)
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)  # noqa: PTH108 - one system call, on strings

    def _created(self) -> int:
        """Return the descriptor of the temporary file."""
        if self._fd is None:
            try:
                self._temporary, self._fd = _create_beside(self._path)
            except (FileNotFoundError, NotADirectoryError):
                self._make_parent(self._path.parent)
                self._temporary, self._fd = _create_beside(self._path)
        return self._fd

    def _append(self, fd: int, data: bytes) -> None:
        """Write all of the data: few large calls, since each system call and each hash releases the GIL."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        self._sha256.update(data)
        if self._checksum is not None:
            self._checksum.update(data)
        self.size += len(data)


def _create_beside(path: Path) -> tuple[str, int]:
    while True:
        name = f"{path}{TEMPORARY_MARK}{os.getpid()}-{next(_numbers)}"
        try:
            return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:  # left by an earlier process with the same id
            continue
