"""What a backup is: an uncompressed tar with these members in this order.

``imagegen-backup.json`` tells the format, ``imagegen.db`` is the database as it was at one moment,
``spool/…`` the inputs of tasks that had not ended then, ``images/…`` images and thumbnails, and
``end.json`` counts and digests all of it, so that a backup that was cut off is told from a whole one.
Keys are never among them.
"""

import hashlib
from collections.abc import Callable

import attrs

from imagegen_adapters.blob_stores.keys import is_key
from imagegen_adapters.databases.data_directory import DATABASE_FILE, IMAGES_DIRECTORY, SPOOL_DIRECTORY
from imagegen_core.errors import ImagegenError

FORMAT = 1
HEADER = "imagegen-backup.json"
TRAILER = "end.json"
CHUNK_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and about how many there are."""


class BackupError(ImagegenError):
    """A backup could not be made or restored; the message is one line."""


@attrs.define
class Tally:
    """Counts and digests files by name and content, in their order."""

    files: int = 0
    size_bytes: int = 0
    _sha256: "hashlib._Hash" = attrs.field(factory=hashlib.sha256, repr=False)

    def begin(self, name: str) -> None:
        """Note the next file."""
        self.files += 1
        self._sha256.update(name.encode() + b"\0")

    def add(self, piece: bytes) -> None:
        """Note a piece of its content."""
        self.size_bytes += len(piece)
        self._sha256.update(piece)

    def told(self) -> dict[str, object]:
        """Return what ``end.json`` says."""
        return {"files": self.files, "bytes": self.size_bytes, "sha256": self._sha256.hexdigest()}


def is_expected(name: str) -> bool:
    """Return whether a file may have this name: one without a way out of the data directory."""
    top, slash, key = name.partition("/")
    return name == DATABASE_FILE or (
        bool(slash) and top in (IMAGES_DIRECTORY, SPOOL_DIRECTORY) and is_key(key)
    )
