"""Writes a data directory into one file, also while the service is running, and restores it.

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
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

import attrs

from imagegen_adapters.files.local import make_directory, sync_directory
from imagegen_adapters.secrets import CHECK_FILE, KEY_FILE
from imagegen_adapters.stores import SchemaTooNew
from imagegen_adapters.stores.configs import SEALED
from imagegen_adapters.stores.directory import (
    DATABASE_FILE,
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    LOCK_FILE,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.stores.sqlite.database import Database, integrity_errors, take_snapshot
from imagegen_adapters.stores.sqlite.engine import open_copier, sqlite3, storage_error
from imagegen_core.errors import ImagegenError, StorageError, StorageFull
from imagegen_core.messages import MessageCode
from imagegen_core.ports.blobs import is_key


class BackupCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with a backup, or with its target."""


_FORMAT = 1
_HEADER = "imagegen-backup.json"
_TRAILER = "end.json"
_CHUNK_BYTES = 1024 * 1024
_FILE_DIRECTORIES = (IMAGES_DIRECTORY, INPUTS_DIRECTORY, SPOOL_DIRECTORY)

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


# ---------------------------------------------------------------- the database

_IMAGES = """
SELECT id, blob_key, thumbnail_key, size_bytes, storage <> 'oss' AS local FROM {} WHERE id > :after
"""
"""``local``: the content should be on the local disk."""

_TABLES = "SELECT name FROM sqlite_master WHERE name IN ('images', 'trash') ORDER BY name"
"""Earlier versions have no trash."""

_HAS_DATA = """
SELECT EXISTS (SELECT 1 FROM tasks) OR EXISTS (SELECT 1 FROM images)
    OR EXISTS (SELECT 1 FROM provider_configs)
    OR EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'webhooks')
"""


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database file that others may be using; each query sees its own snapshot."""
    try:
        with contextlib.closing(open_copier(path)) as rows:
            yield rows
    except sqlite3.Error as error:
        raise storage_error(error) from error


def _value(rows: sqlite3.Connection, query: str) -> int:
    return int(rows.execute(query).fetchone()[0])


def _images(rows: sqlite3.Connection, after: int = 0) -> Iterator[sqlite3.Row]:
    """Yield the images, and those of the trash, by their ids."""
    tables = rows.execute(_TABLES).fetchall()
    query = f"{' UNION ALL '.join(_IMAGES.format(name) for (name,) in tables)} ORDER BY id LIMIT 1000"
    while images := rows.execute(query, {"after": after}).fetchall():
        yield from images
        after = images[-1]["id"]


def _is_missing(image: sqlite3.Row, data_dir: Path) -> bool:
    """Whether an image's local file is absent or has another size than recorded."""
    path = data_dir / IMAGES_DIRECTORY / image["blob_key"]
    return not path.is_file() or path.stat().st_size != image["size_bytes"]


def _task_ids(rows: sqlite3.Connection, status: str) -> tuple[str, ...]:
    query = "SELECT task_id FROM tasks WHERE status = ? ORDER BY created_at, task_id"
    return tuple(str(task_id) for (task_id,) in rows.execute(query, (status,)).fetchall())


