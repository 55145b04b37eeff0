"""Puts a backup into an empty data directory, all of it or nothing."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import attrs

from imagegen_adapters.backups.contents import BackupError, Progress
from imagegen_adapters.backups.reader import BackupReader
from imagegen_adapters.backups.snapshot_rows import SnapshotRows
from imagegen_adapters.blob_stores.atomic_file import sync_directory
from imagegen_adapters.databases.data_directory import (
    DATABASE_FILE,
    IMAGES_DIRECTORY,
    LOCK_FILE,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.databases.sqlite import Database, SchemaTooNew
from imagegen_adapters.databases.sqlite.snapshot import integrity_errors
from imagegen_adapters.secret_boxes.master_key import CHECK_FILE, KEY_FILE
from imagegen_core.errors import StorageError, StorageFull

_STAGING_DIRECTORY = ".restoring"
_ALLOWED_NAMES = frozenset({LOCK_FILE, KEY_FILE, CHECK_FILE, "lost+found"})
_MOVED_BEFORE_DATABASE = (IMAGES_DIRECTORY, SPOOL_DIRECTORY)


@attrs.frozen(kw_only=True)
class RestoreReport:
    """What is in the data directory now; ``sealed`` secrets need the master key, which may be missing."""

    files: int
    images: int
    missing: int
    waiting: int
    sealed: int
    has_master_key: bool


def restore_backup(file: BinaryIO, data_dir: Path, *, progress: Progress) -> RestoreReport:
    """Fill the data directory from a backup. The database comes last: without it, nothing counts.

    The backup may be of any earlier version; its database is brought up to date before it takes its place.

    Raises:
        BackupError: the file is no whole backup, or a later version's, or the data directory is not empty;
            nothing was changed.
        DataDirectoryInUse: a service works in it.
        DataDirectoryUnusable: it cannot be made or written to.
        OSError: the file cannot be read, or the disk is full; nothing is left of it.
    """
    backup = BackupReader.of(file)
    with _locked(data_dir) as directory:
        _refuse_existing_data(directory.path)
        half = directory.path / _STAGING_DIRECTORY
        half.mkdir(mode=0o700)
        try:
            _check_room(backup.file_bytes, half)
            tally = backup.extract(half, progress)
            report = _inspect(half, directory.path, files=tally.files)
            _move(half, directory.path)
        finally:
            shutil.rmtree(half, ignore_errors=True)
        return report


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[DataDirectory]:
    """Yield the locked directory; what had to be made for it goes again when the body fails."""
    made = [path for path in (data_dir, *data_dir.parents) if not path.exists()]
    lock_was_there = (data_dir / LOCK_FILE).exists()
    directory = DataDirectory.open(data_dir)
    try:
        yield directory
    except BaseException:
        if not lock_was_there:
            (data_dir / LOCK_FILE).unlink(missing_ok=True)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    finally:
        directory.close()


def _refuse_existing_data(data_dir: Path) -> None:
    """Refuse a directory that holds something; what a killed restore left is removed instead."""
    names = {path.name for path in data_dir.iterdir()} - _ALLOWED_NAMES
    if _STAGING_DIRECTORY in names and DATABASE_FILE not in names:
        for name in (_STAGING_DIRECTORY, *_MOVED_BEFORE_DATABASE):
            shutil.rmtree(data_dir / name, ignore_errors=True)
            names.discard(name)
    if names:
        raise BackupError(f"the data directory is not empty (it holds {min(names)})")


def _check_room(needed: int, where: Path) -> None:
    free = shutil.disk_usage(where).free
    if needed > free:
        raise BackupError(f"the disk has {free >> 20} MB free and the backup needs {needed >> 20} MB")


def _inspect(half: Path, data_dir: Path, *, files: int) -> RestoreReport:
    """Return what there is, once the database turned out to be whole."""
    database = half / DATABASE_FILE
    if complaints := integrity_errors(database):
        raise BackupError(f"the database in the backup is damaged: {complaints[0]}")
    _bring_up_to_date(database)
    images = missing = 0
    with SnapshotRows.of(database) as rows:
        for image in rows.images():
            images += 1
            if image.local:
                path = half / IMAGES_DIRECTORY / image.blob_key
                missing += not path.is_file() or path.stat().st_size != image.size_bytes
        return RestoreReport(
            files=files,
            images=images,
            missing=missing,
            waiting=rows.waiting(),
            sealed=rows.sealed(),
            has_master_key=(data_dir / KEY_FILE).exists(),
        )


def _bring_up_to_date(database: Path) -> None:
    try:
        with SnapshotRows.of(database) as rows:
            rows.empty()  # raises where its tables are none of ours, which would be made otherwise
        Database.open(database).close_now()
    except SchemaTooNew as error:
        raise BackupError("the backup was made by a newer version of imagegen") from error
    except StorageFull:
        raise
    except StorageError as error:
        raise BackupError(f"the database in the backup cannot be used: {error}") from error


def _move(half: Path, data_dir: Path) -> None:
    os.sync()  # one call for all of a million files
    for name in _MOVED_BEFORE_DATABASE:
        if (half / name).exists():
            (half / name).rename(data_dir / name)
    sync_directory(data_dir)
    (half / DATABASE_FILE).rename(data_dir / DATABASE_FILE)
    sync_directory(data_dir)
