"""The data directory, and the lock that lets only one process modify it."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from imagegen_adapters.files.local import write_durably
from imagegen_adapters.stores import DatabaseCode
from imagegen_core.errors import StorageError
from imagegen_core.messages import Message

DATABASE_FILE = "imagegen.db"
LOCK_FILE = "lock"
IMAGES_DIRECTORY = "images"
SPOOL_DIRECTORY = "spool"
INPUTS_DIRECTORY = "inputs"
"""Kept input images; on the file system of `SPOOL_DIRECTORY`, from which they are moved."""
CACHE_DIRECTORY = "cache"
LARGE_THUMBNAILS_DIRECTORY = "large-thumbnails"
COPIES_DIRECTORY = "copies"
"""A node's copies of spooled files; not in `SPOOL_DIRECTORY`, where an earlier service may have the only
ones."""
INSTALLATION_FILE = "installation"


_TRANSIENT_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
"""Errors that may be gone at the next attempt."""


class DataDirectoryInUse(StorageError):
    """Another process holds the lock of the data directory."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.DIRECTORY_IN_USE())


class DataDirectoryUnusable(StorageError):
    """The data directory cannot be created, read or written to."""


class DataDirectoryMissing(DataDirectoryUnusable):
    """The data directory or its database is missing, and none is to be created."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.DIRECTORY_MISSING())


class DataDirectory:
    """A directory that only this process may modify until `close`; returned by `open`."""

    def __init__(self, path: Path, lock: int | None, new_paths: tuple[Path, ...] = ()) -> None:
        self.path = path
        self._lock = lock
        self._new_paths = new_paths

    @classmethod
    def open(cls, path: Path, *, lock: bool = True, create: bool = True) -> "DataDirectory":
        """Lock the directory, which is created with mode 0700 if it is missing.

        Without ``lock`` nothing is changed, for reading beside a service; without ``create``, a database must
        exist.
        """
        try:
            if not lock:
                next(path.iterdir(), None)
                return cls(path, None)
            if not create and not (path / DATABASE_FILE).exists():
                raise DataDirectoryMissing
            missing = tuple(p for p in (path / LOCK_FILE, path, *path.parents) if not p.exists())
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            return cls(path, _locked(path / LOCK_FILE), missing)
        except BlockingIOError as error:
            raise DataDirectoryInUse from error
        except OSError as error:
            kind = StorageError if error.errno in _TRANSIENT_ERRNOS else DataDirectoryUnusable
            raise kind(_reason(error)) from error

    @property
    def database(self) -> Path:
        return self.path / DATABASE_FILE

    def installation_id(self, new_id: Callable[[], str]) -> str:
        """Return the id of the directory; the first call stores that of ``new_id``."""
        if existing_id := self.known_installation_id():
            return existing_id
        installation_id = new_id()
        try:
            write_durably(self.path / INSTALLATION_FILE, f"{installation_id}\n".encode())
        except OSError as error:
            raise DataDirectoryUnusable(_reason(error)) from error
        return installation_id

    def known_installation_id(self) -> str | None:
        try:
            return (self.path / INSTALLATION_FILE).read_text("utf-8").strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataDirectoryUnusable(_reason(error)) from error

    @property
    def locked(self) -> bool:
        """Whether this process holds the lock and so may modify the directory."""
        return self._lock is not None

    def close(self) -> None:
        """Release the lock, and remove an empty directory that `open` has created. May be called twice."""
        if self._lock is not None:
            with contextlib.suppress(OSError):  # the lock goes when the process ends, whatever stays
                if all(path.name == LOCK_FILE for path in self.path.iterdir()):
                    for path in self._new_paths:
                        (path.rmdir if path.is_dir() else partial(path.unlink, missing_ok=True))()
            os.close(self._lock)
            self._lock = None


def _reason(error: OSError) -> Message:
    return DatabaseCode.DIRECTORY_UNUSABLE(detail=str(error.strerror))


def _locked(path: Path) -> int:
    """Return the descriptor that holds the lock, until it is closed or the process ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise BlockingIOError from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(descriptor).st_nlink:
            raise BlockingIOError
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
