"""Errors of the operating system as errors of a blob store."""

import contextlib
import errno
from collections.abc import Iterator

from imagegen_core.errors import BlobMissing, StorageError, StorageFull
from imagegen_core.problems.storage import StorageCode

_DISK_FULL_ERRNOS = frozenset((errno.ENOSPC, errno.EDQUOT))


@contextlib.contextmanager
def disk_errors(key: str) -> Iterator[None]:
    """Translate `OSError` to the errors of the port, without any path in the message.

    Raises:
        BlobMissing: there is no such file.
        StorageFull: there is no room left.
        StorageError: the disk fails otherwise.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BlobMissing(key) from error
    except OSError as error:
        kind = StorageFull if error.errno in _DISK_FULL_ERRNOS else StorageError
        detail = error.strerror or type(error).__name__
        raise kind(StorageCode.BLOB_FAILED(key=key, detail=detail)) from error