def _needs_files(rows: sqlite3.Connection, owner: str) -> bool:
    """Whether a task may need these files: its inputs even after its end, responses only before."""
    task_id, is_attempt, _ = owner.partition(".")
    row = rows.execute("SELECT status FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
    return row is not None and not (is_attempt and row[0] in ("completed", "failed", "cancelled"))


# ---------------------------------------------------------------- the backup

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
            with _reading(snapshot) as rows, _reading(database) as live_rows:
                if not _value(rows, _HAS_DATA):
                    raise BackupError(BackupCode.EMPTY_DATABASE())
                local_bytes = sum(image["size_bytes"] for image in _images(rows) if image["local"])
                total_bytes = snapshot.stat().st_size + local_bytes
                writer = _Writer(file, data_dir, Tally(progress=progress, total_bytes=total_bytes))
                writer.add_json(_HEADER, {"format": _FORMAT, "created_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
                writer.add(DATABASE_FILE, snapshot)
                writer.add_spool(rows)
                images, suspects = writer.add_images(rows)
                missing = _still_missing(suspects, live_rows, data_dir, pause)
                writer.add_json(_TRAILER, writer.tally.summary())
                writer.tar.close()
        finally:
            snapshot.unlink(missing_ok=True)
    return BackupReport(
        images=images,
        files=writer.tally.files,
        size_bytes=writer.tally.size_bytes,
        missing=tuple(str(image["blob_key"]) for image in missing),
    )


def _still_missing(
    suspects: list[sqlite3.Row],
    live_rows: sqlite3.Connection,
    data_dir: Path,
    pause: Callable[[float], object],
) -> list[sqlite3.Row]:
    """Return the images whose rows, read again, still say that they are local."""

    def is_local(image: sqlite3.Row) -> bool:
        record = next(_images(live_rows, image["id"] - 1), None)
        return record is not None and record["id"] == image["id"] and record["local"]

    for _ in range(_MAX_CHECKS):
        suspects = [image for image in suspects if is_local(image) and _is_missing(image, data_dir)]
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
        self.tar = tarfile.TarFile(
            fileobj=file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=_CHUNK_BYTES
        )
        self._data_dir = data_dir
        self.tally = tally

    def add_spool(self, rows: sqlite3.Connection) -> None:
        """Add the files that tasks need; a task that ends moves its own from the first directory."""
        for directory in (SPOOL_DIRECTORY, INPUTS_DIRECTORY):
            owners = self._data_dir / directory
            for owner in sorted(owners.iterdir()) if owners.is_dir() else ():
                if owner.is_dir() and _needs_files(rows, owner.name):
                    with contextlib.suppress(FileNotFoundError):  # moved or removed meanwhile
                        for file in sorted(owner.iterdir()):
                            if is_key(f"{owner.name}/{file.name}"):
                                self.add(f"{directory}/{owner.name}/{file.name}")

    def add_images(self, rows: sqlite3.Connection) -> tuple[int, list[sqlite3.Row]]:
        """Return how many images have a local file, and those whose file is not as recorded."""
        number, suspects = 0, []
        for image in _images(rows):
            if image["thumbnail_key"] is not None:
                self.add(f"{IMAGES_DIRECTORY}/{image['thumbnail_key']}")
            size = self.add(f"{IMAGES_DIRECTORY}/{image['blob_key']}")
            number += size is not None
            if image["local"] and size != image["size_bytes"]:
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


# ---------------------------------------------------------------- what is read back

_MAX_JSON_BYTES = 64 * 1024
_MALFORMED_ERRORS = (
    tarfile.TarError,
    EOFError,
    ValueError,
    OverflowError,
    RecursionError,
    FileExistsError,
    NotADirectoryError,
)


class _Reader:
    """Reads the backup in an open file; created by `from_file`, which checks its header.

    `tarfile` extracts nothing: only expected names are written, and never over a file. So links, devices,
    modes and paths have no effect. Nothing is compressed, so there is no decompression bomb.
    """

    def __init__(self, tar: tarfile.TarFile, file_bytes: int) -> None:
        self._tar = tar
        self.file_bytes = file_bytes

    @classmethod
    def from_file(cls, file: BinaryIO) -> "_Reader":
        try:
            tar = tarfile.TarFile(fileobj=_BoundedFile(file))  # type: ignore[arg-type] # tarfile uses only read, seek and tell
            reader = cls(tar, os.fstat(file.fileno()).st_size)
            header = reader._json(reader._next(), _HEADER)
        except _MALFORMED_ERRORS as error:
            raise BackupError(BackupCode.NOT_A_BACKUP()) from error
        if header.get("format") != _FORMAT:
            raise BackupError(BackupCode.BACKUP_OTHER())
        return reader

    def extract(self, into: Path, progress: Progress) -> Tally:
        """Write all files below ``into``, readable by their owner only, and verify them by ``end.json``."""
        tally = Tally(progress=progress, total_bytes=self.file_bytes)
        try:
            while (member := self._next()).name != _TRAILER:
                top, _, key = member.name.partition("/")
                is_file = top in _FILE_DIRECTORIES and is_key(key)
                if not (is_file if tally.files else member.name == DATABASE_FILE):
                    raise ValueError(member.name)
                self._write(member, into / member.name, tally)
            if self._json(member, _TRAILER) != tally.summary():
                raise BackupError(BackupCode.BACKUP_CUT_OFF())
        except _MALFORMED_ERRORS as error:
            raise BackupError(BackupCode.BACKUP_CUT_OFF()) from error
        return tally

    def _next(self) -> tarfile.TarInfo:
        member = self._tar.next()
        if member is None:
            raise EOFError
        self._tar.members.clear()  # type: ignore[attr-defined] # tarfile keeps every member: too much memory with a million images
        if member.type != tarfile.REGTYPE or member.sparse is not None or member.size < 0:
            raise ValueError(member.name)
        return member

    def _write(self, member: tarfile.TarInfo, path: Path, tally: Tally) -> None:
        make_directory(path.parent)
        tally.begin(member.name)
        remaining = member.size
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._content(member) as source, os.fdopen(os.open(path, flags, 0o600), "wb") as target:
            while remaining and (chunk := source.read(min(_CHUNK_BYTES, remaining))):
                target.write(chunk)
                remaining -= len(chunk)
                tally.add(chunk)
        if remaining:
            raise EOFError
        os.utime(path, (member.mtime, member.mtime))

    def _json(self, member: tarfile.TarInfo, name: str) -> dict[str, object]:
        if member.name != name or member.size > _MAX_JSON_BYTES:
            raise ValueError(member.name)
        with self._content(member) as source:
            document = json.loads(source.read())
        if not isinstance(document, dict):
            raise ValueError(name)  # noqa: TRY004 - one of _MALFORMED_ERRORS, as for every unexpected member
        return document

    def _content(self, member: tarfile.TarInfo) -> IO[bytes]:
        source = self._tar.extractfile(member)
        if source is None:
            raise ValueError(member.name)
        return source


@attrs.frozen
class _BoundedFile:
    """Refuses large single reads: a tar header may claim any length for a member's name."""

    _file: IO[bytes]

    def read(self, size: int) -> bytes:
        if not 0 <= size <= 4 * _CHUNK_BYTES:
            raise tarfile.ReadError("too long")
        return self._file.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


# ---------------------------------------------------------------- the restoration

_FIRST_SECOND = datetime(2026, 1, 1, tzinfo=UTC)
"""Before the first image of any installation."""

_ADD_SEQUENCE = """
INSERT INTO sqlite_sequence (name, seq)
SELECT 'images', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'images')
"""

_RAISE_SEQUENCE = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'images'"

_STAGING_DIRECTORY = ".restoring"
_ALLOWED_NAMES = frozenset({LOCK_FILE, KEY_FILE, CHECK_FILE, "lost+found"})


@attrs.frozen(kw_only=True)
class RestoreReport:
    """``missing`` counts images without an intact file, ``sealed`` the secrets that need the master key.

    ``pending`` and ``processing`` are the ids of unfinished tasks, oldest first.
    """

    files: int
    images: int
    missing: int
    pending: tuple[str, ...]
    processing: tuple[str, ...]
    sealed: int
    has_master_key: bool


def restore_backup(file: BinaryIO, data_dir: Path, *, now: datetime, progress: Progress) -> RestoreReport:
    """Fill an empty data directory from a complete backup of this or any earlier version.

    The database is moved into place last, after its migration: without one, a directory counts as empty.
    Whatever this raises, everything written was removed again. Ids of images that may have been assigned
    after the backup are not assigned again.
    """
    backup = _Reader.from_file(file)
    staging, lock = data_dir / _STAGING_DIRECTORY, data_dir / LOCK_FILE
    is_lock_new = not lock.exists()
    with contextlib.closing(DataDirectory.open(data_dir)), contextlib.ExitStack() as undoing:
        if is_lock_new:
            undoing.callback(lock.unlink)  # the directory removes itself and its parents, if they are new
        _refuse_existing_data(data_dir)
        staging.mkdir(mode=0o700)
        undoing.callback(shutil.rmtree, staging, ignore_errors=True)
        if backup.file_bytes > (free := shutil.disk_usage(staging).free):
            raise BackupError(BackupCode.NO_ROOM(free=free >> 20, needed=backup.file_bytes >> 20))
        tally = backup.extract(staging, progress)
        report = _inspect(staging, data_dir, files=tally.files)
        _skip_image_ids(staging / DATABASE_FILE, now)
        _move(staging, data_dir)
        shutil.rmtree(staging, ignore_errors=True)
        undoing.pop_all()
    return report


def _refuse_existing_data(data_dir: Path) -> None:
    """Raise unless the directory is empty; the remains of an interrupted restore are removed first."""
    names = {path.name for path in data_dir.iterdir()} - _ALLOWED_NAMES
    if _STAGING_DIRECTORY in names and DATABASE_FILE not in names:
        for name in (_STAGING_DIRECTORY, *_FILE_DIRECTORIES):
            shutil.rmtree(data_dir / name, ignore_errors=True)
            names.discard(name)
    if names:
        raise BackupError(BackupCode.NOT_EMPTY(name=min(names)))


def _inspect(staging: Path, data_dir: Path, *, files: int) -> RestoreReport:
    database = staging / DATABASE_FILE
    if errors := integrity_errors(database):
        raise BackupError(BackupCode.BACKUP_DAMAGED(detail=errors[0]))
    try:
        with _reading(database) as rows:
            _value(rows, _HAS_DATA)  # raises unless our tables exist: the migrations would create them
        Database.open(database).close_now()
    except SchemaTooNew as error:
        raise BackupError(BackupCode.BACKUP_NEWER()) from error
    except StorageFull:
        raise
    except StorageError as error:
        raise BackupError(BackupCode.BACKUP_UNUSABLE(reason=error.reason)) from error
    images = missing = 0
    with _reading(database) as rows:
        for image in _images(rows):
            images += 1
            missing += image["local"] and _is_missing(image, staging)
        return RestoreReport(
            files=files,
            images=images,
            missing=missing,
            pending=_task_ids(rows, "pending"),
            processing=_task_ids(rows, "processing"),
            sealed=_value(rows, f"SELECT count(*) FROM ({SEALED})"),  # noqa: S608 - of our own
            has_master_key=(data_dir / KEY_FILE).exists(),
        )


def _skip_image_ids(database: Path, now: datetime) -> None:
    """Skip ids that may have been assigned since the backup: browsers cache images by address."""
    seconds = int((now - _FIRST_SECOND).total_seconds())
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_ADD_SEQUENCE)
        connection.execute(_RAISE_SEQUENCE, (seconds - 1,))
        connection.execute("COMMIT")


def _move(staging: Path, data_dir: Path) -> None:
    os.sync()  # one call instead of an fsync for each of up to a million files
    for name in _FILE_DIRECTORIES:
        if (staging / name).exists():
            (staging / name).rename(data_dir / name)
    sync_directory(data_dir)
    (staging / DATABASE_FILE).rename(data_dir / DATABASE_FILE)
    sync_directory(data_dir)
