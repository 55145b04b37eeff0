"""Reads a backup from an untrusted source: only expected names and only regular files are accepted."""

import json
import os
import tarfile
from pathlib import Path
from typing import IO, BinaryIO

import attrs

from imagegen_adapters.backups.contents import (
    CHUNK_BYTES,
    FORMAT,
    HEADER,
    TRAILER,
    BackupError,
    Progress,
    Tally,
    is_expected,
)
from imagegen_adapters.backups.messages import BackupCode
from imagegen_adapters.files.local import make_directory
from imagegen_adapters.stores.directory import DATABASE_FILE

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

    Members are written out here and not by `tarfile`, under checked names and never over an existing file,
    so links, devices, modes and paths in the archive have no effect. Nothing is compressed, so there is no
    decompression bomb.
    """

    def __init__(self, tar: tarfile.TarFile, file_bytes: int) -> None:
        self._tar = tar
        self.file_bytes = file_bytes

    @classmethod
    def from_file(cls, file: BinaryIO) -> "BackupReader":
        """Return a reader of the file, which must stay open while the reader is used.

        Raises:
            BackupError: the file is not a backup, or has another format version.
            OSError: the file cannot be read.
        """
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
        """Write all files below ``into``, readable by their owner only, and verify them against ``end.json``.

        Raises:
            BackupError: the backup is damaged or truncated, or contains an unexpected member.
            OSError: the files cannot be written.
        """
        tally = Tally()
        try:
            while (member := self._next()).name != TRAILER:
                self._check(member, first=tally.files == 0)
                self._write(member, into / member.name, tally, progress)
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

    def _check(self, member: tarfile.TarInfo, *, first: bool) -> None:
        if not is_expected(member.name) or first != (member.name == DATABASE_FILE):
            raise ValueError(member.name)

    def _write(self, member: tarfile.TarInfo, path: Path, tally: Tally, progress: Progress) -> None:
        make_directory(path.parent)
        tally.begin(member.name)
        remaining = member.size
        with self._content(member) as source, _new_file(path) as target:
            while remaining and (chunk := source.read(min(CHUNK_BYTES, remaining))):
                target.write(chunk)
                remaining -= len(chunk)
                tally.add(chunk)
                progress(tally.size_bytes, self.file_bytes)
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


def _new_file(path: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


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
