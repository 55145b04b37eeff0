"""The format of a backup: an uncompressed tar archive with these members, in this order.

``imagegen-backup.json`` holds the format version, ``imagegen.db`` a consistent snapshot of the database,
``spool/…`` the inputs of tasks that were unfinished at that moment, ``inputs/…`` those that are kept of ended
tasks, ``images/…`` the images and thumbnails.
``end.json`` holds the file count and a digest of all of it, so that a truncated backup is detected.
The master key is never included.
"""

import hashlib
from collections.abc import Callable

import attrs

from imagegen_adapters.stores.directory import (
    DATABASE_FILE,
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    SPOOL_DIRECTORY,
)
from imagegen_core.errors import ImagegenError
from imagegen_core.ports.blobs import is_key

FORMAT = 1
HEADER = "imagegen-backup.json"
TRAILER = "end.json"
CHUNK_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]
"""Called with the number of bytes processed and the approximate total."""


class BackupError(ImagegenError):
    """A backup could not be written or restored; the message is one line."""


@attrs.define
class Tally:
    """Counts files and digests their names and contents, in order."""

    files: int = 0
    size_bytes: int = 0
    _sha256: "hashlib._Hash" = attrs.field(factory=hashlib.sha256, repr=False)

    def begin(self, name: str) -> None:
        """Start the next file."""
        self.files += 1
        self._sha256.update(name.encode() + b"\0")

    def add(self, chunk: bytes) -> None:
        """Add the next chunk of the current file's content."""
        self.size_bytes += len(chunk)
        self._sha256.update(chunk)

    def summary(self) -> dict[str, object]:
        """Return the content of ``end.json``."""
        return {"files": self.files, "bytes": self.size_bytes, "sha256": self._sha256.hexdigest()}


def is_expected(name: str) -> bool:
    """Return whether a backup may contain this name; none of them leads out of the data directory."""
    top, slash, key = name.partition("/")
    directories = (IMAGES_DIRECTORY, INPUTS_DIRECTORY, SPOOL_DIRECTORY)
    return name == DATABASE_FILE or (bool(slash) and top in directories and is_key(key))
