"""Writes a data directory into one file, also while the service is running.

It is an uncompressed tar archive: ``imagegen-backup.json`` (the format), ``imagegen.db`` (a snapshot),
``spool/…`` (inputs of tasks that were unfinished then), ``inputs/…`` (kept ones), ``images/…``, and
``end.json``. The last holds the file count and a digest of all, so a truncated backup is detected. The master
key is never included.
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
    """What is wrong with a backup, or with its target."""


FORMAT = 1
HEADER = "imagegen-backup.json"
TRAILER = "end.json"
CHUNK_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]
"""Called with the number of bytes processed and the approximate total."""


class BackupError(ImagegenError):
    """A backup could not be written or restored; the message is one line."""


@attrs.define(kw_only=True)
class Tally:
    """Counts files, hashes their names and contents in order, and reports the progress."""

    progress: Progress = lambda _done, _total: None
    total_bytes: int = 0
    files: int = 0
    size_bytes: int = 0
    _sha256: "hashlib._Hash" = attrs.field(factory=hashlib.sha256, repr=False, init=False)

    def begin(self, name: str) -> None:
        self.files += 1
        self._sha256.update(name.encode() + b"\0")

    def add(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self._sha256.update(chunk)
        self.progress(self.size_bytes, self.total_bytes)

    def summary(self) -> dict[str, object]:
        return {"files": self.files, "bytes": self.size_bytes, "sha256": self._sha256.hexdigest()}


def is_expected(name: str) -> bool:
    """Whether a backup may contain this name; none of them leads out of the data directory."""
    top, slash, key = name.partition("/")
    directories = (IMAGES_DIRECTORY, INPUTS_DIRECTORY, SPOOL_DIRECTORY)
    return name == DATABASE_FILE or (bool(slash) and top in directories and is_key(key))


_IMAGES = """
SELECT id, blob_key, thumbnail_key, size_bytes, storage <> 'oss' AS local
FROM images WHERE id > ? ORDER BY id LIMIT 1000
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
    """The files of an image row; ``local`` if its content should be on the local disk."""

    id: int
    blob_key: str
    thumbnail_key: str | None
    size_bytes: int
    local: bool = attrs.field(converter=bool)

    def is_missing(self, data_dir: Path) -> bool:
        """Whether its local file is absent or has another size than recorded."""
        path = data_dir / IMAGES_DIRECTORY / self.blob_key
        return not path.is_file() or path.stat().st_size != self.size_bytes


