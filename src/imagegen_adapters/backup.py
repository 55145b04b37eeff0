"""Writes a data directory into one file, also while the service is running.

It is an uncompressed tar archive with these members, in this order.

``imagegen-backup.json`` holds the format version, ``imagegen.db`` a consistent snapshot of the database,
``spool/…`` the inputs of tasks that were unfinished at that moment, ``inputs/…`` those that are kept of ended
tasks, ``images/…`` the images and thumbnails.
``end.json`` holds the file count and a digest of all of it, so that a truncated backup is detected.
The master key is never included.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import attrs

from imagegen_adapters.files.local import sync_directory
from imagegen_adapters.stores.directory import (
    DATABASE_FILE,
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    SPOOL_DIRECTORY,
)
from imagegen_adapters.stores.sqlite.database import take_snapshot
from imagegen_adapters.stores.sqlite.engine import open_copier, sqlite3, storage_error
from imagegen_core.errors import ImagegenError
from imagegen_core.messages import MessageCode
from imagegen_core.ports.blobs import is_key


class BackupCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with a backup, or with the place that it is to go to."""


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


_IMAGES = """
SELECT id, blob_key, thumbnail_key, storage, size_bytes FROM images WHERE id > ? ORDER BY id LIMIT 1000
"""

_IMAGE_BYTES = "SELECT coalesce(sum(size_bytes), 0) FROM images WHERE storage <> 'oss'"

_HAS_DATA = """
SELECT EXISTS (SELECT 1 FROM tasks) OR EXISTS (SELECT 1 FROM images)
    OR EXISTS (SELECT 1 FROM provider_configs)
"""

_SEALED = """
SELECT count(*) FROM (
    SELECT 1 FROM provider_configs WHERE api_key IS NOT NULL
    UNION ALL SELECT 1 FROM provider_configs WHERE sealed_extra IS NOT NULL
    UNION ALL SELECT 1 FROM tasks WHERE override IS NOT NULL
    UNION ALL SELECT 1 FROM attempts WHERE sealed_config IS NOT NULL
)
"""


@attrs.frozen(kw_only=True)
class ImageFile:
    """The files of an image record; ``local`` if its content should be on the local disk."""

    id: int
    blob_key: str
    thumbnail_key: str | None
    size_bytes: int
    local: bool


class SnapshotRows:
    """Reads a database file that other connections may be using; each query sees its own snapshot."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def from_path(cls, path: Path) -> Iterator["SnapshotRows"]:
        """Open the database while the body runs."""
        try:
            with closing(open_copier(path)) as connection:
                yield cls(connection)
        except sqlite3.Error as error:
            raise storage_error(error) from error

    def empty(self) -> bool:
        """Return whether there are no tasks, images or provider configurations."""
        return not self._connection.execute(_HAS_DATA).fetchone()[0]

    def images(self) -> Iterator[ImageFile]:
        """Yield all images, oldest first."""
        after = 0
        while rows := self._connection.execute(_IMAGES, (after,)).fetchall():
            for row in rows:
                yield _image(row)
            after = rows[-1]["id"]

    def image(self, image_id: int) -> ImageFile | None:
        """Return one image, or None if it does not exist."""
        rows = self._connection.execute(_IMAGES, (image_id - 1,)).fetchall()
        return _image(rows[0]) if rows and rows[0]["id"] == image_id else None

    def image_bytes(self) -> int:
        """Return the total size of the images that should be on the local disk."""
        return int(self._connection.execute(_IMAGE_BYTES).fetchone()[0])

    def task_status(self, task_id: str) -> str | None:
        """Return the status of a task, or None if it does not exist."""
        row = self._connection.execute("SELECT status FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        return None if row is None else str(row[0])

    def tasks(self, status: str) -> tuple[str, ...]:
        """Return the ids of the tasks in a status, oldest first."""
        query = "SELECT task_id FROM tasks WHERE status = ? ORDER BY created_at, task_id"
        return tuple(str(task_id) for (task_id,) in self._connection.execute(query, (status,)).fetchall())

    def sealed(self) -> int:
        """Return the number of secrets that only the master key opens."""
        return int(self._connection.execute(_SEALED).fetchone()[0])


def _image(row: sqlite3.Row) -> ImageFile:
    return ImageFile(
        id=row["id"],
        blob_key=row["blob_key"],
        thumbnail_key=row["thumbnail_key"],
        size_bytes=row["size_bytes"],
        local=row["storage"] != "oss",
    )


_MAX_CHECKS, _PAUSE_SECONDS = 20, 0.1
"""How often, and at what interval, an image whose file is missing is looked up again.

