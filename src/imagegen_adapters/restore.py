"""Reads a backup, and restores it into an empty data directory, completely or not at all."""

import contextlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

import attrs

from imagegen_adapters.backup import (
    CHUNK_BYTES,
    FORMAT,
    HEADER,
    TRAILER,
    BackupCode,
    BackupError,
    Progress,
    SnapshotRows,
    Tally,
    is_expected,
)
from imagegen_adapters.files.local import make_directory, sync_directory
from imagegen_adapters.secrets import CHECK_FILE, KEY_FILE
from imagegen_adapters.stores.directory import (
    DATABASE_FILE,
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    LOCK_FILE,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.stores.sql import SchemaTooNew
from imagegen_adapters.stores.sqlite.database import Database, integrity_errors
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import StorageError, StorageFull

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


class BackupReader:
    """Reads the backup in an open file; created by `from_file`, which checks its header.

    `tarfile` extracts nothing: only expected names are written, and never over a file. So links, devices,
    modes and paths have no effect. Nothing is compressed, so there is no decompression bomb.
    """

    def __init__(self, tar: tarfile.TarFile, file_bytes: int) -> None:
        self._tar = tar
        self.file_bytes = file_bytes

    @classmethod
    def from_file(cls, file: BinaryIO) -> "BackupReader":
        try:
            tar = tarfile.TarFile(fileobj=_BoundedFile(file))  # type: ignore[arg-type] # tarfile uses only read, seek and tell
            reader = cls(tar, os.fstat(file.fileno()).st_size)
            header = reader._json(reader._next(), HEADER)
        except _MALFORMED_ERRORS as error:
            raise BackupError(BackupCode.NOT_A_BACKUP()) from error
        if header.get("format") != FORMAT:
            raise BackupError(BackupCode.BACKUP_OTHER())
        return reader

    def extract(self, into: Path, progress: Progress) -> Tally:
        """Write all files below ``into``, readable by their owner only, and verify them by ``end.json``."""
        tally = Tally(progress=progress, total_bytes=self.file_bytes)
        try:
            while (member := self._next()).name != TRAILER:
                is_first = tally.files == 0
                if not is_expected(member.name) or is_first != (member.name == DATABASE_FILE):
                    raise ValueError(member.name)
                self._write(member, into / member.name, tally)
            if self._json(member, TRAILER) != tally.summary():
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
            while remaining and (chunk := source.read(min(CHUNK_BYTES, remaining))):
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
        if not 0 <= size <= 4 * CHUNK_BYTES:
            raise tarfile.ReadError("too long")
        return self._file.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


_FIRST_SECOND = datetime(2026, 1, 1, tzinfo=UTC)
"""Before the first image of any installation."""

_ADD_SEQUENCE = """
INSERT INTO sqlite_sequence (name, seq)
SELECT 'images', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'images')
"""

_RAISE_SEQUENCE = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'images'"

_STAGING_DIRECTORY = ".restoring"
_ALLOWED_NAMES = frozenset({LOCK_FILE, KEY_FILE, CHECK_FILE, "lost+found"})
_MOVED_BEFORE_DATABASE = (IMAGES_DIRECTORY, INPUTS_DIRECTORY, SPOOL_DIRECTORY)


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
    backup = BackupReader.from_file(file)
    with _locked(data_dir) as directory:
        _refuse_existing_data(directory.path)
        staging = directory.path / _STAGING_DIRECTORY
        staging.mkdir(mode=0o700)
        try:
            if backup.file_bytes > (free := shutil.disk_usage(staging).free):
                raise BackupError(BackupCode.NO_ROOM(free=free >> 20, needed=backup.file_bytes >> 20))
            tally = backup.extract(staging, progress)
            report = _inspect(staging, directory.path, files=tally.files)
            _skip_image_ids(staging / DATABASE_FILE, now)
            _move(staging, directory.path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return report


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[DataDirectory]:
    """Yield the locked data directory; if the block fails, whatever was created for it is removed."""
    new_directories = [path for path in (data_dir, *data_dir.parents) if not path.exists()]
    lock_existed = (data_dir / LOCK_FILE).exists()
    directory = DataDirectory.open(data_dir)
    try:
        yield directory
    except BaseException:  # an interruption leaves nothing behind either
        if not lock_existed:
            (data_dir / LOCK_FILE).unlink(missing_ok=True)
        for path in new_directories:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    finally:
        directory.close()


def _refuse_existing_data(data_dir: Path) -> None:
    """Raise unless the directory is empty; the remains of an interrupted restore are removed first."""
    names = {path.name for path in data_dir.iterdir()} - _ALLOWED_NAMES
    if _STAGING_DIRECTORY in names and DATABASE_FILE not in names:
        for name in (_STAGING_DIRECTORY, *_MOVED_BEFORE_DATABASE):
            shutil.rmtree(data_dir / name, ignore_errors=True)
            names.discard(name)
    if names:
        raise BackupError(BackupCode.NOT_EMPTY(name=min(names)))


def _inspect(staging: Path, data_dir: Path, *, files: int) -> RestoreReport:
    database = staging / DATABASE_FILE
    if errors := integrity_errors(database):
        raise BackupError(BackupCode.BACKUP_DAMAGED(detail=errors[0]))
    _migrate(database)
    images = missing = 0
    with SnapshotRows.from_path(database) as rows:
        for image in rows.images():
            images += 1
            missing += image.local and image.is_missing(staging)
        return RestoreReport(
            files=files,
            images=images,
            missing=missing,
            pending=rows.tasks("pending"),
            processing=rows.tasks("processing"),
            sealed=rows.sealed(),
            has_master_key=(data_dir / KEY_FILE).exists(),
        )


def _migrate(database: Path) -> None:
    try:
        with SnapshotRows.from_path(database) as rows:
            rows.empty()  # raises unless our tables exist: the migrations would create them
        Database.open(database).close_now()
    except SchemaTooNew as error:
        raise BackupError(BackupCode.BACKUP_NEWER()) from error
    except StorageFull:
        raise
    except StorageError as error:
        raise BackupError(BackupCode.BACKUP_UNUSABLE(reason=error.reason)) from error


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
    for name in _MOVED_BEFORE_DATABASE:
        if (staging / name).exists():
            (staging / name).rename(data_dir / name)
    sync_directory(data_dir)
    (staging / DATABASE_FILE).rename(data_dir / DATABASE_FILE)
    sync_directory(data_dir)