class SnapshotRows:
    """Reads a database file that other connections may be using; each query sees its own snapshot."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def from_path(cls, path: Path) -> Iterator["SnapshotRows"]:
        try:
            with closing(open_copier(path)) as connection:
                yield cls(connection)
        except sqlite3.Error as error:
            raise storage_error(error) from error

    def _value(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    def empty(self) -> bool:
        return not self._value(_HAS_DATA)

    def image_bytes(self) -> int:
        return self._value(_IMAGE_BYTES)

    def sealed(self) -> int:
        """Return how many secrets only the master key opens."""
        return self._value(_SEALED)

    def images(self, after: int = 0) -> Iterator[ImageFile]:
        while rows := self._connection.execute(_IMAGES, (after,)).fetchall():
            for row in rows:
                yield ImageFile(**dict(row))
            after = rows[-1]["id"]

    def tasks(self, *statuses: str) -> tuple[str, ...]:
        query = "SELECT task_id FROM tasks WHERE status = ? ORDER BY created_at, task_id"
        rows = (row for status in statuses for row in self._connection.execute(query, (status,)).fetchall())
        return tuple(str(task_id) for (task_id,) in rows)

    def needs_files(self, owner: str) -> bool:
        """Whether a task may need these files: its inputs even after its end, responses only before."""
        task_id, is_attempt, _ = owner.partition(".")
        row = self._connection.execute("SELECT status FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        return row is not None and not (is_attempt and row[0] in ("completed", "failed", "cancelled"))


_MAX_CHECKS, _PAUSE_SECONDS = 20, 0.1
"""A missing file is looked up again this often: expiry removes the file before it updates the row."""


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
    """Write the backup durably to a file of mode 0600; its name appears only when it is complete."""
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
                total_bytes = snapshot.stat().st_size + rows.image_bytes()
                writer = _Writer(file, data_dir, Tally(progress=progress, total_bytes=total_bytes))
                writer.add_json(HEADER, {"format": FORMAT, "created_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
                writer.add(DATABASE_FILE, snapshot)
                writer.add_spool(rows)
                images, suspects = writer.add_images(rows)
                missing = _still_missing(suspects, live_rows, data_dir, pause)
                writer.add_json(TRAILER, writer.tally.summary())
                writer.tar.close()
        finally:
            snapshot.unlink(missing_ok=True)
    return BackupReport(
        images=images,
        files=writer.tally.files,
        size_bytes=writer.tally.size_bytes,
        missing=tuple(image.blob_key for image in missing),
    )


def _still_missing(
    suspects: list[ImageFile], live_rows: SnapshotRows, data_dir: Path, pause: Callable[[float], object]
) -> list[ImageFile]:
    """Return the images whose rows, read again, still say that they are local."""

    def is_expected(image: ImageFile) -> bool:
        record = next(live_rows.images(image.id - 1), None)
        return record is not None and record.id == image.id and record.local

    for _ in range(_MAX_CHECKS):
        suspects = [image for image in suspects if is_expected(image) and image.is_missing(data_dir)]
        if not suspects:
            break
        pause(_PAUSE_SECONDS)
    return suspects


@contextlib.contextmanager
def _atomic_file(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file that replaces the target if the block succeeds, and is removed if it fails."""
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


class _Writer:
    def __init__(self, file: IO[bytes], data_dir: Path, tally: Tally) -> None:
        self.tar = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=CHUNK_BYTES)
        self._data_dir = data_dir
        self.tally = tally

    def add_spool(self, rows: SnapshotRows) -> None:
        """Add the files that tasks need; a task that ends moves its own from the first directory."""
        for directory in (SPOOL_DIRECTORY, INPUTS_DIRECTORY):
            owners = self._data_dir / directory
            for owner in sorted(owners.iterdir()) if owners.is_dir() else ():
                if owner.is_dir() and rows.needs_files(owner.name):
                    with contextlib.suppress(FileNotFoundError):  # moved or removed meanwhile
                        for file in sorted(owner.iterdir()):
                            if is_key(f"{owner.name}/{file.name}"):
                                self.add(f"{directory}/{owner.name}/{file.name}")

    def add_images(self, rows: SnapshotRows) -> tuple[int, list[ImageFile]]:
        """Return how many images have a local file, and those whose file is not as recorded."""
        number, suspects = 0, []
        for image in rows.images():
            if image.thumbnail_key is not None:
                self.add(f"{IMAGES_DIRECTORY}/{image.thumbnail_key}")
            size = self.add(f"{IMAGES_DIRECTORY}/{image.blob_key}")
            number += size is not None
            if image.local and size != image.size_bytes:
                suspects.append(image)
        return number, suspects

    def add(self, name: str, path: Path | None = None) -> int | None:
        """Add a file, by default of the data directory; return its size, or None if it is missing."""
        try:
            file = path or self._data_dir / name
            source = os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except FileNotFoundError:
            return None
        with source:
            status = os.fstat(source.fileno())
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), 0o600
            self.tally.begin(name)
            self.tar.addfile(member, _CountedFile(source, self.tally))
        self.tar.members.clear()  # type: ignore[attr-defined] # tarfile keeps every member: too much memory with a million images
        return status.st_size

    def add_json(self, name: str, value: object) -> None:
        content = json.dumps(value).encode()
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self.tar.addfile(member, io.BytesIO(content))


@attrs.frozen
class _CountedFile:
    _file: IO[bytes]
    _tally: Tally

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._tally.add(chunk)
        return chunk
