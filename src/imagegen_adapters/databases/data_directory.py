"""The one directory that holds everything, and the lock that lets one service use it."""

import errno
import fcntl
import os
from pathlib import Path

from imagegen_core.errors import StorageError

DATABASE_FILE = "imagegen.db"
LOCK_FILE = "lock"
IMAGES_DIRECTORY = "images"
SPOOL_DIRECTORY = "spool"


_TRANSIENT_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What may be over by the next try."""


class DataDirectoryInUse(StorageError):
    """Another process works in the data directory."""

    def __init__(self) -> None:
        super().__init__("another imagegen process is using this data directory")


class DataDirectoryUnusable(StorageError):
    """The data directory cannot be made, read or written to."""


class DataDirectoryMissing(DataDirectoryUnusable):
    """There is no data directory, or one without a database, and the caller does not want a new one."""

    def __init__(self) -> None:
        super().__init__(
            "no imagegen data is there; `imagegen serve` begins it, "
            "or IMAGEGEN_CONFIG names the settings that have another data_dir"
        )


class DataDirectory:
    """A directory that this process alone may change, until `close`; made by `open`."""

    def __init__(self, path: Path, lock: int | None) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, lock: bool = True, create: bool = True) -> "DataDirectory":
        """Make the directory with mode 0700 if it is missing, check that it can be written to, lock it.

        With ``lock=False`` nothing is made or changed: reading beside a running service. With
        ``create=False`` a directory without a database stays as it is.

        Raises:
            DataDirectoryInUse: another process holds the lock.
            DataDirectoryMissing: there is no data, and none is to be begun.
            DataDirectoryUnusable: it cannot be used, and why.
        """
        try:
            if not lock:
                next(path.iterdir(), None)
                return cls(path, None)
            if not create and not (path / DATABASE_FILE).exists():
                raise DataDirectoryMissing
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            return cls(path, _locked(path / LOCK_FILE))
        except BlockingIOError as error:
            raise DataDirectoryInUse from error
        except OSError as error:
            kind = StorageError if error.errno in _TRANSIENT_ERRNOS else DataDirectoryUnusable
            raise kind(f"the data directory cannot be used: {error.strerror}") from error

    @property
    def database(self) -> Path:
        """Where the database is."""
        return self.path / DATABASE_FILE

    @property
    def locked(self) -> bool:
        """Whether this process may change what is inside."""
        return self._lock is not None

    def close(self) -> None:
        """Let the next one in. May be called twice."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(path: Path) -> int:
    """Return the descriptor that holds the lock; the kernel frees it however this process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