An expiry removes the local file before it updates the record. A record that has not followed after these
checks is wrong, and the image is reported as missing.
"""


@attrs.frozen(kw_only=True)
class BackupReport:
    """``missing`` are the keys of images whose local file is absent or has another size than recorded."""

    images: int
    files: int
    size_bytes: int
    missing: tuple[str, ...]


def write_backup(
    data_dir: Path,
    target: Path,
    *,
    now: datetime,
    force: bool,
    progress: Progress,
    pause: Callable[[float], object] = time.sleep,
) -> BackupReport:
    """Write the backup durably to one file of mode 0600, which appears under its name only when complete.

    ``now`` is written into it. ``pause`` sleeps for the given seconds, to wait for images that are being
    moved to the archive.
    """
    database = data_dir / DATABASE_FILE
    if not database.is_file():
        raise BackupError(BackupCode.NO_DATABASE())
    if target.exists() and not force:
        raise BackupError(BackupCode.TARGET_EXISTS(name=target.name))
    with _atomic_file(target) as file:
        snapshot = target.with_name(f"{target.name}.snapshot.part")
        snapshot.unlink(missing_ok=True)  # left by a backup that was killed
        try:
            take_snapshot(database, snapshot)
            with SnapshotRows.from_path(snapshot) as rows, SnapshotRows.from_path(database) as live_rows:
                if rows.empty():
                    raise BackupError(BackupCode.EMPTY_DATABASE())
                return _BackupWriter(file, data_dir, rows, progress).write(snapshot, live_rows, now, pause)
        finally:
            snapshot.unlink(missing_ok=True)


@contextlib.contextmanager
def _atomic_file(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file that replaces the target when the body succeeds and is removed when it fails."""
    part = target.with_name(f"{target.name}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(BackupCode.TARGET_IN_USE(name=target.name)) from error
        os.fchmod(file.fileno(), 0o600)
        os.ftruncate(file.fileno(), 0)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(target)
        except BaseException:  # an interruption leaves nothing behind either
            part.unlink(missing_ok=True)
            raise
    sync_directory(target.parent)


class _BackupWriter:
    """Writes the members of one backup."""

    def __init__(self, file: IO[bytes], data_dir: Path, rows: SnapshotRows, progress: Progress) -> None:
        self._tar = tarfile.TarFile(
            fileobj=file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=CHUNK_BYTES
        )
        self._data_dir = data_dir
        self._rows = rows
        self._progress = progress
        self._tally = Tally()
        self._total_bytes = 0
        self._images = 0

    def write(
        self, snapshot: Path, live_rows: SnapshotRows, now: datetime, pause: Callable[[float], object]
    ) -> BackupReport:
        """Write all members; ``live_rows`` tells whether a missing file is still expected by its record."""
        self._total_bytes = snapshot.stat().st_size + self._rows.image_bytes()
        self._add_json(HEADER, {"format": FORMAT, "created_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
        self._add(DATABASE_FILE, snapshot)
        self._add_spool()
        suspects = [image for image in self._rows.images() if not self._add_image(image)]
        for _ in range(_MAX_CHECKS):
            suspects = [image for image in suspects if self._is_still_missing(image, live_rows)]
            if not suspects:
                break
            pause(_PAUSE_SECONDS)
        self._add_json(TRAILER, self._tally.summary())
        self._tar.close()
        return BackupReport(
            images=self._images,
            files=self._tally.files,
            size_bytes=self._tally.size_bytes,
            missing=tuple(image.blob_key for image in suspects),
        )

    def _add_spool(self) -> None:
        """Add the inputs of tasks that may still be sent or made again, and the responses of running tasks.

        Of a task that ends meanwhile, inputs are moved from the one directory to the other.
        """
        for directory in (SPOOL_DIRECTORY, INPUTS_DIRECTORY):
            owners = self._data_dir / directory
            for owner in sorted(owners.iterdir()) if owners.is_dir() else ():
                if owner.is_dir() and self._is_needed(owner.name):
                    self._add_files(directory, owner)

    def _is_needed(self, owner: str) -> bool:
        task_id, attempt_dot, _ = owner.partition(".")
        status = self._rows.task_status(task_id)
        ended = status in ("completed", "failed", "cancelled")
        return status is not None and not (ended and attempt_dot)

    def _add_files(self, directory: str, owner: Path) -> None:
        with contextlib.suppress(FileNotFoundError):  # moved or removed meanwhile
            for file in sorted(owner.iterdir()):
                name = f"{owner.name}/{file.name}"
                if is_key(name):
                    self._add(f"{directory}/{name}", file)

    def _add_image(self, image: ImageFile) -> bool:
        """Add the local files of an image; return whether they are as its record says."""
        if image.thumbnail_key is not None:
            self._add(
                f"{IMAGES_DIRECTORY}/{image.thumbnail_key}",
                self._data_dir / IMAGES_DIRECTORY / image.thumbnail_key,
            )
        size = self._add(
            f"{IMAGES_DIRECTORY}/{image.blob_key}", self._data_dir / IMAGES_DIRECTORY / image.blob_key
        )
        self._images += size is not None
        return size == image.size_bytes or not image.local

    def _is_still_missing(self, image: ImageFile, live_rows: SnapshotRows) -> bool:
        """Return whether the file is still missing though its record was neither deleted nor expired."""
        record = live_rows.image(image.id)
        if record is None or not record.local:
            return False
        path = self._data_dir / IMAGES_DIRECTORY / image.blob_key
        return not path.is_file() or path.stat().st_size != image.size_bytes

    def _add(self, name: str, path: Path) -> int | None:
        """Add a file and return its size, or None if it does not exist."""
        try:
            source = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except FileNotFoundError:
            return None
        with source:
            status = os.fstat(source.fileno())
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), 0o600
            self._tally.begin(name)
            self._tar.addfile(member, _CountedFile(source, self))
        self._tar.members.clear()  # type: ignore[attr-defined] # tarfile keeps every member: too much memory with a million images
        return status.st_size

    def _add_json(self, name: str, value: object) -> None:
        content = json.dumps(value).encode()
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))

    def count(self, chunk: bytes) -> None:
        self._tally.add(chunk)
        self._progress(self._tally.size_bytes, self._total_bytes)


@attrs.frozen
class _CountedFile:
    """Counts the chunks of a file as they are read."""

    _file: IO[bytes]
    _writer: _BackupWriter

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._writer.count(chunk)
        return chunk
